"""Whatever was posted, closed, reopened and reversed: the reports agree with each other and with their postings."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.db.models import Sum
from django.http import QueryDict

from backoffice.core.calendar import Period
from backoffice.core.models import Party
from finance.filters.postings import PostingFilters
from finance.models import Account, BudgetLine, CostCentre, Instalment, Posting, Statement, StatementLine, Title
from finance.models import Period as Month
from finance.reports import aging, asking, balance_sheet, balances, budget, cash_flow, dre, tree, trial_balance
from finance.reports.catalogue import REPORTS
from finance.reports.sheets import Sheet
from finance.services import day_sums, ledger, plan
from finance.services.ledger import Line, Refused
from tests.factories.books import document, open_again, party, year

pytestmark = pytest.mark.django_db

ZERO = Decimal("0.00")
FIRST, LAST = date(2025, 11, 1), date(2026, 8, 31)


class Company:
    """Books that grow by chance: sales, bills, settlements, statements, matches, reversals, a closed year."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        year(2025)
        year(2026)
        self.bank = plan.open_bank_account(name="Banco")
        self.centres = [None, *(CostCentre.objects.create(code=str(n), name=f"Centro {n}").pk for n in (1, 2))]
        self.parties: list[Party] = [party(name) for name in ("Ana", "Bruno", "Carla")]
        self.at = plan.accounts_for("receivable", "payable", "cash", "customer_advance", "capital", "retained_earnings")
        self.revenue = list(Account.objects.filter(kind="revenue", is_group=False).values_list("pk", flat=True))
        self.expense = list(Account.objects.filter(kind="expense", is_group=False).values_list("pk", flat=True))
        self.others = list(
            Account.objects.filter(kind__in=["asset", "liability", "equity"], is_group=False, is_control=False)
            .exclude(transit_of__isnull=False)
            .values_list("pk", flat=True)
        )
        self.entries: list[int] = []
        self.lines = 0

    def amount(self) -> Decimal:
        return Decimal(self.dice.randint(1, 500_000)) / 100

    def day(self) -> date:
        return FIRST + timedelta(days=self.dice.randrange((LAST - FIRST).days))

    def act(self) -> None:
        """One thing that happens, or is refused because its month is closed."""
        acts: list[Callable[[], object]] = [
            self.title,
            self.title,
            self.spend,
            self.settle,
            self.settle,
            self.statement,
            self.match,
            self.undo,
        ]
        acts.append(day_sums.sum_up)
        with suppress(Refused):
            self.dice.choice([*acts, self.shut, self.open])()

    def keep(self, journal: str, on: date, lines: list[Line], **more: object) -> None:
        more.setdefault("origin", document())
        self.entries.append(ledger.post(journal=journal, on=on, text="x", lines=lines, **more))  # type: ignore[arg-type]

    def spend(self) -> None:
        amount, centre = self.amount(), self.dice.choice(self.centres)
        one, other = self.dice.sample([*self.others, *self.expense, *self.revenue], 2)
        self.keep("general", self.day(), [Line(one, amount, cost_centre=centre), Line(other, -amount)])

    def title(self) -> None:
        sign, direction, control = self.dice.choice(
            [(1, "receivable", "receivable"), (-1, "payable", "payable"), (-1, "receivable", "customer_advance")]
        )
        amount, on, who = sign * self.amount(), self.day(), self.dice.choice(self.parties)
        if not Month.objects.filter(starts_on=on.replace(day=1), state="open").exists():
            return
        entry = ledger.next_entry()
        title = Title.objects.create(
            direction=direction, kind="other", number=str(entry), party=who, account_id=self.at[control],
            issued_on=on, amount=amount, entry_id=entry, cost_centre_id=self.dice.choice(self.centres),
        )  # fmt: skip
        due = on + timedelta(days=self.dice.randint(-10, 90))
        part = Instalment.objects.create(title=title, seq=1, party=who, due_on=due, amount=amount)
        against = self.dice.choice(self.revenue if sign > 0 else self.expense)
        lines = [Line(title.account_id, amount, party=who.pk, instalment=part.pk, role="issue")]
        lines.append(Line(against, -amount, cost_centre=self.dice.choice(self.centres)))
        self.keep("sales", on, lines, entry=entry)

    def open_part(self) -> Instalment | None:
        found = list(Instalment.objects.exclude(balance=0).order_by("pk").select_related("title"))
        return self.dice.choice(found) if found else None

    def settle(self) -> None:
        part = self.open_part()
        if part is None:
            return
        paid = part.balance if self.dice.random() < 0.7 else (part.balance / 2).quantize(Decimal("0.01"))
        on = max(part.title.issued_on, self.day())
        if paid:
            money = self.dice.choice([self.at["cash"], self.bank.account_id])
            lines = [Line(money, paid), self.against(part, paid)]
            self.keep("bank", on, lines)

    def against(self, part: Instalment, paid: Decimal) -> Line:
        return Line(part.title.account_id, -paid, party=part.party_id, instalment=part.pk, role="principal")

    def statement(self) -> None:
        on, self.lines = self.day(), self.lines + 1
        amount = self.dice.choice([1, -1]) * self.amount()
        if not Month.objects.filter(starts_on=on.replace(day=1), state="open").exists():
            return
        statement = Statement.objects.create(bank_account=self.bank, format="csv", reader="1")
        line = StatementLine.objects.create(
            bank_account=self.bank, statement=statement, on=on, amount=amount, key=self.lines.to_bytes(16, "big")
        )
        lines = [
            Line(self.bank.account_id, amount, line=line.pk, role="bank"),
            Line(self.bank.transit_id, -amount, line=line.pk, role="transit"),
        ]
        self.keep("bank", on, lines)

    def match(self) -> None:
        found = list(StatementLine.objects.exclude(open_amount=0).order_by("pk"))
        if not found:
            return
        line = self.dice.choice(found)
        part = (line.open_amount / 3).quantize(Decimal("0.01")) or line.open_amount
        other = self.dice.choice([*self.expense, *self.revenue])
        lines = [Line(self.bank.transit_id, part, line=line.pk, role="transit"), Line(other, -part)]
        self.keep("matching", line.on, lines)

    def undo(self) -> None:
        if self.entries:
            made = ledger.reverse(entry=self.dice.choice(self.entries), on=self.day())
            assert made

    def shut(self) -> None:
        month = Month.objects.exclude(state="closed").order_by("starts_on").first()
        if month and month.starts_on < date(2026, 6, 1):
            Month.objects.filter(pk=month.pk).update(state="closed")

    def open(self) -> None:
        month = Month.objects.filter(state="closed").order_by("-starts_on").first()
        if month:
            open_again(month)

    def end_year(self) -> None:
        """Carry the result of 2025 to equity, as the closing journal does."""
        Month.objects.filter(starts_on=date(2025, 12, 1)).exclude(state="closed").update(state="open")
        on = date(2025, 12, 31)
        if not Month.objects.filter(starts_on=date(2025, 12, 1), state="open").exists():
            return
        held = balances.nets(balances.moved([balances.Span(None, date(2026, 1, 1))]), 0)
        result = {pk: amount for pk, amount in held.items() if pk in {*self.revenue, *self.expense} and amount}
        if result:
            lines = [Line(pk, -amount) for pk, amount in result.items()]
            total = sum(result.values(), ZERO)
            if total:
                lines.append(Line(self.at["retained_earnings"], total))
            ledger.post(journal="closing", on=on, text="Encerramento", lines=lines, kind="closing", origin=document())


