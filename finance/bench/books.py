"""`manage.py bench books --lines N`: what the pages of finance cost the server with a large company's books.

The scratch database holds two years (`company.py`). A signed-in finance manager asks for each page through the whole
stack, first with no month closed, then with all but the last two. Acts (accept, undo) are real and each on another
line. `cpu_ms` is the time for which this process and the database's were computing: what a busy machine does not change
much, without the database's parallel helpers.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connection
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from backoffice.core.bench import Say, bench, percentile
from backoffice.core.lists import ListPage
from backoffice.core.lists.cursor import Ordering
from backoffice.core.models import User
from backoffice.core.services.roles import give_role
from finance.models import (
    Account,
    BankAccount,
    Bill,
    CostCentre,
    IgnoredLine,
    Instalment,
    Invoice,
    JournalEntry,
    Match,
    Posting,
    StatementLine,
    Suggestion,
    Title,
)
from finance.reports.catalogue import REPORTS
from finance.services import day_sums

from . import company

PLAIN_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
PAGE = ListPage.page_size
WARM = 3  # rounds that are not counted
HTMX = {"HX-Request": "true"}


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--lines", type=int, default=1_000_000, metavar="N", help="bank lines, and as many titles")
    parser.add_argument("--postings", type=int, default=1_000_000, metavar="M", help="at least so many postings")
    parser.add_argument("--rounds", type=int, default=20, help="how often each page is asked for (20)")
    parser.add_argument("--acts", type=int, default=100, help="how many lines are accepted and undone (100)")
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose name begins so")


@bench("books", arguments=add_arguments)
def run(options: dict[str, Any], say: Say) -> dict[str, Any]:
    """reconciliation, lists and reports over many lines and postings"""
    user, other = (User.objects.create_user(f"{name}@retaguarda.example", name=name) for name in ("bench", "second"))
    give_role(user, "finance_manager", by=None, given_as="bench")
    today = timezone.localdate()
    say(f"writing {options['lines']} lines and what belongs to them")
    began = time.perf_counter()
    postings = company.fill(lines=options["lines"], postings=options["postings"], today=today, user=user, other=other)
    answer: dict[str, Any] = {"lines": options["lines"], "postings": postings}
    answer["fill_s"] = round(time.perf_counter() - began, 1)
    measured: list[dict[str, Any]] = []
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": PLAIN_FILES}}  # nothing need be collected to measure
    with override_settings(DEBUG=False, ALLOWED_HOSTS=["testserver"], STORAGES=storages):
        client = Client(headers={"accept-encoding": "gzip"})
        client.force_login(user)
        wanted, rounds = options["only"], options["rounds"]

        def ask(pages: dict[str, str], mark: str = "") -> None:
            for name, url in pages.items():
                if (name + mark).startswith(wanted):
                    say(name + mark)
                    measured.append(_page(client, name + mark, url, rounds))

        plain = ("report trial-balance", "report dre, year", "report balance-sheet")
        ask({name: _reports(today)[name] for name in plain}, ", nothing closed, days not summed")
        say("summing days")
        began = time.perf_counter()
        day_sums.sum_up()
        answer["sum_days_s"] = round(time.perf_counter() - began, 1)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE finance_daybalance")
        ask(_reports(today), ", nothing closed")
        say("closing months")
        answer["closed"] = company.close_months(today.replace(day=1) - timedelta(days=1))
        ask(_reports(today))
        ask(_lists(today))
        ask(_singles())
        if "reconcile".startswith(wanted) or wanted.startswith("reconcile"):
            say("accepting and undoing")
            measured += _acts(client, options["acts"])
    return answer | {"worst_queries": max((one["queries"] for one in measured), default=0), "pages": measured}


# what is asked for ----------------------------------------------------------------------------------------------------


def _reports(today: date) -> dict[str, str]:
    """Each report as it opens, over the year, and beside others."""
    month, year = f"?period=month&day={today}", f"?period=year&day={today}"
    centre = CostCentre.objects.order_by("pk").values_list("pk", flat=True)[0]
    busy = Account.objects.get(purpose="receivable").pk
    bank = BankAccount.objects.order_by("pk")[0].account_id
    found = {"finance": reverse("finance:home")}
    for key, report in REPORTS.items():
        here = reverse("finance:report", args=[key])
        found[f"report {key}"] = f"{here}{month}"
        if report.has_period and not report.as_of:
            found[f"report {key}, year"] = f"{here}{year}"
        for against in report.against[1:]:
            found[f"report {key}, {against}"] = f"{here}{year}&against={against}"
        if report.has_centre:
            found[f"report {key}, one centre"] = f"{here}{year}&centre={centre}"
    ledger = reverse("finance:report", args=["general-ledger"])
    for name, account in (("receivables", busy), ("a bank", bank)):
        found[f"report general-ledger of {name}"] = f"{ledger}{year}&account={account}"
        far = Posting.objects.filter(account=account, on__gte=today - timedelta(days=60)).order_by("on", "pk").first()
        if far:
            found[f"report general-ledger of {name}, far"] = f"{ledger}{year}&account={account}&after={far.on}.{far.pk}"
    return found | {"reports": reverse("finance:reports")}


def _lists(today: date) -> dict[str, str]:
    """Each list: as it opens, far inside, filtered, searched."""
    middle = StatementLine.objects.filter(open_amount=0, text__contains="NF-").order_by("pk")
    line = middle[middle.count() // 2]
    number, amount = line.text.split()[2], line.amount
    bank = BankAccount.objects.order_by("pk")[3].pk
    cash = BankAccount.objects.order_by("pk")[0].account_id
    rare = Account.objects.get(purpose="bank_fees").pk
    month = f"{today - timedelta(days=400):%Y-%m}"
    span = f"on_from={month}-01&on_to={month}-20"
    instalment = Instalment.objects.filter(title__number=number).select_related("title__party")[0]
    party, name = instalment.party_id, instalment.title.party.name.replace(" ", "+")
    lines, bank_lines = reverse("finance:statement_lines"), reverse("finance:bank_lines")
    postings, entries, matches = reverse("finance:postings"), reverse("finance:entries"), reverse("finance:matches")
    owed, owing = reverse("finance:receivables"), reverse("finance:payables")
    invoices, bills = reverse("finance:invoices"), reverse("finance:bills")
    found = {
        "list statement lines": lines,
        "list statement lines, far": lines + _far(StatementLine.objects.filter(is_void=False), "pk"),
        "list statement lines, open": f"{lines}?state=open",
        "list statement lines, part": f"{lines}?state=part",
        "list statement lines, account": f"{lines}?account={bank}&{span}",
        "list statement lines, number": f"{lines}?q={number}",
        "list statement lines, amount": f"{lines}?q={amount}",
        "list statement lines, amounts": f"{lines}?amount_min={amount}&amount_max={amount}",
        "list statement lines, unknown": f"{lines}?q=NF-99999999",
        "list bank lines": bank_lines,
        "list bank lines, all": f"{bank_lines}?order=on",
        "list bank lines, far": bank_lines + _far(StatementLine.objects.filter(is_void=False), "on", up=True),
        "list bank lines, high": f"{bank_lines}?state=open&band=high",
        "list bank lines, low": f"{bank_lines}?state=open&band=low",
        "list bank lines, set aside": f"{bank_lines}?state=aside",
        "list bank lines, matched": f"{bank_lines}?state=matched",
        "list bank lines, account": f"{bank_lines}?account={bank}&{span}",
        "list bank lines, amounts": f"{bank_lines}?amount_min={amount}&amount_max={amount}",
        "list bank lines, by amount": f"{bank_lines}?order=amount",
        "list postings": postings,
        "list postings, far": postings + _far(Posting.objects.all(), "on"),
        "list postings, account": f"{postings}?account={rare}",
        "list postings, busy account": f"{postings}?account={cash}&{span}",
        "list postings, kind": f"{postings}?kind=expense&{span}",
        "list postings, party": f"{postings}?party={party}",
        "list postings, titles": f"{postings}?direction=payable&part=claim&due_to={today - timedelta(days=30)}",
        "list postings, cash flow": f"{postings}?flow=other-operating&{span}",
        "list postings, closing": f"{postings}?closing=without",
        "list entries": entries,
        "list entries, far": entries + _far(JournalEntry.objects.all(), "on"),
        "list entries, frequent word": f"{entries}?q=pix",
        "list entries, rare word": f"{entries}?q={number}",
        "list entries, number": f"{entries}?q=GER+{today.year}/7",
        "list entries, account": f"{entries}?account={rare}",
        "list entries, busy account": f"{entries}?account={cash}",
        "list entries, journal": f"{entries}?journal=1",
        "list entries, amounts": f"{entries}?amount_min={abs(amount)}&amount_max={abs(amount)}",
        "list entries, reversals": f"{entries}?kind=reversal",
        "list entries, party": f"{entries}?party={party}",
        "list receivables": owed,
        "list receivables, all": f"{owed}?order=due_on",
        "list receivables, far": owed + _far(Instalment.objects.all(), "due_on", up=True),
        "list receivables, overdue": f"{owed}?state=overdue",
        "list receivables, settled": f"{owed}?state=settled",
        "list receivables, old": f"{owed}?age=over",
        "list receivables, number": f"{owed}?q={number}",
        "list receivables, part of a number": f"{owed}?q={number[-4:]}",
        "list receivables, name": f"{owed}?q={name}",
        "list receivables, frequent name": f"{owed}?q=ana",
        "list receivables, amounts": f"{owed}?amount_min=1000&amount_max=1000.50",
        "list payables": owing,
        "list payables, overdue": f"{owing}?state=overdue",
        "list payables, all": f"{owing}?order=due_on",
        "list payables, due": f"{owing}?due_to={today + timedelta(days=7)}&state=open",
        "list payables, name": f"{owing}?q={name}",
        "list matches": matches,
        "list matches, far": matches + _far(Match.objects.all(), "at"),
        "list matches, in force": f"{matches}?undone=false",
        "list matches, undone": f"{matches}?undone=true",
        "list matches, by people": f"{matches}?automatic=false",
        "list matches, account": f"{matches}?account={bank}",
        "list matches, stage": f"{matches}?stage=S3",
        "list statements": reverse("finance:statements"),
        "list invoices": invoices,
        "list invoices, far": invoices + _far(Invoice.objects.all(), "issued_on"),
        "list invoices, number": f"{invoices}?q={number}",
        "list invoices, name": f"{invoices}?q={name}",
        "list invoices, drafts": f"{invoices}?state=draft",
        "list bills": bills,
        "list bills, far": bills + _far(Bill.objects.all(), "first_due_on"),
        "list bills, name": f"{bills}?q={name}",
        "list bills, drafts": f"{bills}?state=draft",
    }
    return {page: url for page, url in found.items() if url is not None}


def _far(rows: QuerySet[Any], path: str, *, up: bool = False) -> str:
    """The address of the page in the middle of a list."""
    ordering = Ordering(rows, (path, "pk"), descending=not up)
    place = rows.count() // 2
    keys = rows.order_by(path, "pk").values_list("pk", flat=True)[place : place + 2]
    made = ordering.page(rows.filter(pk__in=list(keys)), 1)
    return f"?order={'' if up else '-'}{'place' if path == 'pk' else path}&after={made.after}"


def _singles() -> dict[str, str]:
    """The home of a person, the reconciliation, one of each noun."""
    bank = BankAccount.objects.order_by("pk")[0]
    here = reverse("finance:reconcile", args=[bank.pk])
    opens = StatementLine.objects.filter(bank_account=bank).exclude(open_amount=0)
    opens = opens.exclude(pk__in=IgnoredLine.objects.values("line")).order_by("on", "pk")
    line = opens.filter(suggestions__rank=1)[0]
    work = reverse("finance:reconcile_match", args=[line.pk])
    far = opens[opens.count() // 2]
    matched = Match.objects.order_by("pk")[Match.objects.count() // 2]
    title = Title.objects.order_by("pk")[Title.objects.count() // 2]
    found = {
        "home": reverse("home"),
        "reconcile accounts": reverse("finance:reconcile_accounts"),
        "reconcile page": here,
        "reconcile page, far": f"{here}?after={far.on}.{far.pk}",
        "reconcile page, with a proposal": f"{here}?show=suggested",
        "reconcile page, without": f"{here}?show=unexplained",
        "reconcile page, set aside": f"{here}?show=ignored",
        "reconcile line": reverse("finance:reconcile_line", args=[line.pk]),
        "reconcile find": work,
        "reconcile find, searched": f"{work}?q={title.number}",
        "reconcile find, name": f"{work}?q={title.party.name.replace(' ', '+')}",
        "reconcile find, amount": f"{work}?q={abs(title.amount)}",
        "reconcile find, sums": f"{work}?sums=1",
        "reconcile split": f"{work}?split=1",
        "reconcile new entry": reverse("finance:reconcile_entry", args=[line.pk]),
        "reconcile transfer": reverse("finance:reconcile_transfer", args=[line.pk]),
        "reconcile report": reverse("finance:reconcile_report", args=[bank.pk]),
        "title": reverse("finance:title", args=[title.pk]),
        "entry": reverse("finance:entry", args=[matched.entry_id]),
        "match": reverse("finance:match", args=[matched.pk]),
        "statement": reverse("finance:statement", args=[line.statement_id]),
        "bank accounts": reverse("finance:bank_accounts"),
        "bank account": reverse("finance:bank_account", args=[bank.pk]),
        "accounts": reverse("finance:accounts"),
        "account": reverse("finance:account", args=[bank.account_id]),
        "months": reverse("finance:periods"),
    }
    if invoice := Invoice.objects.order_by("pk").last():
        found["invoice"] = reverse("finance:invoice", args=[invoice.pk])
    if bill := Bill.objects.order_by("pk").last():
        found["bill"] = reverse("finance:bill", args=[bill.pk])
    return found


# measuring ------------------------------------------------------------------------------------------------------------


@dataclass
class _Taken:
    """One request: how long, how much of it this process and the database's were at work, statements, bytes."""

    ms: float
    cpu_ms: float
    queries: int
    size: int


