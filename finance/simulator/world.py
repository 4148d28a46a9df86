"""The books as they should be, kept in memory beside the real ones."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils import timezone

from backoffice.core.models import Approval, Company, Party, User
from backoffice.core.services import roles
from finance.models import CostCentre, Period, TaxProfile, TaxRate
from finance.services import periods, plan, second_person
from finance.services.ledger import Line

ZERO, CENT = Decimal("0.00"), Decimal("0.01")
MONTHS = 18  # the last of them is this one
PURPOSES = [
    "cash", "receivable", "payable", "customer_advance", "supplier_advance", "sales", "services", "bank_fees",
    "interest_income", "fine_income", "discount_given", "discount_taken", "interest_expense", "write_off",
    "other_expense", "capital", "opening", "salaries", "other_income", "fine_expense", "returns", "iss_expense",
    "iss_payable", "withheld_payable", "acquirer_cards", "acquirer_pix", "refunds_payable",
]  # fmt: skip
CONTROLS = {"receivable": ["receivable", "customer_advance"], "payable": ["payable", "supplier_advance"]}
ISS = Decimal("0.05")  # of both tax treatments: one owes it, of the other the customer withholds it


def _sums() -> defaultdict[int, Decimal]:
    return defaultdict(lambda: ZERO)


@dataclass(slots=True)
class Part:
    """An instalment. amount, balance: signed as in the books."""

    id: int
    amount: Decimal
    party: int
    account: int
    balance: Decimal = ZERO


@dataclass(slots=True)
class BankLine:
    id: int
    amount: Decimal
    bank: int
    on: date
    open: Decimal = ZERO
    void: bool = False


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def within(value: Decimal, amount: Decimal) -> bool:
    return ZERO <= value <= amount if amount > 0 else amount <= value <= ZERO


@dataclass
class Effect:
    """What an act does to the books: movements by account, instalment and line (of its open amount), and new rows."""

    accounts: defaultdict[int, Decimal] = field(default_factory=_sums)
    parts: defaultdict[int, Decimal] = field(default_factory=_sums)
    lines: defaultdict[int, Decimal] = field(default_factory=_sums)
    entries: int = 0
    parts_born: list[Decimal] = field(default_factory=list)  # what is open of each
    lines_born: list[Decimal] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[Line], *, parts: Sequence[Decimal] = (), rows: Sequence[Decimal] = ()) -> "Effect":
        """The effect of one entry of these postings. parts, rows: instalments and statement lines that come with it."""
        made = cls(entries=1, parts_born=sorted(parts), lines_born=sorted(rows))
        for line in lines:
            made.accounts[line.account] += line.amount
            if line.instalment:
                made.parts[line.instalment] += line.amount
            if line.role == "transit" and line.line:
                made.lines[line.line] -= line.amount
        return made

    def add(self, other: "Effect") -> None:
        """Let another effect come on top."""
        self.entries += other.entries
        for name in ("accounts", "parts", "lines"):
            for key, moved in getattr(other, name).items():
                getattr(self, name)[key] += moved
        self.parts_born = sorted(self.parts_born + other.parts_born)
        self.lines_born = sorted(self.lines_born + other.lines_born)

    def mirrored(self) -> "Effect":
        turned = Effect(entries=self.entries)
        for name in ("accounts", "parts", "lines"):
            getattr(turned, name).update({key: -value for key, value in getattr(self, name).items()})
        return turned

    def moves(self) -> tuple[object, ...]:
        """What two effects are compared by."""
        kept = [{key: value for key, value in one.items() if value} for one in (self.accounts, self.parts, self.lines)]
        return (self.entries, *kept, self.parts_born, self.lines_born)

    def __str__(self) -> str:
        entries, accounts, parts, lines, parts_born, lines_born = self.moves()
        told = [f"{entries} entries"]
        for name, what in (("accounts", accounts), ("instalments", parts), ("lines", lines)):
            if isinstance(what, dict) and what:
                told.append(name + " " + ", ".join(f"{key}: {value}" for key, value in sorted(what.items())))
        if parts_born or lines_born:
            told.append(f"new instalments {len(self.parts_born)}, new lines {len(self.lines_born)}")
        return "; ".join(told)


@dataclass(slots=True)
class Entry:
    """A live entry, as far as its undoing needs it."""

    id: int
    on: date
    lines: list[Line]
    match: int | None = None
    batch: int | None = None  # the import that brought it
    is_reversal: bool = False
    by_two: bool = False  # entered by hand and approved, so that one person alone does not reverse it
    reversed: bool = False


@dataclass
class Month:
    id: int
    starts_on: date
    state: str = "open"
    excepted: set[int] = field(default_factory=set)  # people who may post while it is soft


class FileLine(NamedTuple):
    on: date
    amount: Decimal
    text: str
    mark: str  # FITID


@dataclass
class Question:
    """What waits for a second person. yes: what their yes does, as things stand when they say it."""

    approval: int
    kind: str
    subject: str
    right: str
    asked_by: int
    yes: Callable[[User], Effect]
    after: Callable[[], None] | None  # told the world's side of a yes


@dataclass
class Paper:
    """An invoice, a credit note or a bill in the books."""

    id: int
    kind: str  # invoice, credit_note, bill
    entry: int
    parts: list[int]  # keys of instalments, by their sequence
    lines: list[Decimal]  # what each line asks for
    treatment: str = ""  # of its tax: own, withheld, or none


@dataclass
class Sale:
    """What its channel says of a sale. amount: nothing when its payments are gone."""

    origin: str
    party: int
    on: date
    amount: Decimal
    method: str
    called_off: bool = False


class World:
    """What there is. Only `checks.py` changes balances here, from what the books show after a step."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.today = timezone.localdate()
        self.parts: dict[int, Part] = {}
        self.lines: dict[int, BankLine] = {}
        self.entries: dict[int, Entry] = {}
        self.order: list[int] = []  # keys of entries, as they came
        self.batches: defaultdict[int, list[Entry]] = defaultdict(list)  # what each import brought
        self.open_parts: list[int] = []  # may hold settled ones; `part` sweeps them out as it meets them
        self.open_lines: list[int] = []
        self.days: Counter[tuple[int, date]] = Counter()  # (bank account, day) → lines that count
        self.movements: Counter[tuple[int, date, Decimal]] = Counter()  # the same by their amount
        self.ledger = _sums()  # by account, as the entries tell it
        self.documents = _sums()  # the same of accounts that have documents, as these tell it
        self.numbers: Counter[tuple[int, int]] = Counter()  # (journal, year) → last
        self.heads: dict[int, tuple[int, str]] = {}  # journal → (place, hash)
        self.serial = self.last_question = 0
        self.waiting: list[Question] = []
        self.files: dict[int, list[FileLine]] = {}  # by bank account: what its files have brought and nobody undid
        self.aside: set[int] = set()  # statement lines that somebody set aside
        self.papers: list[Paper] = []
        self.sales: list[Sale] = []
        self.booked: dict[str, tuple[str, Sale]] = {}  # by origin: what the books say they booked, and what that was

    def build(self) -> None:
        """People, parties, banks and months, in the database and here."""
        self.accounts = plan.accounts_for(*PURPOSES, *CONTROLS["receivable"], *CONTROLS["payable"])
        self.controls = {side: [self.accounts[name] for name in names] for side, names in CONTROLS.items()}
        self.profiles: dict[str, int] = {}
        for name in ("own", "withheld"):
            profile = TaxProfile.objects.create(name=f"Simulated {name}")
            TaxRate.objects.create(profile=profile, tax="iss", rate=ISS, is_withheld=name == "withheld")
            self.profiles[name] = profile.pk
        self.people = [
            User.objects.create(email=f"simulated{n}@retaguarda.example", name=f"Simulated {n}") for n in range(4)
        ]
        for person in self.people:  # anybody may do anything here; that nobody does both halves is what is tried
            roles.give_role(person, "finance_manager", by=None, given_as="simulator")
        self.director = User.objects.create(email="director@retaguarda.example", name="Director")
        roles.give_role(self.director, "director", by=None, given_as="simulator")
        Company.objects.update_or_create(  # what one person may do alone is told elsewhere; here everybody does much
            pk=1, defaults={"name": "Storm", "waive_limit": Decimal(10**12)}
        )
        self.may_give_up = second_person.write_off_limit()
        self.parties = [Party.objects.create(name=f"Party {n:02}").pk for n in range(24)]
        self.centres = [CostCentre.objects.create(code=f"S{n}", name=f"Centre {n}").pk for n in range(3)]
        self.banks = {
            bank.pk: bank
            for n in range(2)
            for bank in [plan.open_bank_account(name=f"Bank {n}", bank_code=f"99{n}", number=f"1000{n}")]
        }
        last = self.today.replace(day=1)
        first = last
        for _ in range(MONTHS - 1):
            first = (first - timedelta(days=1)).replace(day=1)
        self.months: list[Month] = []
        self._add_months(first, last)

    def _add_months(self, first: date, last: date) -> None:
        periods.ensure(first, last)
        fresh = Period.objects.filter(starts_on__gte=first, starts_on__lte=last).order_by("starts_on")
        self.months += [Month(row.pk, row.starts_on) for row in fresh]

    def look_at_the_clock(self) -> None:
        """A storm may outlive its day, and its month: what services post today lies in the next one then."""
        today = timezone.localdate()
        if today > self.today:
            self.today = today
            if today >= (after := _next_month(self.months[-1].starts_on)):
                self._add_months(after, today.replace(day=1))

    # Second persons -----------------------------------------------------------------------------------------------

    def asked(self, kind: str, yes: Callable[[User], Effect], after: Callable[[], None] | None = None) -> None:
        """Take note of the questions that were put since the last time."""
        self.asked_about(kind, lambda _approval: yes, after)

    def asked_about(
        self, kind: str, yes: Callable[[Approval], Callable[[User], Effect]], after: Callable[[], None] | None = None
    ) -> None:
        """The same where one act puts several questions."""
        fresh = Approval.objects.filter(kind=kind, pk__gt=self.last_question, state=Approval.State.WAITING)
        for one in fresh.order_by("pk"):
            self.last_question = one.pk
            self.waiting.append(Question(one.pk, kind, one.subject, one.right, one.asked_by_id, yes(one), after))

    def waits(self, kind: str, subject: str) -> bool:
        return any((question.kind, question.subject) == (kind, subject) for question in self.waiting)

    def read_months(self) -> None:
        """See how the months stand, where an act leaves it to the books."""
        states = dict(Period.objects.values_list("pk", "state"))
        for month in self.months:
            month.state = states[month.id]

    # Choices ------------------------------------------------------------------------------------------------------

    def day(self) -> date:
        """A day up to today, mostly in a month that is open."""
        places = [n for n, month in enumerate(self.months) if month.state == "open"]
        place = self.chance.choice(places) if self.chance.random() < 0.95 else self.chance.randrange(len(self.months))
        month = self.months[place].starts_on
        last = self.today.day if month == self.today.replace(day=1) else 28
        return month.replace(day=self.chance.randint(1, last))

    def month_of(self, on: date) -> Month:
        first = self.months[0].starts_on
        return self.months[(on.year - first.year) * 12 + on.month - first.month]

    def takes(self, on: date, *people: User | None) -> bool:
        """Whether the month of that day takes a posting by these people."""
        month = self.month_of(on)
        if month.state == "soft":
            return any(person is not None and person.pk in month.excepted for person in people)
        return month.state == "open"

    def person(self) -> User:
        return self.chance.choice(self.people)

    def two_people(self) -> tuple[User, User]:
        maker, checker = self.chance.sample(self.people, 2)
        return maker, checker

    def money(self, most: int = 500_000) -> Decimal:
        """Some popular prices, so that equal amounts are common; else anything."""
        if self.chance.random() < 0.4:
            return self.chance.choice([Decimal("49.90"), Decimal("99.90"), Decimal("100.00"), Decimal("1500.00")])
        return Decimal(self.chance.randint(1, most)) / 100

    def share(self, of: Decimal) -> Decimal:
        """A piece of an amount, of its sign, above nothing; often all of it."""
        cents = int(abs(of) * 100)
        if cents == 1 or self.chance.random() < 0.5:
            return of
        return Decimal(self.chance.randint(1, cents)) / 100 * (1 if of > 0 else -1)

    def part(self) -> Part | None:
        """An open instalment."""
        while self.open_parts:
            place = self.chance.randrange(len(self.open_parts))
            part = self.parts[self.open_parts[place]]
            if part.balance:
                return part
            self.open_parts[place] = self.open_parts[-1]
            self.open_parts.pop()
        return None

    def stands(self, line: BankLine, count: int) -> None:
        """A line came, or was voided: 1 or -1."""
        self.days[line.bank, line.on] += count
        self.movements[line.bank, line.on, line.amount] += count

    def line(self) -> BankLine | None:
        """An open statement line."""
        while self.open_lines:
            place = self.chance.randrange(len(self.open_lines))
            line = self.lines[self.open_lines[place]]
            if line.open:
                return line
            self.open_lines[place] = self.open_lines[-1]
            self.open_lines.pop()
        return None

    def entry(self) -> Entry | None:
        """An entry that stands, rather a young one; now and then one that was reversed, or a reversal."""
        for _ in range(20 if self.order else 0):
            back = min(len(self.order) - 1, int(self.chance.expovariate(1 / 60)))
            entry = self.entries[self.order[-1 - back]]
            if not (entry.reversed or entry.is_reversal) or self.chance.random() < 0.05:
                return entry
        return None

    def fits(self, effect: Effect) -> bool:
        """Whether instalments and lines stay between nothing and their amount."""
        return all(
            within(self.parts[key].balance + moved, self.parts[key].amount) for key, moved in effect.parts.items()
        ) and all(within(self.lines[key].open + moved, self.lines[key].amount) for key, moved in effect.lines.items())

    def number(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial:06}"