def grown(seed: int, steps: int = 150) -> Company:
    company = Company(seed)
    for step in range(steps):
        company.act()
        if step == steps * 2 // 3 and seed != 3:
            company.end_year()
    return company


@pytest.fixture(params=[1, 2, 3])
def company(request: pytest.FixtureRequest) -> Company:
    return grown(request.param)


def ledger_sum(**filters: object) -> Decimal:
    return Posting.objects.filter(**filters).aggregate(total=Sum("amount"))["total"] or ZERO


def test_reports_agree_with_each_other_on_any_days(company: Company) -> None:
    nodes = tree.read()
    closing = Posting.objects.filter(entry__journal__kind="closing")
    for _try in range(6):
        start, end = sorted((company.day(), company.day() + timedelta(days=1)))
        if start == end:
            continue
        period = Period(start, end)

        balance = trial_balance.trial_balance(start, end)
        before, after = balance_sheet.balance_sheet([start, end], plan=nodes)
        (earned,) = dre.dre([period])
        (flow,) = cash_flow.cash_flow([period])
        closed = closing.filter(on__gte=start, on__lt=end, account__kind__in=["revenue", "expense"])
        carried = -(closed.aggregate(total=Sum("amount"))["total"] or ZERO)

        assert balance.opening == balance.closing == 0
        assert balance.debit == balance.credit
        assert before.between == after.between == 0
        held = {line.account.pk: line.closing for line in balance.lines}
        for account, amount in after.accounts.items():
            sign = 1 if nodes.nodes[account].kind == "asset" else -1
            assert held.get(account, ZERO) == sign * amount
        assert (after.earlier + after.year) - (before.earlier + before.year) == earned.result + carried
        assert flow.is_proven
        money = [company.at["cash"], company.bank.account_id]
        assert flow.closing == ledger_sum(account__in=money, on__lt=end)
        opened, owed = (
            aging.aging("receivable", end - timedelta(days=1)),
            aging.aging("payable", end - timedelta(days=1)),
        )
        controls = ledger_sum(account__is_control=True, on__lt=end)
        assert opened.total - owed.total == controls
        assert opened.total == ledger_sum(account__purpose__in=["receivable", "customer_advance"], on__lt=end)


