"""`manage.py verify_rollups [--repair] --json`: make every bucket anew from all facts and compare."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kpis.services import proof
from kpis.services.catching_up import catch_up


class Command(BaseCommand):
    requires_system_checks = []
    help = "Compare every bucket with a full recompute from the facts. Leaves 1 when any differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="recompute what differs")
        parser.add_argument("--as-is", action="store_true", help="do not roll up first what still waits")
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["as_is"]:
            catch_up()
        found = proof.compare()
        if options["repair"] and found.wrong:
            proof.repair(found)
        if options["json"]:
            answer = {"compared": found.compared, "differences": found.differences, "pending": found.pending}
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write(f"{found.compared} buckets compared, {found.differences} differ, {found.pending} wait.")
            for series, grain, start in found.wrong[:20]:
                self.stdout.write(f"{series} {grain} {start.isoformat()}")
        if found.differences:
            raise SystemExit(1)
