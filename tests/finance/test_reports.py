"""The reports against books of a few entries whose figures are known by heart."""

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook

from backoffice.core.calendar import Period
from finance.models import Account, BudgetLine, CostCentre, RecurringEntry, RecurringLine
from finance.models import Period as Month
from finance.reports import (
    aging,
    asking,
    balance_sheet,
    balances,
    budget,
    cash_flow,
    dre,
    files,
    general_ledger,
    projection,
    tree,
    trial_balance,
)
from finance.reports.sheets import Cell, Head, Row, Sheet
from finance.services import budgets, ledger, plan
from finance.services.ledger import Line
from tests.factories.books import accounts, document, party, post, receivable, receive, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
APRIL = MAY.previous()


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def money(text: str) -> Decimal:
    return Decimal(text)


def close_before(day: date) -> None:
    for month in Month.objects.filter(starts_on__lt=day).order_by("starts_on"):
        month.state = Month.State.CLOSED
        month.save()


def of(line: trial_balance.Line) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return line.opening, line.debit, line.credit, line.closing


def test_a_trial_balance_sums_groups_and_opens_with_what_came_before() -> None:
    fees, _sales = accounts()
    post("10.00", on=date(2026, 4, 30))
    post("25.00", on=date(2026, 5, 1))
    post("7.00", on=date(2026, 5, 31))
    post("99.00", on=date(2026, 6, 1))

    found = trial_balance.trial_balance(MAY.start, MAY.end)

    lines = {line.account.pk: line for line in found.lines}
    assert of(lines[fees]) == (money("10.00"), money("32.00"), money("0.00"), money("42.00"))
    group = Account.objects.get(pk=fees).parent_id
    assert group is not None
    assert of(lines[group]) == of(lines[fees])
    assert (found.opening, found.debit, found.credit, found.closing) == (0, 32, 32, 0)


def test_closed_months_say_the_same_frozen_as_they_said_live() -> None:
    for month in range(1, 7):
        post(f"{month}.10", on=date(2026, month, 15))
    days = [(date(2026, 1, 1), date(2026, 7, 1)), (date(2026, 1, 20), date(2026, 4, 16)), (date(2026, 3, 1), MAY.end)]
    live = [trial_balance.trial_balance(*one) for one in days]

    close_before(date(2026, 4, 1))

    assert [trial_balance.trial_balance(*one) for one in days] == live


