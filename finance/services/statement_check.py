"""What a statement file would do, before anything is written: counts, control totals, samples, obstacles."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext as _

from backoffice.core.imports import Asked
from backoffice.core.jobs import Work
from backoffice.core.models import ImportBatch
from backoffice.core.templatetags.display import day, money
from finance.models import BankAccount, Posting

from . import statement_books as books
from . import statement_twice, statements
from .statement_columns import ColumnsNeeded
from .statement_stage import Part

SAMPLE_LINES = 20
PARKED_SHOWN = 200

_SAMPLE = """
SELECT f."on", f.amount::text, f.text, f.payer, f.reference,
       (SELECT count(*) FROM stage_line s
        WHERE s.part = f.part AND s."on" = f."on" AND s.key = f.key AND s.seq <= f.seq)
       <= (SELECT count(*) FROM finance_statementline l
           WHERE l.bank_account_id = %(account)s AND l.key = f.key AND NOT l.is_void) AS known
FROM (SELECT * FROM stage_line WHERE part = %(part)s ORDER BY seq LIMIT %(most)s) f ORDER BY f.seq
"""
_PARKED = """
SELECT part, place, reason, words, "on", amount::text, text FROM stage_parked
ORDER BY reason = 'unreadable' DESC, seq LIMIT %s
"""


def look(batch: ImportBatch, work: Work) -> dict[str, Any]:
    """Values for the batch's counts and preview. Raises Refusal; Asked when a person must name accounts or columns."""
    try:
        return _look(batch, work)
    except ColumnsNeeded as needed:
        raise Asked([needed.preview]) from needed


def _look(batch: ImportBatch, work: Work) -> dict[str, Any]:
    by = work.job.asked_by
    with statements.staged(batch, work) as found:
        if asked := statements.unanswered(found):
            raise Asked([_question(part) for part in asked])
        taken = statements.taken_parts(found)
        new = books.new_lines(taken)
        names = {account.pk: account for account in BankAccount.objects.filter(pk__in=[p.account for p in found.parts])}
        added = {part.number: 0 for part in found.parts}
        for row in new:
            added[row.part] += row.count
        parts = [_told(part, names.get(part.account or 0), added[part.number], part in taken) for part in found.parts]
        twice = statement_twice.look(taken, new, batch)
        for part, facts in zip(found.parts, parts, strict=True):
            facts["is_agreed"] = facts["new"] > 0 and agrees(part, batch)
        obstacles = []
        if months := statements.closed_months({row.month for row in new}, by):
            obstacles.append(statements.closed_words(months, new))
        unreadable = found.unreadable + sum(part.unreadable for part in found.parts)
        counts = {
            "create": sum(added.values()),
            "update": 0,
            "skip": sum(part.found - added[part.number] for part in taken),
            "error": unreadable,
            "failures": unreadable,
            "parked": sum(part.parked for part in found.parts),
            "rows": sum(part.found for part in found.parts),
            "parts": parts,
            "warnings": found.warnings,
            "obstacles": obstacles,
            "parked_lines": _parked(),
        }
        counts |= statement_twice.told(counts, twice)
        return {"counts": counts, "preview": [_sample(part) for part in found.parts]}


def _question(part: Part) -> dict[str, Any]:
    """What is told of a part whose account is asked."""
    return {
        "key": statements.key_of(part),
        "alias": statements.alias_of(part),
        "name": statements.name_of(part),
        "bank": part.facts.bank,
        "branch": part.facts.branch,
        "number": part.facts.id,
        "kind": part.facts.kind,
        "currency": part.facts.currency or statements.BOOKS_CURRENCY,
        "found": part.found,
        "first": part.first and part.first.isoformat(),
        "last": part.last and part.last.isoformat(),
        "sum": str(part.sum),
        "sample": _sample(part)["sample"][:3],
    }


def _told(part: Part, account: BankAccount | None, new: int, is_taken: bool) -> dict[str, Any]:
    facts = part.facts
    difference = difference_of(facts.opening, part.sum, facts.closing) if not facts.opening_is_derived else None
    obstacle = statements.obstacle(part, account.currency) if account else _("Left out, as you said.")
    return {
        "account": account and account.pk,
        "account_name": account.name if account else "",
        "named": statements.name_of(part),
        "format": part.format,
        "currency": facts.currency,
        "label": facts.label,
        "starts_on": _iso(statements.span(part)[0]),
        "ends_on": _iso(statements.span(part)[1]),
        "opening": None if facts.opening is None else str(facts.opening),
        "opening_is_derived": facts.opening_is_derived,
        "sum": str(part.sum),
        "closing": None if facts.closing is None else str(facts.closing),
        "difference": None if difference is None else str(difference),
        "found": part.found,
        "new": new,
        "known": part.found - new if is_taken else 0,
        "parked": part.parked,
        "unreadable": part.unreadable,
        "warnings": part.warnings,
        "obstacle": obstacle,
        "is_fresh": is_taken and (new > 0 or statements.twin_of(part) is None),
    }


def difference_of(opening: Decimal | None, lines: Decimal, closing: Decimal | None) -> Decimal | None:
    """What is missing between opening, lines and closing; None when the file does not say both balances."""
    return None if opening is None or closing is None else closing - opening - lines


def agrees(part: Part, batch: ImportBatch) -> bool:
    """Whether the books stand at the file's closing balance without the file."""
    until = statements.span(part)[1]
    if part.facts.closing is None or until is None or not part.account:
        return False
    ledger_account = BankAccount.objects.filter(pk=part.account).values("account_id")
    held = Posting.objects.filter(account__in=ledger_account, on__lte=until).exclude(entry__batch=batch.pk)
    total = held.aggregate(total=Sum("amount"))["total"]
    return total is not None and total == part.facts.closing


def agreed_words(closing: Decimal, until: date | None) -> str:
    return _(
        "The books stand at %(closing)s on %(day)s already, without these lines, and the file closes with the same."
        " Unless the lines cancel each other out, they seem to be in the books."
    ) % {"closing": money(closing), "day": day(until)}


def _iso(day: Any) -> str | None:
    return day.isoformat() if day else None


def _sample(part: Part) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"part": part.number, "account": part.account or 0, "most": SAMPLE_LINES})
        rows = cursor.fetchall()
    return {
        "name": statements.name_of(part),
        "sample": [
            {"on": on.isoformat(), "amount": amount, "text": text, "payer": payer, "reference": hint, "known": known}
            for on, amount, text, payer, hint, known in rows
        ],
    }


def _parked() -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_PARKED, [PARKED_SHOWN])
        rows = cursor.fetchall()
    return [
        {
            "part": part,
            "place": place,
            "reason": reason,
            "words": json.loads(words),  # Django leaves JSON of raw statements as text
            "on": _iso(on),
            "amount": amount,
            "text": text[:300],
        }
        for part, place, reason, words, on, amount, text in rows
    ]
