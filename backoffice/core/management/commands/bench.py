"""`manage.py bench NAME … --json`: run one measurement in a scratch database (see `core/bench.py`)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backoffice.core import bench


class Command(BaseCommand):
    help = "Measure something in a scratch database, which is dropped at the end."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
        for name, one in bench.benches().items():
            own = names.add_parser(name, help=one.run.__doc__)
            own.add_argument("--json", action="store_true", help="end with one JSON object")
            if one.arguments:
                one.arguments(own)

    def handle(self, *args: Any, **options: Any) -> None:
        one = bench.benches()[options["name"]]
        with bench.scratch():
            found = one.run(options, lambda text: self.stderr.write(text))
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            for key, value in found.items():
                self.stdout.write(f"{key}: {value}")