def _at_work() -> float:
    """Seconds that this process and the database's own one for it have computed; of the latter only on this machine."""
    path = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat") if connection.connection else None
    theirs = int(path.read_text().split()[0]) / 1e9 if path and path.exists() else 0.0
    return time.process_time() + theirs


@contextmanager
def _counted() -> Iterator[list[str]]:
    asked: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield asked


def _take(work: Callable[[], HttpResponse], what: str) -> _Taken:
    with _counted() as asked:
        before, began = _at_work(), time.perf_counter()
        response = work()
        took, worked = time.perf_counter() - began, _at_work() - before
    if response.status_code != 200:
        raise RuntimeError(f"{what} answered {response.status_code}")
    return _Taken(took * 1000, worked * 1000, len(asked), len(response.content))


def _told(name: str, taken: list[_Taken]) -> dict[str, Any]:
    times = [one.ms for one in taken]
    return {
        "name": name,
        "p50_ms": round(percentile(times, 0.5), 1),
        "p95_ms": round(percentile(times, 0.95), 1),
        "cpu_ms": round(percentile([one.cpu_ms for one in taken], 0.5), 1),
        "queries": max(one.queries for one in taken),
        "gz_bytes": taken[-1].size,
    }


def _page(client: Client, name: str, url: str, rounds: int) -> dict[str, Any]:
    def ask() -> HttpResponse:
        return client.get(url, follow=True)  # type: ignore[return-value]

    taken = [_take(ask, url) for _turn in range(rounds + WARM)]
    return _told(name, taken[WARM:])