def test_a_month_that_closes_while_it_is_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    post("10.00", on=date(2026, 1, 15))
    parts = balances._parts
    asked: list[object] = []

    def late(*args: object) -> object:
        if not asked:
            close_before(date(2026, 2, 1))
        asked.append(args)
        return parts(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(balances, "_parts", late)

    found = trial_balance.trial_balance(date(2026, 2, 1), date(2026, 3, 1))

    assert len(asked) == 4
    assert sum(line.opening for line in found.lines if line.account.pk == accounts()[0]) == money("10.00")


def test_a_dre_runs_from_gross_revenue_to_the_net_result() -> None:
    at = plan.accounts_for(
        "sales", "icms_expense", "cost_of_goods", "salaries", "interest_income", "income_tax", "cash"
    )
    figures = [("sales", "-1000"), ("icms_expense", "180"), ("cost_of_goods", "400"), ("salaries", "150")]
    figures += [("interest_income", "-30"), ("income_tax", "60")]
    lines = [Line(at[purpose], money(amount)) for purpose, amount in figures]
    lines.append(Line(at["cash"], -sum((line.amount for line in lines), Decimal())))
    ledger.post(journal="general", on=MAY.start, text="x", lines=lines, origin=document())

    before, now = dre.dre([APRIL, MAY])

    assert list(now.steps.values()) == [820, 420, 270, 300, 240]
    assert now.share(now.result) == Decimal(240) / 820
    assert before.result == 0
    assert before.share(before.result) is None


def test_closing_a_year_does_not_take_its_result_out_of_the_dre() -> None:
    _fees, sales = accounts()
    at = plan.accounts_for("cash", "retained_earnings")
    sale = [Line(at["cash"], money("50")), Line(sales, money("-50"))]
    ledger.post(journal="sales", on=MAY.start, text="x", lines=sale, origin=document())
    closing = [Line(sales, money("50")), Line(at["retained_earnings"], money("-50"))]
    ledger.post(journal="closing", on=MAY.last_day, text="x", lines=closing, kind="closing", origin=document())

    (statement,) = dre.dre([MAY])
    (position,) = balance_sheet.balance_sheet([MAY.end])

    assert statement.result == 50
    assert (position.year, position.equity, position.between) == (0, 50, 0)


def test_the_result_of_earlier_years_stands_apart_from_that_of_the_year() -> None:
    year(2025)
    _fees, sales = accounts()
    cash = plan.account_for("cash").pk
    for on, amount in ((date(2025, 12, 31), money("5")), (date(2026, 1, 1), money("7"))):
        lines = [Line(cash, amount), Line(sales, -amount)]
        ledger.post(journal="sales", on=on, text="x", lines=lines, origin=document())

    (position,) = balance_sheet.balance_sheet([MAY.end])

    assert (position.earlier, position.year, position.assets, position.between) == (5, 7, 12, 0)


def test_a_general_ledger_goes_on_where_its_page_ended() -> None:
    fees, _sales = accounts()
    for day in (1, 1, 2, 3, 3):
        post(f"{day}.00", on=date(2026, 5, day))
    post("100.00", on=date(2026, 4, 30))

    nodes = tree.read()
    first = general_ledger.general_ledger(nodes, fees, MAY.start, MAY.end, size=3)
    last = first.postings[-1]
    rest = general_ledger.general_ledger(nodes, fees, MAY.start, MAY.end, after=(last.on, last.pk), size=3)

    assert [posting.amount for posting in first.postings + rest.postings] == [1, 1, 2, 3, 3]
    assert (first.opening, first.before, rest.before, rest.closing) == (100, 100, 104, 110)
    assert (first.has_more, rest.has_more) == (True, False)


def test_what_waits_in_transit_is_a_line_of_the_cash_flow() -> None:
    from finance.models import Statement, StatementLine

    bank = plan.open_bank_account(name="Banco")
    statement = Statement.objects.create(bank_account=bank, format="csv", reader="1")
    line = StatementLine.objects.create(
        bank_account=bank, statement=statement, on=MAY.start, amount=money("100"), key=b"1" * 16
    )
    both = [
        Line(bank.account_id, money("100"), line=line.pk, role="bank"),
        Line(bank.transit_id, money("-100"), line=line.pk, role="transit"),
    ]
    ledger.post(journal="bank", on=MAY.start, text="x", lines=both)
    _fees, sales = accounts()
    match = [Line(bank.transit_id, money("60"), line=line.pk, role="transit"), Line(sales, money("-60"))]
    ledger.post(journal="matching", on=MAY.start, text="x", lines=match)

    (flow,) = cash_flow.cash_flow([MAY])

    assert (flow.opening, flow.flows, flow.waiting, flow.closing) == (0, {sales: 60}, 40, 100)
    assert flow.is_proven


def test_an_aging_of_the_past_knows_what_was_settled_since() -> None:
    ana, bruno = party("Ana"), party("Bruno")
    paid = receivable("100.00", number="1", on=date(2026, 3, 1), who=ana)
    receivable("40.00", number="2", on=date(2026, 5, 10), who=bruno)
    receive(paid, "30.00", on=date(2026, 5, 20))
    receive(paid, "70.00", on=date(2026, 6, 2))

    then, now = aging.aging("receivable", date(2026, 5, 31)), aging.aging("receivable", date(2026, 6, 30))

    assert then.parties == {ana.pk: [0, 0, 0, 0, 70, 0], bruno.pk: [0, 40, 0, 0, 0, 0]}
    assert now.parties == {bruno.pk: [0, 0, 40, 0, 0, 0]}
    assert then.total == 110


def test_who_always_pays_ten_days_late_is_expected_ten_days_late() -> None:
    ana, bruno, today = party("Ana"), party("Bruno"), date(2026, 8, 31)
    for n in range(6):
        due = date(2026, 1 + n, 1)
        receive(receivable("10.00", number=f"A{n}", on=due, who=ana), "10.00", on=due + timedelta(days=10), by="cash")
    for n in range(6):
        due = date(2026, 1 + n, 2)
        receive(receivable("10.00", number=f"B{n}", on=due, who=bruno), "10.00", on=due, by="cash")
    for n in range(9):  # given up on its day: no payment
        due = date(2026, 7, 1 + n)
        receive(receivable("10.00", number=f"W{n}", on=due, who=ana), "10.00", on=due, by="write_off")
    receivable("500.00", number="A9", on=date(2026, 8, 30), who=ana)

    found = projection.projection(today, weeks=4)

    arrives = next(n for n, week in enumerate(found.weeks) if week.receipts[1])
    assert found.weeks[arrives].start <= date(2026, 9, 9) < found.weeks[arrives].end
    assert found.weeks[-1].closing == (found.opening + 500,) * 3
    assert projection.projection(today, weeks=4) == found


@pytest.mark.parametrize(
    ("due", "habit", "expected"),
    [
        (date(2026, 6, 10), None, date(2026, 6, 12)),  # everybody's median: two days late
        (date(2026, 6, 10), [0, 5, 9], date(2026, 6, 15)),  # their own
        (date(2026, 5, 20), None, date(2026, 6, 9)),  # later than that already: like those who were later still
        (date(2026, 3, 1), None, date(2026, 7, 1)),  # later than anybody: in a month
    ],
)
def test_when_an_open_part_is_expected(due: date, habit: list[int] | None, expected: date) -> None:
    delays = projection.Delays({2: 60, 20: 20})

    assert projection.expected(due, habit, 1, date(2026, 6, 1), delays) == expected


def test_what_acquirers_owe_comes_as_late_as_they_pay_out() -> None:
    """Each day's sale of 100 is paid out after thirty days; what is sold in August comes in September."""
    today, cards, sales = date(2026, 8, 31), plan.account_for("acquirer_cards").pk, accounts()[1]
    bank = plan.account_for("cash").pk
    for n in range(60):
        on = date(2026, 7, 3) + timedelta(days=n)
        sold, paid = [Line(cards, money("100")), Line(sales, money("-100"))], [Line(bank, money("100"))]
        ledger.post(journal="general", on=on, text="Sold", lines=sold, origin=document())
        if n >= 30:
            lines = [*paid, Line(cards, money("-100"))]
            ledger.post(journal="general", on=on, text="Paid", lines=lines, origin=document())

    found = projection.projection(today, weeks=5)

    assert [week.receipts[1] for week in found.weeks] == [700, 700, 700, 700, 200]
    assert found.weeks[-1].closing[1] == found.opening + 3000


def test_what_recurs_is_taken_from_the_cash_to_come() -> None:
    cash, fees = plan.account_for("cash").pk, accounts()[0]
    rent = RecurringEntry.objects.create(
        text="Aluguel", day=31, starts_on=date(2026, 1, 31), next_on=date(2026, 6, 30), made_by=person("finance_clerk")
    )
    RecurringLine.objects.create(recurring=rent, seq=1, account_id=fees, amount=money("900"))
    RecurringLine.objects.create(recurring=rent, seq=2, account_id=cash, amount=money("-900"))

    found = projection.projection(date(2026, 6, 15), weeks=8)

    assert [(week.start, week.recurring) for week in found.weeks if week.recurring] == [
        (date(2026, 6, 30), 900),
        (date(2026, 7, 28), 900),
    ]
    assert found.weeks[-1].closing[1] == -1800


def test_a_budget_is_written_and_set_against_what_came() -> None:
    fees, sales = accounts()
    centre = CostCentre.objects.create(code="1", name="Loja")
    boss = person("finance_manager")
    cells = {(sales, MAY.start): money("-500"), (fees, MAY.start): money("80"), (fees, APRIL.start): None}
    ledger.post(
        journal="general",
        on=MAY.start,
        text="x",
        lines=[Line(fees, money("100"), cost_centre=centre.pk), Line(sales, money("-100"))],
        origin=document(),
    )

    assert budgets.plan(cells=cells, cost_centre=None, by=boss) == 2
    assert budgets.plan(cells=cells, cost_centre=None, by=boss) == 0
    assert budgets.plan(cells={(fees, MAY.start): money("5")}, cost_centre=centre.pk, by=boss) == 1
    planned = budget.budget(MAY)

    assert (planned.accounts[sales], planned.accounts[fees], planned.result) == (500, -85, 415)
    assert budget.budget(MAY, centre.pk).result == -5
    budgets.plan(cells={(fees, MAY.start): Decimal(0)}, cost_centre=centre.pk, by=boss)
    assert BudgetLine.objects.count() == 2


def test_a_file_holds_typed_figures_and_no_formula() -> None:
    rows = [Row("=HYPERLINK(1)", [Cell(money("-12.30")), Cell("+cmd")], code="1.1", level=1)]
    sheet = Sheet(title="T/est", lead="", heads=[Head("@x", "side"), Head("Text", "text")], rows=rows, first="-Name")

    text = b"".join(files.as_csv(sheet)).decode("utf-8-sig")
    page = load_workbook(BytesIO(files.as_workbook(sheet, company="=A1", period="May"))).active

    assert text.splitlines() == ["Code,'-Name,'@x,Text", "1.1,'=HYPERLINK(1),-12.30,'+cmd"]
    assert page is not None
    assert [cell.data_type for cell in page[6]] == ["s", "s", "n", "s"]
    assert page["C6"].value == money("-12.30") or page["C6"].value == -12.3
    assert page["A1"].data_type == "s"


def test_an_address_asks_the_same_again() -> None:
    from django.http import QueryDict

    today = date(2026, 5, 20)
    for query in (
        "period=quarter&day=2026-04-01&against=months&centre=none&level=2&fold=3,7",
        "from=2026-01-05&to=2026-02-01&account=4&after=2026-01-09.12",
        "period=12m&day=2026-05-31",
    ):
        asked = asking.read(QueryDict(query), today)
        assert asking.read(QueryDict(asked.query), today) == asked
        assert not asked.problem
    assert asking.read(QueryDict("from=2026-02-30&to=x"), today).problem
    assert asking.read(QueryDict("period=12m&day=2026-05-31"), today).period == Period(date(2025, 6, 1), MAY.end)
