"""What others owe us and we owe them: titles and their instalments (parcelas).

Amounts and balances are signed like the ledger, debit positive: a receivable of 100 is 100.00, a payable of 50 is
-50.00, a credit of a customer is a receivable below zero. A balance is the sum of the postings that name the instalment
and moves with them only (trigger); at zero the instalment is settled.
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import ImportBatch, Party, Referable

from .ledger import Account, CostCentre, JournalEntry


class Title(Referable):
    class Direction(models.TextChoices):
        RECEIVABLE = "receivable", _("Receivable")
        PAYABLE = "payable", _("Payable")

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        BILL = "bill", _("Bill")
        ORDER = "order", _("Order")
        OPENING = "opening", _("Opening balance")
        CREDIT = "credit", _("Credit")  # an advance, an overpayment, a credit note
        RENEGOTIATED = "renegotiated", _("Renegotiated")
        OTHER = "other", _("Other")

    direction = models.CharField(_("direction"), max_length=10, choices=Direction.choices)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    number = models.CharField(_("document number"), max_length=60)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="titles", verbose_name=_("party"))
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")  # receivable or payable account
    cost_centre = models.ForeignKey(CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(_("comes from"), max_length=120, blank=True)  # reference, `logistics.order:812`
    issued_on = models.DateField(_("issued"))
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # BRL, signed
    text = models.CharField(_("text"), max_length=300, blank=True)
    # Terms: fractions of one. Interest is simple, by the day (rate / 30), on the open amount, from the due day on.
    discount_rate = models.DecimalField(_("discount"), max_digits=9, decimal_places=6, default=0)
    discount_days = models.PositiveSmallIntegerField(_("days before due"), default=0)  # paid so early or earlier
    fine_rate = models.DecimalField(_("fine"), max_digits=9, decimal_places=6, default=0)  # once, when late
    interest_rate = models.DecimalField(_("monthly interest"), max_digits=9, decimal_places=6, default=0)
    entry = models.ForeignKey(  # what brought it into the books
        JournalEntry, on_delete=models.PROTECT, related_name="titles", db_constraint=False
    )
    batch = models.ForeignKey(
        ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("title")
        verbose_name_plural = _("titles")
        constraints = [
            models.CheckConstraint(name="finance_title_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="finance_title_terms_are_fractions",
                condition=Q(
                    discount_rate__gte=0,
                    discount_rate__lt=1,
                    fine_rate__gte=0,
                    fine_rate__lt=1,
                    interest_rate__gte=0,
                    interest_rate__lt=1,
                ),
                violation_error_message=_("Discount, fine and interest lie between 0 and 100 %."),
            ),
        ]
        indexes = [
            models.Index(fields=["direction", "-issued_on", "-id"], name="finance_title_newest"),
            models.Index(fields=["origin"], name="finance_title_origin", condition=~Q(origin="")),
            models.Index(fields=["batch"], name="finance_title_batch", condition=Q(batch__isnull=False)),
            GinIndex(OpClass("number", name="gin_trgm_ops"), name="finance_title_number_part"),
        ]

    def __str__(self) -> str:
        return self.number


class Instalment(Referable):
    title = models.ForeignKey(Title, on_delete=models.PROTECT, related_name="instalments")
    seq = models.PositiveSmallIntegerField(_("part"))  # from 1
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)  # its title's
    due_on = models.DateField(_("due"))
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # BRL, signed
    balance = models.DecimalField(  # BRL, signed; moved by postings only
        _("open"), max_digits=18, decimal_places=2, default=0, editable=False
    )
    settled_on = models.DateField(null=True, blank=True, editable=False)  # last posting's date, at zero; by trigger

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            models.UniqueConstraint(name="finance_instalment_once", fields=["title", "seq"]),
            models.CheckConstraint(
                name="finance_instalment_within",
                condition=Q(amount__gt=0, balance__gte=0, balance__lte=models.F("amount"))
                | Q(amount__lt=0, balance__lte=0, balance__gte=models.F("amount")),
                violation_error_message=_("More than the open amount cannot be settled."),
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], name="finance_instalment_due"),
            models.Index(fields=["due_on", "id"], name="finance_instalment_open_due", condition=~Q(balance=0)),
            models.Index(fields=["party", "balance"], name="finance_instalment_open_party", condition=~Q(balance=0)),
            models.Index(fields=["balance", "due_on"], name="finance_instalment_open_amount", condition=~Q(balance=0)),
        ]

    def __str__(self) -> str:
        return f"{self.title.number}/{self.seq}"


class InstalmentKey(models.Model):
    """A mark by which a payment can name an instalment; the engine looks here for what a statement line holds."""

    class Kind(models.TextChoices):
        DOCUMENT = "doc", _("Document number")  # letters and digits only, upper case, `INV2025000123`
        NOSSO_NUMERO = "nosso", _("Nosso número")
        TXID = "txid", _("Pix txid")
        END_TO_END = "e2e", _("Pix end-to-end id")
        BARCODE = "barcode", _("Barcode")
        NSU = "nsu", _("NSU")

    instalment = models.ForeignKey(Instalment, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    value = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_key_once", fields=["instalment", "kind", "value"])]
        indexes = [models.Index(fields=["value", "kind"], name="finance_key_value")]
