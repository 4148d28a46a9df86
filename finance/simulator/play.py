"""Play the storm: draw an act and a fault, let them happen, prove the books."""

import hashlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.test.utils import override_settings

from finance.models import Account

from . import faults
from .acts import KINDS, Act, Kind, load
from .checks import Checker
from .world import Effect, World

FAULTS = {"": 0.84, "cut": 0.03, "regret": 0.04, "kill": 0.01, "redeliver": 0.02, "twice": 0.03, "again": 0.03}
ONCE_ONLY = ("redeliver", "twice", "again")  # for acts of which a second time changes nothing
MOST_STATEMENTS = 14
EVERYTHING_AFTER = 500  # steps; later rarer, so that a long storm does not read its whole history all the time


@dataclass
class Report:
    steps: int = 0
    violations: int = 0
    first: dict[str, Any] | None = None
    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    full_checks: int = 0
    entries: int = 0
    balances: str = ""  # a digest: two runs of one seed end alike


def play(*, steps: int, seed: int, say: Callable[[str], None] = lambda text: None) -> Report:
    """Run the storm on the default connection's database, which must be migrated and without books."""
    with faults.own_connections(), tempfile.TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
        return _Play(steps, seed, say).run()


load()


class _Play:
    def __init__(self, steps: int, seed: int, say: Callable[[str], None]) -> None:
        self.steps, self.seed, self.say = steps, seed, say
        self.chance = random.Random(seed)  # noqa: S311 (a storm, not a secret)
        self.world, self.report, self.twins = World(self.chance), Report(), faults.Twins()
        self.before: list[str] = []

    def run(self) -> Report:
        self.control = faults.control()
        self.world.build()
        self.checker = Checker(self.world)
        weights = [kind.weight for kind in KINDS]
        looked, began = 0, time.monotonic()
        try:
            for step in range(1, self.steps + 1):
                self._step(step, self.chance.choices(KINDS, weights)[0])
                if step - looked >= max(EVERYTHING_AFTER, step // 20) or step == self.steps:
                    looked = step
                    self.report.full_checks += 1
                    self._note(step, "everything", "", self.checker.everything())
                    self.say(f"{step} steps, {self.report.violations} violations, {time.monotonic() - began:.0f} s")
        finally:
            self.twins.close()
            self.control.close()
        self.report.steps = self.steps
        self.report.entries = len(self.world.order)
        codes = dict(Account.objects.values_list("pk", "code"))
        told = repr(sorted((codes[key], str(value)) for key, value in self.world.ledger.items()))
        self.report.balances = hashlib.sha256(told.encode()).hexdigest()[:16]
        return self.report

    def _step(self, step: int, kind: Kind) -> None:
        self.world.look_at_the_clock()
        drawn = kind.draw(self.world)
        if drawn is None:
            return
        fault = self.chance.choices(list(FAULTS), list(FAULTS.values()))[0]
        number = self.chance.randint(1, MOST_STATEMENTS)
        if fault in ONCE_ONLY and not drawn.once:
            fault = ""
        self.report.acts[kind.name] += 1
        if fault:
            self.report.faults[fault] += 1
        outcomes = self._happen(drawn, fault, number)
        wrong, foretold = _judge(drawn, fault, outcomes)
        if any(outcome.state == "refused" for outcome in outcomes):
            self.report.refused[kind.name] += 1
        if drawn.resumes and outcomes[-1].state == "broken":
            outcomes.append(faults.attempt(drawn.do))
            wrong, foretold = _judge(drawn, "again", outcomes[-1:])
        if drawn.then and any(outcome.state == "done" for outcome in outcomes):
            drawn.then()
        found, done = self.checker.after(foretold)
        if drawn.most is not None and done.entries > drawn.most:
            wrong.append(f"made {done.entries} entries, {drawn.most} is the most")
        story = f"{step} {kind.name} {fault or 'plain'}: {', '.join(o.state for o in outcomes)}: {done}"
        self._note(step, kind.name, fault, wrong + found)
        self.before = [*self.before[-9:], story]

    def _happen(self, drawn: Act, fault: str, number: int) -> list[faults.Outcome]:
        if fault == "cut":
            return [faults.cut(drawn.do, number, self.control)]
        if fault == "regret":
            return [faults.regret(drawn.do, number)]
        if fault == "kill":
            return [faults.kill(drawn.do, number)]
        if fault == "redeliver":  # the worker dies, its task is given to another
            return [faults.kill(drawn.do, number), faults.attempt(drawn.do)]
        if fault == "twice":
            return self.twins.both(drawn.do)
        if fault == "again":
            return [faults.attempt(drawn.do), faults.attempt(drawn.do)]
        return [faults.attempt(drawn.do)]

    def _note(self, step: int, act: str, fault: str, wrong: list[str]) -> None:
        self.report.violations += len(wrong)
        if wrong:
            self.say(f"step {step}, {act}, {fault or 'plain'}: {'; '.join(wrong[:5])}")
        if wrong and self.report.first is None:
            self.report.first = {
                "step": step, "act": act, "fault": fault, "wrong": wrong[:5], "before": self.before, "seed": self.seed
            }  # fmt: skip


def _judge(drawn: Act, fault: str, outcomes: list[faults.Outcome]) -> tuple[list[str], list[Effect] | None]:
    """What is wrong with how it ended, and which effects may have come of it (None: any)."""
    wrong: list[str] = []
    done = sum(outcome.state == "done" for outcome in outcomes)
    broken = [outcome.why for outcome in outcomes if outcome.state == "broken"]
    if fault == "redeliver" and outcomes[0].state == "broken":
        broken = [outcome.why for outcome in outcomes[1:] if outcome.state == "broken"]
    if broken and fault not in ("cut", "regret", "kill"):
        wrong.append(f"broke off: {broken[0]}")
    if any("deadlock" in outcome.why for outcome in outcomes):
        wrong.append("two workers waited for each other")
    if drawn.effect is None:
        return wrong, None
    if not drawn.allowed and done:
        wrong.append("was not refused")
    elif drawn.allowed and not done and not broken:
        wrong.append(f"was refused: {outcomes[-1].why}")
    return wrong, [drawn.effect if done else Effect()]