def _acts(client: Client, count: int) -> list[dict[str, Any]]:
    """Accept as the page does it (the answer is the line's row), undo; and accept without script (the whole page)."""
    bank = BankAccount.objects.order_by("pk")[0]
    back = reverse("finance:reconcile", args=[bank.pk])
    client.get(back)
    best = Suggestion.objects.filter(rank=1, line__bank_account=bank, line__open_amount=F("line__amount"))
    best = best.exclude(line__in=IgnoredLine.objects.values("line"))
    rows = list(best.order_by("line__on", "line").values_list("pk", "line"))[: 2 * count + WARM]
    half = len(rows) // 2
    accepted, undone, plain = [], [], []

    def send(url: str, data: dict[str, Any], **more: Any) -> HttpResponse:
        said = {"once": secrets.token_urlsafe(16), "back": back, **data}
        return client.post(url, said, follow=True, **more)  # type: ignore[return-value]

    for pk, line in rows[:half]:
        url = reverse("finance:reconcile_accept", args=[line])
        accepted.append(_take(lambda: send(url, {"suggestion": pk}, headers=HTMX), url))  # noqa: B023
    for _pk, line in rows[:half]:
        match = Match.objects.filter(entry__postings__line=line, entry__reversed_by=None).latest("pk")
        url = reverse("finance:match_undo", args=[match.pk])
        undone.append(_take(lambda: send(url, {}, headers=HTMX), url))  # noqa: B023
    for pk, line in rows[half:]:
        url = reverse("finance:reconcile_accept", args=[line])
        plain.append(_take(lambda: send(url, {"suggestion": pk, "next": line}), url))  # noqa: B023
    found = {"reconcile accept": accepted, "reconcile undo": undone, "reconcile accept, without script": plain}
    return [_told(name, taken[min(WARM, len(taken) - 1) :]) for name, taken in found.items() if taken]
