"""The books: accounts, journals, periods, and the entries that nobody can change.

An amount is one signed column, debit positive; an entry's postings sum to zero. Entries and postings exist only posted:
what waits for approval is a draft elsewhere. The triggers of migration 0003 seal each entry when its postings arrive:
they check balance, accounts, period and number, chain the hash, and carry the postings to what they settle.
"""

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core.models import ImportBatch, Party, Referable

WORDS = SearchVector(Func(F("text"), function="core_plain"), config="simple")  # folded; few a row, cheap to keep


class Account(Referable):
    class Kind(models.TextChoices):
        ASSET = "asset", _("Asset")
        LIABILITY = "liability", _("Liability")
        EQUITY = "equity", _("Equity")
        REVENUE = "revenue", _("Revenue")
        EXPENSE = "expense", _("Expense")

    class Section(models.TextChoices):
        """Where a revenue or expense account stands in the DRE, in its order (Lei 6.404/1976, art. 187)."""

        GROSS_REVENUE = "10_gross_revenue", _("Gross revenue")
        DEDUCTIONS = "20_deductions", _("Deductions and taxes on sales")
        COST = "30_cost", _("Cost of goods and services sold")
        SELLING = "40_selling", _("Selling expenses")
        ADMINISTRATIVE = "50_administrative", _("General and administrative expenses")
        OTHER = "60_other", _("Other operating income and expenses")
        FINANCIAL_INCOME = "70_financial_income", _("Financial income")
        FINANCIAL_EXPENSE = "75_financial_expense", _("Financial expenses")
        INCOME_TAX = "90_income_tax", _("Income tax and social contribution")

    class CashFlow(models.TextChoices):
        OPERATING = "operating", _("Operating activities")
        INVESTING = "investing", _("Investing activities")
        FINANCING = "financing", _("Financing activities")
        CASH = "cash", _("Cash and banks")

    code = models.CharField(_("code"), max_length=30, unique=True)  # sorts as text: 1.1.01.001
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    is_group = models.BooleanField(_("group"), default=False)  # a group sums its children and takes no posting
    is_control = models.BooleanField(  # of titles: every posting names an instalment, so that both always agree
        _("control account"), default=False
    )
    is_active = models.BooleanField(_("active"), default=True)
    section = models.CharField(_("place in the DRE"), max_length=24, choices=Section.choices, blank=True)
    cash_flow = models.CharField(
        _("place in the cash flow"), max_length=9, choices=CashFlow.choices, default=CashFlow.OPERATING
    )
    purpose = models.CharField(max_length=24, blank=True, editable=False)  # what the program posts here, `receivable`
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                name="finance_account_one_per_purpose", fields=["purpose"], condition=~Q(purpose="")
            ),
            models.CheckConstraint(
                name="finance_account_section_of_results",
                condition=Q(section="") | Q(kind__in=["revenue", "expense"]),
                violation_error_message=_("Only revenue and expense accounts stand in the DRE."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Journal(Referable):
    class Kind(models.TextChoices):
        GENERAL = "general", _("General")
        SALES = "sales", _("Sales")
        PURCHASES = "purchases", _("Purchases")
        BANK = "bank", _("Bank")
        MATCHING = "matching", _("Reconciliation")
        OPENING = "opening", pgettext_lazy("journal", "Opening")
        CLOSING = "closing", pgettext_lazy("journal", "Closing")

    code = models.CharField(_("code"), max_length=6, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)

    class Meta:
        verbose_name = _("journal")
        verbose_name_plural = _("journals")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class JournalHead(models.Model):
    """Where a journal's chain ends. Written by the sealing trigger only."""

    journal = models.OneToOneField(Journal, primary_key=True, on_delete=models.PROTECT, related_name="head")
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.BinaryField(default=b"")
    held = models.BooleanField(  # says nothing: the one column the application may change, so that it may lock the row
        default=False, db_default=False, editable=False
    )


class JournalYear(models.Model):
    """The last number a journal gave in a year. Written by the sealing trigger only."""

    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="years")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_journal_year_once", fields=["journal", "year"])]


class Period(Referable):
    """One month of the books. Open takes postings, soft only by a dated exception, closed none."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("month", "Open")
        SOFT = "soft", _("Soft-closed")
        CLOSED = "closed", pgettext_lazy("month", "Closed")

    starts_on = models.DateField(_("month"), unique=True)
    ends_on = models.DateField()  # half-open: the first day of the next month
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("period")
        verbose_name_plural = _("periods")
        constraints = [
            ExclusionConstraint(
                name="finance_periods_do_not_overlap",
                expressions=[
                    (Func(F("starts_on"), F("ends_on"), function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                name="finance_period_is_a_month",
                condition=Q(starts_on__day=1, ends_on__day=1, ends_on__gt=F("starts_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on:%Y-%m}"


class PeriodException(Referable):
    """Leave for one person to post into a soft-closed period until a moment, with the reason, given by another."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="exceptions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(_("reason"))
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(_("until"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="finance_period_exception_by_another",
                condition=~Q(person=F("given_by")),
                violation_error_message=_("Nobody opens a soft-closed month for themselves."),
            ),
            models.CheckConstraint(
                name="finance_period_exception_reasoned",
                condition=~Q(reason=""),
                violation_error_message=_("Give the reason."),
            ),
        ]


class CostCentre(Referable):
    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("cost centre")
        verbose_name_plural = _("cost centres")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class JournalEntry(Referable):
    class Kind(models.TextChoices):
        AUTOMATIC = "automatic", _("Automatic")  # made by a document, a statement or a match
        MANUAL = "manual", _("Manual")
        OPENING = "opening", pgettext_lazy("journal", "Opening")
        CLOSING = "closing", pgettext_lazy("journal", "Closing")
        REVERSAL = "reversal", _("Reversal")

    journal = models.ForeignKey(
        Journal, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )  # the journal's head must be there for the seal
    year = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField(_("number"))  # gapless in journal and year
    on = models.DateField(_("date"))  # competence
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices, default=Kind.AUTOMATIC)
    text = models.CharField(_("text"), max_length=300)
    origin = models.CharField(_("comes from"), max_length=120, blank=True)  # reference, `finance.bill:81`
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by", db_constraint=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )  # null: the program
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    posted_at = models.DateTimeField(_("posted"), db_default=Now())

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints = [
            models.UniqueConstraint(name="finance_entry_number_once", fields=["journal", "year", "number"]),
            models.CheckConstraint(
                name="finance_entry_second_person",
                condition=Q(approved_by=None) | ~Q(approved_by=F("made_by")),
                violation_error_message=_("Who made an entry does not approve it."),
            ),
            models.CheckConstraint(
                name="finance_entry_manual_is_approved",
                condition=~Q(kind="manual") | Q(approved_by__isnull=False, made_by__isnull=False),
                violation_error_message=_("A manual entry needs a second person."),
            ),
            models.UniqueConstraint(
                name="finance_entry_manual_once", fields=["origin"], condition=Q(kind="manual") & ~Q(origin="")
            ),
            models.CheckConstraint(name="finance_entry_year_of_date", condition=Q(on__year=F("year"))),
            models.CheckConstraint(
                name="finance_entry_reversal_reverses",
                condition=Q(kind="reversal", reverses__isnull=False) | (~Q(kind="reversal") & Q(reverses=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["on", "id"], name="finance_entry_on"),
            models.Index(fields=["origin"], name="finance_entry_origin", condition=~Q(origin="")),
            models.Index(fields=["batch"], name="finance_entry_batch", condition=Q(batch__isnull=False)),
            GinIndex(WORDS, name="finance_entry_words"),
            models.Index(fields=["kind", "on", "id"], name="finance_entry_by_hand", condition=~Q(kind="automatic")),
        ]

    def __str__(self) -> str:
        return f"{self.journal.code} {self.year}/{self.number}"


class EntrySeal(models.Model):
    """The link of one entry in its journal's hash chain. Written by the sealing trigger only."""

    entry = models.OneToOneField(
        JournalEntry, primary_key=True, on_delete=models.PROTECT, related_name="seal", db_constraint=False
    )
    journal = models.ForeignKey(
        Journal, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.PositiveBigIntegerField()
    hash = models.BinaryField()  # SHA-256 of the hash before and the entry's text, see finance_entry_text()

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_seal_once", fields=["journal", "seq"])]


class Posting(models.Model):
    """One line of an entry. With an instalment or a statement line it also is the allocation (apropriação) of it."""

    class Role(models.TextChoices):
        """What the posting does to the document it names; empty for an ordinary one."""

        ISSUE = "issue", _("Issue")  # gives an instalment its balance
        BANK = "bank", _("Bank")  # a statement line on the bank's account
        TRANSIT = "transit", _("Transit")  # a statement line on its transit account: waits there, or is matched
        PRINCIPAL = "principal", _("Principal")
        INTEREST = "interest", _("Interest")
        FINE = "fine", _("Fine")
        DISCOUNT = "discount", _("Discount")
        REBATE = "rebate", _("Rebate")
        FEE = "fee", _("Fee")
        RETENTION = "retention", _("Retention")
        EXCHANGE = "exchange", _("Exchange difference")
        WRITE_OFF = "write_off", _("Write-off")
        ADVANCE = "advance", _("Advance")

    entry = models.ForeignKey(
        JournalEntry, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False
    )
    seq = models.PositiveSmallIntegerField()  # from 1
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False
    )
    on = models.DateField()  # its entry's date
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # BRL, debit positive
    party = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    cost_centre = models.ForeignKey(
        CostCentre,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    instalment = models.ForeignKey(
        "finance.Instalment",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="postings",
        db_constraint=False,
        db_index=False,
    )
    line = models.ForeignKey(
        "finance.StatementLine",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="postings",
        db_constraint=False,
        db_index=False,
    )
    role = models.CharField(max_length=9, choices=Role.choices, blank=True)
    text = models.CharField(_("text"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.CheckConstraint(
                name="finance_posting_not_zero",
                condition=~Q(amount=0),
                violation_error_message=_("A posting of nothing says nothing; leave it out."),
            ),
            models.CheckConstraint(
                name="finance_posting_line_by_role",
                condition=Q(line=None) & ~Q(role__in=["bank", "transit"])
                | Q(line__isnull=False, role__in=["bank", "transit"]),
            ),
        ]
        indexes = [
            models.Index(fields=["entry", "account"], include=["amount"], name="finance_posting_entry"),
            models.Index(  # reports sum it, lists walk it from entry to entry
                fields=["account", "on", "entry"],
                include=["amount", "cost_centre"],
                name="finance_posting_account_entry",
            ),
            models.Index(fields=["on", "id"], name="finance_posting_on"),  # lists walk it, whatever they filter
            models.Index(
                fields=["instalment"], name="finance_posting_instalment", condition=Q(instalment__isnull=False)
            ),
            models.Index(fields=["line"], name="finance_posting_line", condition=Q(line__isnull=False)),
            models.Index(fields=["party", "on"], name="finance_posting_party", condition=Q(party__isnull=False)),
        ]

    @property
    def debit(self) -> Decimal | None:
        """What stands in the debit column."""
        return self.amount if self.amount > 0 else None

    @property
    def credit(self) -> Decimal | None:
        """What stands in the credit column."""
        return -self.amount if self.amount < 0 else None


class PeriodBalance(models.Model):
    """What a closed month moved, frozen when it closed: reports add these up and read only what came after."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="balances", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    debit = models.DecimalField(max_digits=20, decimal_places=2)  # BRL, not below zero
    credit = models.DecimalField(max_digits=20, decimal_places=2)  # BRL, not below zero

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="finance_period_balance_once",
                fields=["period", "account", "cost_centre"],
                nulls_distinct=False,
            ),
        ]


class DayBalance(models.Model):
    """What a day moved: reports read it of months that are not closed. Written by finance_sum_days() only, see 0013."""

    on = models.DateField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    debit = models.DecimalField(max_digits=20, decimal_places=2)  # BRL, not below zero
    credit = models.DecimalField(max_digits=20, decimal_places=2)  # BRL, not below zero
    flow = models.DecimalField(max_digits=20, decimal_places=2)  # BRL that came in against it (out: negative)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="finance_day_balance_once", fields=["on", "account", "cost_centre"], nulls_distinct=False
            ),
        ]


class DaySummary(models.Model):
    """One row: how far the sums of days reach in each journal's chain, and which accounts were money to them."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    marks = models.JSONField(default=dict)  # id of the journal → place of its last entry that is summed
    money = ArrayField(models.BigIntegerField(), default=list)  # cash, banks and their transit accounts

    class Meta:
        constraints = [models.CheckConstraint(name="finance_day_summary_one", condition=Q(id=1))]
