"""`manage.py simulate_finance --steps 10000 --seed 7 --json`: the storm of finance/simulator in a scratch database."""

import json
import random
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backoffice.core import bench
from finance.simulator.play import play


class Command(BaseCommand):
    help = "In a scratch database: random acts on the books with faults injected, every promise proved after each step."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--steps", type=int, default=10_000, metavar="N", help="how many steps (10,000)")
        parser.add_argument("--seed", type=int, default=None, metavar="S", help="replays a storm; drawn when not given")
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = options["seed"] if options["seed"] is not None else random.randrange(10**6)  # noqa: S311
        began = time.monotonic()
        with bench.scratch():
            found = play(steps=options["steps"], seed=seed, say=lambda text: self.stderr.write(text))
        answer = {
            "steps": found.steps,
            "violations": found.violations,
            "first": found.first,
            "seed": seed,
            "entries": found.entries,
            "acts": dict(found.acts),
            "refused": dict(found.refused),
            "faults": dict(found.faults),
            "full_checks": found.full_checks,
            "balances": found.balances,
            "seconds": round(time.monotonic() - began, 1),
        }
        self.stdout.write(json.dumps(answer) if options["json"] else "\n".join(f"{k}: {v}" for k, v in answer.items()))
        if found.violations:
            raise SystemExit(1)
