"""Two at once, again and again: one effect each time, and the other is told who and when.

Each round is two threads with connections of their own, let go together. What a round writes is thrown away with its
database only: run it on a database of its own, as tests and benchmarks do.
"""

import json
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.test import RequestFactory
from django.utils import timezone

from backoffice.core.models import Approval, Party, User
from backoffice.core.services import approvals
from backoffice.core.services.roles import give_role
from finance.models import BankAccount, Instalment, Match, Statement, StatementLine, Suggestion, Title
from finance.services import ledger, periods, plan, reconcile, titles
from finance.services.ledger import Line
from finance.services.reconcile import Item, Taken
from finance.views.reconcile import accept

Act = Callable[[], object]
AMOUNT = Decimal("100.00")


@dataclass
class Outcome:
    """won: acts that took effect.   told: who the others were told was first, with a moment.   other: anything else."""

    won: int = 0
    told: int = 0
    other: str = ""


class Command(BaseCommand):
    help = "Race two people at one line, two lines at one title, a double click and two approvals; count violations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=500, help="rounds of each kind (500)")
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line")

    def handle(self, *args: Any, rounds: int, json: bool, **options: Any) -> None:
        found = race(rounds)
        if json:
            self.stdout.write(dumps(found))
            return
        for kind, row in found["kinds"].items():
            self.stdout.write(f"{kind}: {row}")
        self.stdout.write(f"{found['rounds']} rounds of each, {found['violations']} violations")


def dumps(found: dict[str, Any]) -> str:
    return json.dumps(found)


def race(rounds: int) -> dict[str, Any]:
    """Every kind `rounds` times. Keys: rounds (of each kind), violations, first, kinds."""
    stage = Stage()
    kinds = {
        "one_line": stage.one_line,
        "one_title": stage.one_title,
        "double_click": stage.double_click,
        "two_approvals": stage.two_approvals,
    }
    report: dict[str, Any] = {"rounds": rounds, "violations": 0, "first": None, "kinds": {}}
    for kind, play in kinds.items():
        tally: Counter[str] = Counter()
        began = time.monotonic()
        for number in range(rounds):
            wrong = play()
            tally["violations" if wrong else "right"] += 1
            if wrong:
                report["violations"] += 1
                report["first"] = report["first"] or f"{kind} {number}: {wrong}"
        seconds = round(time.monotonic() - began, 1)
        report["kinds"][kind] = {"rounds": rounds, "violations": tally["violations"], "seconds": seconds}
    return report


def together(*acts: Act) -> Outcome:
    """Let the acts go at the same moment, each on its own connection."""
    gate, outcome, lock = threading.Barrier(len(acts)), Outcome(), threading.Lock()

    def run(act: Act) -> None:
        close_old_connections()
        try:
            connection.ensure_connection()
            gate.wait(30)
            act()
        except (Taken, approvals.AlreadyDecided) as problem:
            with lock:
                outcome.told += _tells(problem)
        except Exception as problem:  # whatever it is, it is a violation and is named
            with lock:
                outcome.other = f"{type(problem).__name__}: {problem}"
        else:
            with lock:
                outcome.won += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcome


def _tells(problem: Exception) -> bool:
    """Whether it names who was first and when."""
    if isinstance(problem, Taken):
        return bool(problem.who and problem.when)
    assert isinstance(problem, approvals.AlreadyDecided)
    return bool(problem.approval.decided_by and problem.approval.decided_at)


