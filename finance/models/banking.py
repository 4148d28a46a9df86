"""Banks and what they say: own accounts, statements as they came, and their lines, which are facts and never change."""

from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import ImportBatch, Party, Referable
from backoffice.core.money import format_money

from .ledger import Account


def _day(on: date) -> str:
    """`12 Nov 2026`, `12 nov 2026`."""
    text = date_format(on, "j M Y")
    return text.lower() if (get_language() or "").startswith("pt") else text


class BankAccount(Referable):
    class Kind(models.TextChoices):
        CHECKING = "checking", _("Checking account")
        SAVINGS = "savings", _("Savings account")
        PAYMENT = "payment", _("Payment account")
        CARD = "card", _("Credit card")
        CASH = "cash", _("Cash")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.CHECKING)
    bank_code = models.CharField(_("bank code"), max_length=8, blank=True)  # COMPE, 3 digits, or a BIC's first 8
    branch = models.CharField(_("branch"), max_length=10, blank=True)
    number = models.CharField(_("account number"), max_length=34, blank=True)  # with digit, or IBAN
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)  # how files name it, normalised
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="bank_account")
    transit = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="transit_of")
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("bank account")
        verbose_name_plural = _("bank accounts")
        constraints = [
            models.CheckConstraint(name="finance_bank_own_transit", condition=~Q(account=F("transit"))),
        ]

    def __str__(self) -> str:
        return self.name


class Statement(Referable):
    """One account's part of one statement file."""

    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="statements")
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="statements")
    part = models.PositiveSmallIntegerField(default=0)  # which of the batch's accounts, in the order of its files
    format = models.CharField(_("format"), max_length=12)
    reader = models.CharField(max_length=20)  # the reader's version
    label = models.CharField(_("statement"), max_length=120, blank=True)  # its own number or id in the file
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    opening = models.DecimalField(_("opening"), max_digits=18, decimal_places=2, null=True, blank=True)
    closing = models.DecimalField(_("closing"), max_digits=18, decimal_places=2, null=True, blank=True)
    found = models.PositiveIntegerField(default=0)  # lines in the file
    new = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    parked = models.PositiveIntegerField(default=0)
    sum = models.DecimalField(max_digits=18, decimal_places=2, default=0)  # of the lines in the file
    warnings = models.JSONField(default=list)  # [{"text": msgid, "data": {…}}]
    received_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        constraints = [
            models.UniqueConstraint(name="finance_statement_once", fields=["batch", "part"]),
        ]
        indexes = [models.Index(fields=["bank_account", "-ends_on", "-id"], name="finance_statement_last")]

    def __str__(self) -> str:
        on = f" {_day(self.ends_on)}" if self.ends_on else ""
        return self.label or f"{self.bank_account}{on}"