def test_cost_centres_add_up_to_the_whole(company: Company) -> None:
    whole = Period(FIRST, LAST + timedelta(days=1))
    moves = balances.moved([balances.Span(whole.start, whole.end)], by_centre=True)

    parts = [trial_balance.trial_balance(whole.start, whole.end, centre or 0) for centre in company.centres]
    results = [dre.dre([whole], centre or 0)[0].result for centre in company.centres]

    assert sum((move.net for move in moves.values()), ZERO) == 0
    assert sum((one.debit for one in parts), ZERO) == trial_balance.trial_balance(whole.start, whole.end).debit
    assert sum(results, ZERO) == dre.dre([whole])[0].result


def test_cash_flows_of_cost_centres_add_up_to_the_whole(company: Company) -> None:
    periods = [Period(FIRST, company.day() + timedelta(days=1)), Period(date(2026, 1, 1), date(2026, 4, 1))]
    wholes = cash_flow.cash_flow(periods)
    parts = [cash_flow.cash_flow(periods, centre or 0) for centre in company.centres]

    for n, whole in enumerate(wholes):
        assert whole.is_proven
        assert sum((one[n].change for one in parts), ZERO) == whole.closing - whole.opening
        assert sum((one[n].waiting for one in parts), ZERO) == whole.waiting
        for account, amount in whole.flows.items():
            assert sum((one[n].flows.get(account, ZERO) for one in parts), ZERO) == amount


@pytest.mark.parametrize("direction", ["receivable", "payable"])
def test_the_aging_of_cost_centres_adds_up_on_any_day(company: Company, direction: str) -> None:
    for day in (company.day(), company.day(), LAST):
        whole = aging.aging(direction, day)
        parts = [aging.aging(direction, day, centre or 0) for centre in company.centres]
        columns, _order, others = aging.by_centre(direction, day, None)

        assert [sum(row, ZERO) for row in zip(*(one.buckets for one in parts), strict=True)] == whole.buckets
        assert {pk: sum(row.values(), ZERO) for pk, row in columns.items() if any(row.values())} == {
            pk: sum(row, ZERO) for pk, row in whole.parties.items() if any(row)
        }
        for centre, one in zip(company.centres, parts, strict=True):
            assert sum((row.get(centre or 0, ZERO) for row in columns.values()), ZERO) == one.total
        assert not others


def test_an_aging_beside_another_day_says_what_each_day_says_alone(company: Company) -> None:
    days = [company.day(), company.day(), LAST]

    found, _order, _others = aging.ranked("receivable", days, None)

    assert [one.buckets for one in found] == [aging.aging("receivable", day).buckets for day in days]


