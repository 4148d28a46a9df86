"""`manage.py simulate_finance --steps 10000 --seed 7 --json`: the storm of finance/simulator in a scratch database."""

import json
import random
import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.core import bench
from finance.simulator.play import Report, play

Say = Callable[[str], None]


class Command(BaseCommand):
    help = "In a scratch database: random acts on the books with faults injected, every promise proved after each step."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--steps", type=int, default=10_000, metavar="N", help="how many steps (10,000)")
        parser.add_argument("--seed", type=int, default=None, metavar="S", help="replays a storm; drawn when not given")
        parser.add_argument(
            "--processes", type=int, default=1, metavar="P",
            help="so many storms at once, each over books of its own, with seeds S, S+1, …; the steps are shared out",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["steps"] < 1 or options["processes"] < 1:
            raise CommandError("--steps and --processes are above zero.")
        seed = options["seed"] if options["seed"] is not None else random.randrange(10**6)  # noqa: S311
        began = time.monotonic()
        seeds = [seed + number for number in range(min(options["processes"], options["steps"]))]
        with bench.scratch() as name:
            if len(seeds) == 1:
                found = [_storm(name, options["steps"], seed, self.stderr.write)]
            else:
                found = _storms(name, options["steps"], seeds, self.stderr.write)
        reports = [report for report, _peak in found]
        answer = {
            "steps": sum(report.steps for report in reports),
            "violations": sum(report.violations for report in reports),
            "first": next((report.first for report in reports if report.first), None),
            "seed": seed,
            "seeds": seeds,
            "entries": sum(report.entries for report in reports),
            **{name: _added([getattr(report, name) for report in reports]) for name in ("acts", "refused", "faults")},
            "full_checks": sum(report.full_checks for report in reports),
            "balances": "-".join(report.balances for report in reports),
            "peak_mb": max(peak for _report, peak in found),
            "seconds": round(time.monotonic() - began, 1),
        }
        self.stdout.write(json.dumps(answer) if options["json"] else "\n".join(f"{k}: {v}" for k, v in answer.items()))
        if answer["violations"]:
            raise SystemExit(1)


def _added(counters: list[Any]) -> dict[str, int]:
    total = sum(counters[1:], counters[0])
    return dict(sorted(total.items()))


def _storm(database: str, steps: int, seed: int, say: Say) -> tuple[Report, int]:
    """What was found, and the most memory this process had (MB)."""
    bench.work_on(database)
    report = play(steps=steps, seed=seed, say=say)
    return report, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _storms(template: str, steps: int, seeds: list[int], say: Say) -> list[tuple[Report, int]]:
    """One storm a process, each in a copy of the migrated database; whatever ends this ends them."""
    fork, found = get_context("fork"), []
    with ExitStack() as stack:
        running = []
        for number, (seed, database) in enumerate(
            zip(seeds, stack.enter_context(bench.copies(template, len(seeds))), strict=True)
        ):
            share = steps // len(seeds) + (number < steps % len(seeds))
            here, there = fork.Pipe(duplex=False)
            child = fork.Process(target=_report, args=(there, database, share, seed, say))
            child.start()
            stack.callback(child.join)
            stack.callback(child.terminate)
            there.close()
            running.append((seed, here))
        for seed, here in running:
            try:
                found.append(here.recv())
            except EOFError:
                raise CommandError(f"The storm of seed {seed} broke off.") from None
    return found


def _report(answer: Connection, database: str, steps: int, seed: int, say: Say) -> None:
    answer.send(_storm(database, steps, seed, lambda text: say(f"seed {seed}: {text}")))