class StatementLine(Referable):
    """One line of a bank statement: facts, plus how much of it still waits in transit (moved by postings only)."""

    bank_account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, related_name="lines", db_constraint=False, db_index=False
    )
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines", db_constraint=False)
    on = models.DateField(_("date"))  # booking
    valued_on = models.DateField(_("value date"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # account's currency, money in positive
    open_amount = models.DecimalField(  # signed as amount; moved by postings only
        _("open"), max_digits=18, decimal_places=2, default=0, editable=False
    )  # a new line may begin with all of it, which its first posting must then prove
    text = models.CharField(_("text"), max_length=500, blank=True)
    payer = models.CharField(_("other side"), max_length=200, blank=True)
    payer_tax_id = models.CharField(max_length=14, blank=True)
    kind = models.CharField(_("kind"), max_length=20, blank=True)  # the bank's word
    reference = models.CharField(_("reference"), max_length=140, blank=True)  # FITID, e2e, bank reference: a hint
    key = models.BinaryField()  # 16 bytes, see formats.keys: what a second import recognises it by
    occurrence = models.PositiveIntegerField(default=1)  # among lines that look the same on that day
    is_void = models.BooleanField(default=False, editable=False)  # its import was undone; its postings are reversed

    class Meta:
        verbose_name = _("statement line")
        verbose_name_plural = _("statement lines")
        constraints = [
            models.UniqueConstraint(
                name="finance_line_once", fields=["bank_account", "key", "occurrence"], condition=Q(is_void=False)
            ),
            models.CheckConstraint(name="finance_line_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="finance_line_within",
                condition=Q(amount__gt=0, open_amount__gte=0, open_amount__lte=F("amount"))
                | Q(amount__lt=0, open_amount__lte=0, open_amount__gte=F("amount")),
                violation_error_message=_("More than the line's open amount cannot be matched."),
            ),
            models.CheckConstraint(name="finance_line_void_is_closed", condition=Q(is_void=False) | Q(open_amount=0)),
        ]
        indexes = [
            models.Index(fields=["bank_account", "on", "id"], name="finance_line_on"),
            models.Index(fields=["bank_account", "on", "id"], name="finance_line_open", condition=~Q(open_amount=0)),
            models.Index(fields=["amount", "on"], name="finance_line_open_amount", condition=~Q(open_amount=0)),
            models.Index(fields=["bank_account", "key"], name="finance_line_void", condition=Q(is_void=True)),
            models.Index(fields=["amount", "id"], name="finance_line_amount"),  # lists ask for amounts and sort by them
        ]

    def __str__(self) -> str:
        return f"{_day(self.on)} · {format_money(self.amount, get_language() or 'en')}"


class LineToken(models.Model):
    """What a line's text names: document numbers, ids, tax ids, in the form in which instalment keys are kept."""

    pk = models.CompositePrimaryKey("line_id", "kind", "value")
    line = models.ForeignKey(
        StatementLine, on_delete=models.CASCADE, related_name="tokens", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=7)  # InstalmentKey.Kind, or `tax` for a CPF or CNPJ
    value = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["value", "kind"], name="finance_token_value")]


class ParkedLine(models.Model):
    """A line of a file that is no movement of today: a balance, the future, nothing, or what could not be read."""

    class Reason(models.TextChoices):
        BALANCE = "balance", _("A balance, not a movement")
        FUTURE = "future", _("Dated in the future")
        ZERO = "zero", _("An amount of zero")
        UNREADABLE = "unreadable", _("Cannot be read")

    batch = models.ForeignKey(ImportBatch, null=True, on_delete=models.PROTECT, related_name="parked_lines")
    statement = models.ForeignKey(Statement, null=True, on_delete=models.PROTECT, related_name="parked_lines")
    place = models.CharField(max_length=60)  # `line 14`, `STMTTRN 3`
    reason = models.CharField(max_length=10, choices=Reason.choices)
    words = models.JSONField(default=dict)  # {"text": msgid, "data": {…}} for what could not be read
    on = models.DateField(null=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    text = models.TextField(blank=True)  # as it stood, at most 2,000 characters
    facts = models.JSONField(default=dict)  # what else the line says, by the names of StatementLine
    key = models.BinaryField(null=True)  # as a line's, when it has an amount: how its later coming is recognised
    line = models.OneToOneField(  # what became of it: taken in by a person, or come later as a movement
        StatementLine, null=True, blank=True, on_delete=models.PROTECT, related_name="parked_as"
    )

    class Meta:
        indexes = [models.Index(fields=["key"], name="finance_parked_key", condition=Q(line=None, key__isnull=False))]


class IgnoredLine(Referable):
    """A line that a person set aside with a reason. It stays in transit, so the account is not reconciled by it."""

    line = models.OneToOneField(StatementLine, on_delete=models.PROTECT, related_name="ignored")
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="finance_ignored_reasoned", condition=~Q(reason=""), violation_error_message=_("Give the reason.")
            )
        ]


class PayerName(models.Model):
    """A payer's text that people confirmed for a party: evidence for a match, never the ground of one."""

    text = models.CharField(max_length=200)  # folded: upper case, letters and digits, single spaces
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="payer_names")
    times = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_payer_name_once", fields=["text", "party"])]