@pytest.mark.parametrize("against", ["previous", "year", "months", "centres"])
def test_the_general_ledger_compares_what_the_trial_balance_says(company: Company, against: str) -> None:
    account = company.bank.account_id
    query = QueryDict(f"period=quarter&day=2026-04-01&against={against}&account={account}")
    asked = asking.read(query, date(2026, 8, 31))
    columns = asked.columns([CostCentre.objects.get(pk=pk) for pk in company.centres if pk])

    rows = {row.label: [cell.value for cell in row.cells] for row in REPORTS["general-ledger"].build(asked).rows}

    for column in columns:
        balance = trial_balance.trial_balance(column.period.start, column.period.end, column.centre)
        line = next((one for one in balance.lines if one.account.pk == account), None)
        told = [line.opening, line.debit, line.credit, line.closing] if line else [ZERO] * 4
        assert rows.get(column.label, [ZERO] * 4) == told, column
    if against in ("previous", "year"):
        now, then = (rows[column.label] for column in columns)
        assert rows["Difference"] == [a - b for a, b in zip(now, then, strict=True)]  # type: ignore[operator]


@pytest.mark.parametrize("against", ["", "previous", "year", "months", "centres"])
def test_the_budget_is_compared_with_what_the_dre_says(company: Company, against: str) -> None:
    for month in range(1, 9):
        for account in company.dice.sample([*company.revenue, *company.expense], 3):
            BudgetLine.objects.create(
                account_id=account, month=date(2026, month, 1), amount=company.amount(),
                cost_centre_id=company.dice.choice(company.centres),
            )  # fmt: skip
    query = QueryDict(f"period=quarter&day=2026-04-01&against={against}")
    asked = asking.read(query, date(2026, 8, 31))
    columns = asked.columns([CostCentre.objects.get(pk=pk) for pk in company.centres if pk])

    sheet = REPORTS["budget"].build(asked)

    net = {head.label: cell.value for head, cell in zip(sheet.heads, sheet.rows[-1].cells, strict=True)}
    for column in columns:
        of = f", {column.label}" if len(columns) > 1 else ""
        assert net[f"Budget{of}"] == budget.budget(column.period, column.centre).result
        assert net[f"Actual{of}"] == dre.dre([column.period], column.centre)[0].result


def figures(sheet: Sheet) -> list[tuple[str, Decimal, str]]:
    """Every linked figure of a sheet: where, how much, its address."""
    found = [
        (f"{sheet.title}: {row.label}", cell.value, cell.url)
        for row in sheet.rows
        for cell in row.cells
        if cell.url and isinstance(cell.value, Decimal) and "/budget/plan/" not in cell.url
    ]
    found += [(f"{sheet.title}: {fact.label}", fact.value, fact.url) for fact in sheet.facts if fact.url]
    return found + [one for part in sheet.tables for one in figures(part)]


@pytest.mark.parametrize("centre", ["", "none", "1"])
@pytest.mark.parametrize("against", ["", "previous", "months", "centres"])
def test_every_figure_is_the_sum_of_the_postings_it_opens(against: str, centre: str) -> None:
    company = grown(len(against) % 4 + 1, steps=100)
    start = company.day()
    BudgetLine.objects.create(account_id=company.expense[0], month=start.replace(day=1), amount=company.amount())
    of = str(company.centres[1]) if centre == "1" else centre
    query = QueryDict(
        f"from={start}&to={start + timedelta(days=70)}&against={against}&account={company.bank.account_id}&centre={of}"
    )
    for report in REPORTS.values():
        asked = report.fit(asking.read(query, date(2026, 8, 31)))
        shown = figures(report.build(asked))
        for where, value, url in company.dice.sample(shown, min(len(shown), 40)):
            address = urlsplit(url)
            if address.path == "/finance/reports/projection/":
                part = REPORTS["projection"].build(asking.read(QueryDict(address.query), date(2026, 8, 31)))
                assert (part.rows[-1].cells[-1].value if part.rows else ZERO) == value, (where, url)
                continue
            assert address.path == "/finance/reports/postings/", where
            data = QueryDict(address.query, mutable=True)
            assert data.pop("count") == ["exact"]
            filters = PostingFilters(data, queryset=Posting.objects.all())
            assert filters.form.is_valid(), (where, filters.form.errors)
            total = filters.qs.aggregate(total=Sum("amount"))["total"] or ZERO
            assert abs(total) == abs(value), (where, url)
