"""Invoices (faturas) and credit notes, with what each line owes in taxes."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core.models import Referable, StoredFile
from finance import taxes

from .documents import SECOND_PERSON, Document, DocumentLine
from .ledger import JournalEntry


class TaxProfile(Referable):
    """How an item is taxed: a name for some rates, chosen on the line of an invoice."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("tax treatment")
        verbose_name_plural = _("tax treatments")

    def __str__(self) -> str:
        return self.name


class Tax(models.TextChoices):
    ICMS = "icms", "ICMS"
    ISS = "iss", "ISS"
    PIS = "pis", "PIS"
    COFINS = "cofins", "COFINS"
    IRRF = "irrf", "IRRF"
    CSLL = "csll", "CSLL"
    INSS = "inss", "INSS"


class TaxRate(models.Model):
    profile = models.ForeignKey(TaxProfile, on_delete=models.CASCADE, related_name="rates")
    tax = models.CharField(_("tax"), max_length=6, choices=Tax.choices)
    rate = models.DecimalField(_("rate"), max_digits=9, decimal_places=6)  # a fraction of one
    is_withheld = models.BooleanField(_("withheld by the customer"), default=False)

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints = [
            models.UniqueConstraint(name="finance_tax_rate_once", fields=["profile", "tax", "is_withheld"]),
            models.CheckConstraint(
                name="finance_tax_rate_is_a_fraction",
                condition=Q(rate__gt=0, rate__lt=1),
                violation_error_message=_("A rate lies between 0 and 100 %."),
            ),
            models.CheckConstraint(
                name="finance_tax_rate_own_taxes",
                condition=Q(is_withheld=True) | Q(tax__in=["icms", "iss", "pis", "cofins"]),
                violation_error_message=_("IRRF, CSLL and INSS are withheld by the customer."),
            ),
        ]


class Invoice(Document):
    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        WAITING = "waiting", _("Waiting for approval")
        ISSUED = "issued", pgettext_lazy("invoice", "Issued")
        CANCELLED = "cancelled", pgettext_lazy("invoice", "Cancelled")
        DISCARDED = "discarded", _("Discarded")

    kind = models.CharField(_("kind"), max_length=11, choices=Kind.choices, default=Kind.INVOICE)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    number = models.CharField(_("number"), max_length=60, blank=True)  # gapless, taken when it is issued
    credits = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="credit_notes", verbose_name=_("credits")
    )
    origin = models.CharField(_("comes from"), max_length=120, blank=True)
    pdf = models.ForeignKey(StoredFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    sent_to = models.EmailField(_("sent to"), blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    cancel_reason = models.CharField(_("why it was cancelled"), max_length=300, blank=True)
    cancel_entry = models.OneToOneField(
        JournalEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.CheckConstraint(
                name="finance_invoice_second_person",
                condition=SECOND_PERSON,
                violation_error_message=_("Who wrote it does not approve it."),
            ),
            models.CheckConstraint(
                name="finance_invoice_issued_whole",
                condition=~Q(state__in=["issued", "cancelled"])
                | (~Q(number="") & Q(title__isnull=False, approved_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="finance_invoice_credits_one",
                condition=Q(kind="credit_note", credits__isnull=False) | Q(kind="invoice", credits=None),
            ),
            models.UniqueConstraint(name="finance_invoice_number_once", fields=["number"], condition=~Q(number="")),
        ]
        indexes = [
            models.Index(fields=["-issued_on", "-id"], name="finance_invoice_newest"),
            models.Index(  # what is not in the books: few among many
                fields=["state", "-issued_on", "-id"], name="finance_invoice_state", condition=~Q(state="issued")
            ),
            GinIndex(
                OpClass(Func("number", function="core_plain"), "gin_trgm_ops"), name="finance_invoice_number_part"
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"{self.get_state_display()} {self.pk}"


class InvoiceLine(DocumentLine):
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    qty = models.DecimalField(_("quantity"), max_digits=18, decimal_places=6, default=1)
    unit = models.CharField(_("unit"), max_length=10, blank=True)
    price = models.DecimalField(_("price"), max_digits=18, decimal_places=6)  # BRL a unit, taxes inside
    profile = models.ForeignKey(
        TaxProfile, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("taxes")
    )

    @property
    def price_places(self) -> int:
        return taxes.price_places(self.price)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finance_invoice_line_once", fields=["invoice", "seq"]),
            models.CheckConstraint(name="finance_invoice_line_positive", condition=Q(amount__gt=0, qty__gt=0)),
        ]


class InvoiceTax(models.Model):
    """One tax of a line, or withheld from the whole invoice (no line)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="taxes")
    line = models.ForeignKey(InvoiceLine, null=True, on_delete=models.CASCADE, related_name="taxes")
    tax = models.CharField(_("tax"), max_length=6, choices=Tax.choices)
    base = models.DecimalField(_("base"), max_digits=18, decimal_places=2)
    rate = models.DecimalField(_("rate"), max_digits=9, decimal_places=6)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    is_withheld = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="finance_invoice_tax_line",
                condition=Q(line=None, is_withheld=True) | Q(line__isnull=False, is_withheld=False),
            ),
        ]
