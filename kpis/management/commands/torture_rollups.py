"""`manage.py torture_rollups --kills 50 --json`: late, reversed and concurrent facts, killed workers, 0 differences."""

import json
import random
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backoffice.core import bench
from kpis import torture
from kpis.services import proof, rollup


class Command(BaseCommand):
    help = "In a scratch database: writers and workers at once, workers killed; then compare with a full recompute."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kills", type=int, default=50, help="how many workers to kill (50)")
        parser.add_argument(
            "--seed", type=int, default=None, help="of the writers and the killer; drawn when not given"
        )
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = options["seed"] if options["seed"] is not None else random.randrange(10**6)  # noqa: S311
        with bench.scratch() as database:
            damage = torture.storm(database=database, kills=options["kills"], seed=seed)
            rollup.roll_up()
            found = proof.compare()
        answer = {
            "seed": seed,
            "kills": damage.kills,
            "facts": damage.facts,
            "reversals": damage.reversals,
            "seconds": damage.seconds,
            "compared": found.compared,
            "differences": found.differences,
            "pending": found.pending,
        }
        self.stdout.write(json.dumps(answer) if options["json"] else str(answer))
        if found.differences or found.pending:
            raise SystemExit(1)
