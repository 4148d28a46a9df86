"""The pages of the reports: who may read and take them along, what they ask of the database, what they show."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook
from pypdf import PdfReader

from backoffice.core.models import AuditEntry, Job, User
from backoffice.core.services import running
from finance.models import Account, BudgetLine, CostCentre
from finance.reports import asking, files
from finance.reports.catalogue import REPORTS
from finance.selectors.position import position
from finance.services import plan
from tests.factories.books import accounts, party, post, receivable, receive, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db

WHEN = "period=month&day=2026-05-01"


@pytest.fixture
def books() -> None:
    year()
    CostCentre.objects.create(code="1", name="Loja")
    plan.open_bank_account(name="Banco Azul")
    part = receivable("1234.56", who=party("Ana Souza"))
    receive(part, "1000.00")
    for day in range(1, 9):
        post(f"{day}.00", on=date(2026, 5, day))


@pytest.fixture
def manager(client: Client) -> User:
    boss = person("finance_manager")
    client.force_login(boss)
    return boss


def address(key: str, query: str = WHEN) -> str:
    return f"/finance/reports/{key}/?{query}"


@pytest.mark.parametrize("key", REPORTS)
def test_a_report_is_drawn_in_ten_queries_full_and_empty(key: str, client: Client, manager: User) -> None:
    year()
    empty = client.get(address(key))
    assert empty.status_code == 200
    client.get("/finance/reports/")  # what a process asks once

    post("5.00")
    receivable("77.00")
    query = f"{WHEN}&account={accounts()[1]}"
    with CaptureQueriesContext(connection) as asked:
        full = client.get(address(key, query))

    assert full.status_code == 200
    statements = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "SET "))]
    assert len(statements) <= 10, statements


@pytest.mark.parametrize("key", REPORTS)
@pytest.mark.parametrize("against", ["previous", "year", "months", "centres"])
def test_every_comparison_is_drawn(key: str, against: str, client: Client, books: None, manager: User) -> None:
    answer = client.get(address(key, f"{WHEN}&against={against}&level=1&centre=none"))

    assert answer.status_code == 200


def test_a_figure_opens_its_postings_and_their_sum(client: Client, books: None, manager: User) -> None:
    page = client.get(address("dre")).content.decode()
    account = Account.objects.get(purpose="sales")
    link = (
        f"/finance/reports/postings/?on_from=2026-05-01&amp;on_to=2026-05-31&amp;account={account.pk}&amp;count=exact"
    )
    assert link in page

    rows = client.get(link.replace("&amp;", "&")).content.decode()

    assert "9 rows" in rows
    assert '<span class="unit">R$</span>1,270.56' in rows.replace("\n", "")


def test_the_list_of_postings_asks_little_and_finds_by_everything(client: Client, books: None, manager: User) -> None:
    where = "/finance/reports/postings/"
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{where}?account={accounts()[1]}&on_from=2026-05-01&count=exact")

    assert answer.status_code == 200
    assert len(asked) - 1 <= 10
    assert client.get(f"{where}?flow=other&side=credit&centre=none&kind=asset&closing=without").status_code == 200
    assert client.get("/finance/reports/postings/?account=999999").status_code == 422


def test_a_report_is_taken_along_as_a_file_and_the_trail_says_so(client: Client, books: None, manager: User) -> None:
    where = address("trial-balance").replace("/?", "/file/?")

    text = b"".join(client.post(where, {"as": "csv"}))
    book = client.post(where, {"as": "xlsx"})
    job = client.post(where, {"as": "pdf"})

    assert "Venda de mercadorias" in text.decode("utf-8-sig")
    assert book.content[:2] == b"PK"
    assert job.status_code == 302
    assert Job.objects.get().args["report"] == "trial-balance"
    assert AuditEntry.objects.filter(action="finance.report_exported").count() == 2
    assert client.post(where, {"as": "exe"}).status_code == 404


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_long_ledger_is_written_whole_by_a_job(
    kind: str, client: Client, books: None, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finance.views.reports.DIRECT_ROWS", 5)
    where = address("general-ledger", f"{WHEN}&account={accounts()[0]}").replace("/?", "/file/?")

    assert client.post(where, {"as": kind}).status_code == 302
    running.run_queued()

    job = Job.objects.get()
    assert (job.kind, job.state) == ("finance.report_file", Job.State.DONE), job.cause
    content = b"".join(client.get(job.result["url"]).streaming_content)  # type: ignore[attr-defined]
    if kind == "csv":
        assert len(content.decode("utf-8-sig").strip().splitlines()) == 1 + 9 + 2  # headings, postings, two edges
    else:
        page = load_workbook(BytesIO(content)).active
        assert page is not None
        assert page.max_row == 5 + 9 + 2


def test_paper_says_what_it_leaves_out(books: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PAPER_ROWS", 3)
    report = REPORTS["general-ledger"]
    asked = report.fit(asking.read(QueryDict(f"{WHEN}&account={accounts()[0]}"), date(2026, 5, 20)))
    assert report.whole
    assert report.count

    content = files.as_pdf(report.whole(asked), period=report.when(asked), rows=report.count(asked))

    text = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    assert "The first 3 of 9 rows are printed" in " ".join(text.split())


def test_the_cash_in_thirty_days_opens_to_what_it_is_made_of(client: Client, books: None, manager: User) -> None:
    now = position(today=date.today())  # noqa: DTZ011

    page = client.get("/finance/reports/projection/?part=due")

    assert page.status_code == 200
    assert page.context["sheet"].rows[-1].cells[0].value == now.projected
    assert client.get("/finance/reports/projection/?part=closing.9.99").status_code == 200


def test_who_may_not_see_the_plan_is_not_sent_there(client: Client, books: None, manager: User) -> None:
    door = reverse("finance:budget")
    client.force_login(person("finance_clerk"))
    assert door not in client.get(reverse("finance:report", args=["budget"])).content.decode()

    client.force_login(manager)
    assert door in client.get(reverse("finance:report", args=["budget"])).content.decode()


def test_who_only_reads_takes_nothing_along(client: Client, books: None) -> None:
    client.force_login(person("finance_clerk"))

    assert client.get(address("dre")).status_code == 200
    assert client.post(address("dre").replace("/?", "/file/?"), {"as": "csv"}).status_code == 403
    assert client.get("/finance/reports/nothing/").status_code == 404


def test_paper_shows_the_report_as_the_page_does(books: None) -> None:
    report = REPORTS["trial-balance"]
    asked = report.fit(asking.read(QueryDict(WHEN), date(2026, 5, 20)))

    content = files.as_pdf(report.build(asked), period=report.when(asked))

    sheets = PdfReader(BytesIO(content)).pages
    text = "".join(page.extract_text() for page in sheets)
    assert "Trial balance" in text
    assert "1,270.56" in text
    assert round(float(sheets[0].mediabox.width)) == 595


def test_the_plan_of_a_year_is_written_in_a_grid(client: Client, books: None, manager: User) -> None:
    _fees, sales = accounts()
    where = "/finance/reports/budget/plan/?year=2026&section=10_gross_revenue"
    assert client.get(where).status_code == 200

    refused = client.post(where, {f"a{sales}m5": "12,5x"})
    saved = client.post(where, {f"a{sales}m5": "1,500.00"})

    assert refused.status_code == 422
    assert saved.status_code == 302
    line = BudgetLine.objects.get()
    assert (line.account_id, line.month, line.amount) == (sales, date(2026, 5, 1), Decimal("-1500.00"))
    assert "84.7" in client.get(address("budget")).content.decode()  # 1,270.56 of 1,500.00
    assert client.get(f"{where}&fill=actual").status_code == 200


def test_the_first_page_of_finance_tells_how_the_money_stands(client: Client, books: None, manager: User) -> None:
    client.get("/finance/")

    with CaptureQueriesContext(connection) as asked:
        page = client.get("/finance/").content.decode()

    assert "Banco Azul" in page
    assert len([one for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "SET "))]) <= 14
