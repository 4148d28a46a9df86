"""`manage.py read_statement FILE --json`: what a bank's file holds, as one JSON object, without a database."""

import json
import shutil
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from finance.formats import FORMATS, AccountPart, Begin, End, Event, Head, Line, Notice, Quarantined, Refusal, stream

REFUSED = 2  # exit status
IN_MEMORY = 4 << 20


class Command(BaseCommand):
    help = "Read a bank statement file and print what it holds. Needs no database."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--as", dest="as_format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a summary")
        parser.add_argument("--mapping", type=json.loads, default=None, help='columns of a table, {"date": "Data", …}')
        parser.add_argument("--today", type=date.fromisoformat, help="lines after this day are parked (YYYY-MM-DD)")

    def handle(self, *_args: Any, **options: Any) -> None:
        events = stream(
            options["file"], as_format=options["as_format"], mapping=options["mapping"], today=options["today"]
        )
        try:
            if options["json"]:
                with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8") as answer:
                    _write(events, answer)
                    answer.seek(0)
                    shutil.copyfileobj(answer, self.stdout)
            else:
                for line in _summary(events):
                    self.stdout.write(line)
        except Refusal as refusal:
            if options["json"]:
                self.stdout.write(json.dumps({"refused": str(refusal)}, ensure_ascii=False))
                raise SystemExit(REFUSED) from None
            raise CommandError(str(refusal), returncode=REFUSED) from None


class _List:
    """A JSON array that grows on disk."""

    def __init__(self, stack: ExitStack) -> None:
        self.file: IO[str] = stack.enter_context(
            tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 (the stack closes it)
        )
        self.mark = "["

    def add(self, value: dict[str, Any]) -> None:
        self.file.write(f"{self.mark}{json.dumps(value, ensure_ascii=False)}")
        self.mark = ", "

    def move_to(self, out: IO[str]) -> None:
        self.file.write("[]" if self.mark == "[" else "]")
        self.file.seek(0)
        shutil.copyfileobj(self.file, out)
        self.file.seek(0)
        self.file.truncate()
        self.mark = "["


def _write(events: Iterator[Event], out: IO[str]) -> None:
    """One JSON object, in memory only a line at a time: a file may hold a million."""
    with ExitStack() as stack:
        accounts, lines, parked, quarantined = (_List(stack) for _ in range(4))
        warnings: list[str] = []
        heads: list[Head] = []
        found, total, set_aside, bad = 0, Decimal("0.00"), 0, 0
        for event in events:
            match event:
                case Line():
                    (parked if event.parked else lines).add(_line(event))
                case Quarantined():
                    bad += 1
                    quarantined.add({"where": event.where, "reason": str(event), "raw": event.raw})
                case Notice():
                    warnings.append(str(event))
                case Head():
                    heads.append(event)
                case Begin():
                    pass
                case End():
                    found, total, set_aside = found + event.found, total + event.sum, set_aside + event.parked
                    account = json.dumps(_account(event.part), ensure_ascii=False)
                    accounts.file.write(f'{accounts.mark}{account[:-1]}, "lines": ')
                    lines.move_to(accounts.file)
                    accounts.file.write(', "parked": ')
                    parked.move_to(accounts.file)
                    accounts.file.write("}")
                    accounts.mark = ", "
        out.write(f'{{"format": "{heads[0].format}", "reader": "{heads[0].reader}", "accounts": ')
        accounts.move_to(out)
        out.write(', "quarantined": ')
        quarantined.move_to(out)
        totals = {"lines": found, "sum": _money(total), "parked": set_aside, "quarantined": bad}
        rest = json.dumps({"warnings": warnings, "totals": totals}, ensure_ascii=False)
        out.write(f", {rest[1:]}\n")


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _day(on: date | None) -> str | None:
    return on.isoformat() if on else None


def _account(part: AccountPart) -> dict[str, Any]:
    return {
        "id": part.id,
        "bank": part.bank,
        "branch": part.branch,
        "kind": part.kind,
        "currency": part.currency,
        "label": part.label,
        "opening": _money(part.opening),
        "closing": _money(part.closing),
        "opening_is_derived": part.opening_is_derived,
        "starts_on": _day(part.starts_on),
        "ends_on": _day(part.ends_on),
        "balance_on": _day(part.balance_on),
    }


def _line(line: Line) -> dict[str, Any]:
    payer = "" if line.payer in line.text else line.payer
    said: dict[str, Any] = {
        "date": line.on.isoformat(),
        "amount": _money(line.amount),
        "text": f"{payer} {line.text}".strip(),
        "reference": line.reference,
        "place": line.place,
    }
    more = {
        "value_date": _day(line.valued_on),
        "payer": line.payer,
        "payer_tax_id": line.payer_tax_id,
        "kind": line.kind,
        "document": line.document,
        "parked": line.parked,
        "original_amount": _money(line.original_amount),
        "original_currency": line.original_currency,
    }
    return said | {name: value for name, value in more.items() if value}


def _summary(events: Iterator[Event]) -> Iterator[str]:
    for event in events:
        match event:
            case Head():
                yield f"{event.name}: {event.format}"
            case End(part=part):
                name = " ".join(filter(None, [part.bank, part.branch, part.id, part.currency])) or "?"
                yield f"{name}: {event.found} lines, {event.sum}; opening {part.opening}, closing {part.closing}"
                if event.parked:
                    yield f"  {event.parked} parked"
            case Quarantined():
                yield f"  {event.where}: {event}"
            case Notice():
                yield f"  {event}"
