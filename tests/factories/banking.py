"""Bank accounts with lines as an import leaves them: posted against transit, open; and what the engine suggests."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from backoffice.core.services import approvals
from finance.models import BankAccount, Instalment, MatchRule, Statement, StatementLine, Suggestion
from finance.services import ledger, plan, rules
from finance.services.ledger import Line
from tests.factories.books import MAY
from tests.factories.people import person

_numbers = itertools.count(1)


def bank_account(name: str = "", **facts: Any) -> BankAccount:
    return plan.open_bank_account(name=name or f"Banco {next(_numbers)}", **facts)


def statement(account: BankAccount, *, closing: str | None = None, ends_on: date = MAY, **facts: Any) -> Statement:
    facts.setdefault("format", "ofx")
    facts.setdefault("reader", "test")
    return Statement.objects.create(
        bank_account=account, ends_on=ends_on, closing=None if closing is None else Decimal(closing), **facts
    )


def line(
    amount: str = "100.00",
    *,
    account: BankAccount | None = None,
    on: date = MAY,
    text: str = "PIX RECEBIDO",
    payer: str = "",
    of: Statement | None = None,
    **facts: Any,
) -> StatementLine:
    """One open line: on the bank's account and waiting in transit."""
    account = account or (of.bank_account if of else bank_account())
    of = of or statement(account)
    made = StatementLine.objects.create(
        bank_account=account,
        statement=of,
        on=on,
        amount=Decimal(amount),
        text=text,
        payer=payer,
        **{"key": next(_numbers).to_bytes(16)} | facts,
    )
    postings = [
        Line(account.account_id, made.amount, line=made.pk, role="bank"),
        Line(account.transit_id, -made.amount, line=made.pk, role="transit"),
    ]
    ledger.post(journal="bank", on=on, text=text, lines=postings)
    made.refresh_from_db()
    return made


def trust(rule: MatchRule) -> None:
    """Let a rule post by itself, as asked by one person and approved by another."""
    asked = rules.ask_trust(rule, by=person("finance_clerk"))
    approvals.decide(asked.pk, yes=True, by=person("director"))


def suggestion(
    line: StatementLine,
    *parts: Instalment,
    rank: int = 1,
    stage: str = "S2",
    confidence: str = "0.97",
    more: list[dict[str, Any]] | None = None,
    alternatives: int = 0,
) -> Suggestion:
    """The engine proposes these instalments in full, and `more` items, for the line."""
    items = [{"kind": "instalment", "id": part.pk, "amount": str(-part.balance)} for part in parts]
    evidence = {
        "stage": stage,
        "signals": [
            {"key": "amount", "same": True},
            {"key": "document", "value": parts[0].title.number if parts else ""},
            {"key": "days", "value": 3},
        ],
        "alternatives": alternatives,
    }
    return Suggestion.objects.create(
        line=line,
        rank=rank,
        stage=stage,
        confidence=Decimal(confidence),
        items=items + (more or []),
        evidence=evidence,
        alternatives=alternatives,
    )