class Stage:
    """People, a bank account and a customer; every round brings its own lines and titles."""

    def __init__(self) -> None:
        self.today = timezone.localdate()
        periods.ensure(self.today, self.today)
        stamp = timezone.now().strftime("%y%m%d%H%M%S%f")
        self.people = [self._person(f"race{n}.{stamp}@retaguarda.example") for n in range(4)]
        self.bank: BankAccount = plan.open_bank_account(name=f"Race {stamp}")
        self.statement = Statement.objects.create(bank_account=self.bank, format="race", reader="race")
        self.party = Party.objects.create(name="Race")
        self.sales = plan.account_for("sales").pk
        self.count = 0

    def _person(self, email: str) -> User:
        user = User.objects.create_user(email=email, name=email.partition("@")[0])
        give_role(user, "finance_manager", by=None, given_as="race")
        return user

    def line(self, on: date | None = None) -> StatementLine:
        self.count += 1
        made = StatementLine.objects.create(
            bank_account=self.bank,
            statement=self.statement,
            on=on or self.today,
            amount=AMOUNT,
            text=f"PIX {self.count}",
            key=self.count.to_bytes(16),
        )
        postings = [
            Line(self.bank.account_id, AMOUNT, line=made.pk, role="bank"),
            Line(self.bank.transit_id, -AMOUNT, line=made.pk, role="transit"),
        ]
        ledger.post(journal="bank", on=made.on, text=made.text, lines=postings)
        return made

    def title(self) -> Instalment:
        self.count += 1
        made = titles.issue(
            direction=Title.Direction.RECEIVABLE,
            kind=Title.Kind.INVOICE,
            number=f"R{self.count}",
            party=self.party,
            issued_on=self.today,
            instalments=[titles.Part(self.today, AMOUNT)],
            against=[Line(self.sales, -AMOUNT)],
        )
        return Instalment.objects.get(title=made)

    def proposal(self, line: StatementLine, part: Instalment) -> int:
        items = [{"kind": "instalment", "id": part.pk, "amount": str(-AMOUNT)}]
        return Suggestion.objects.create(line=line, rank=1, stage="S2", confidence=Decimal("0.97"), items=items).pk

    # one round each; what is wrong, or nothing

    def one_line(self) -> str:
        """Two people accept the same line."""
        line, part = self.line(), self.title()
        proposal = self.proposal(line, part)
        outcome = together(*(self._accept(proposal, line, user) for user in self.people[:2]))
        return self._judge(outcome, [line], part)

    def one_title(self) -> str:
        """Two lines want one title."""
        lines, part = [self.line(), self.line()], self.title()
        proposals = [self.proposal(line, part) for line in lines]
        both = zip(proposals, lines, self.people[:2], strict=True)
        outcome = together(*(self._accept(proposal, line, user) for proposal, line, user in both))
        return self._judge(outcome, lines, part)

    def double_click(self) -> str:
        """One person, one form, sent twice at once: one effect, the same answer."""
        line, part = self.line(), self.title()
        sent = {"suggestion": self.proposal(line, part), "once": f"race-{line.pk}-{part.pk}"}
        answers: list[tuple[int, str]] = []

        def click() -> None:
            request = RequestFactory().post(f"/lines/{line.pk}/accept/", sent, headers={"HX-Request": "true"})
            request.user = self.people[0]
            answer = accept(request, pk=line.pk)  # type: ignore[arg-type]
            answers.append((answer.status_code, answer.headers.get("Location", "")))

        outcome = together(click, click)
        if outcome.won != 2 or len(set(answers)) != 1 or answers[0][0] != 302:
            return f"{outcome} {answers}"
        return self._judge(Outcome(1, 1), [line], part)

    def two_approvals(self) -> str:
        """Two managers say yes to one question."""
        line, part = self.line(), self.title()
        items = [Item("instalment", -AMOUNT, part.pk)]
        asked = reconcile.ask(lines=[(line.pk, AMOUNT)], items=items, by=self.people[2], reason="race")
        outcome = together(*(self._decide(asked, user) for user in self.people[:2]))
        return self._judge(outcome, [line], part)

    def _accept(self, proposal: int, line: StatementLine, user: User) -> Act:
        return lambda: reconcile.accept(suggestion_id=proposal, line_id=line.pk, by=user)

    def _decide(self, asked: Approval, user: User) -> Act:
        return lambda: approvals.decide(asked.pk, yes=True, by=user)

    def _judge(self, outcome: Outcome, lines: list[StatementLine], part: Instalment) -> str:
        part.refresh_from_db()
        found = StatementLine.objects.filter(pk__in=[line.pk for line in lines])
        left = sum(found.values_list("open_amount", flat=True))
        matches = Match.objects.filter(entry__postings__instalment=part).count()
        if (outcome.won, outcome.told, outcome.other) != (1, 1, ""):
            return str(outcome)
        if matches != 1 or part.balance != 0 or left != AMOUNT * (len(lines) - 1):
            return f"{matches} matches, {part.balance} and {left} open"
        return ""
