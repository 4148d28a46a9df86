"""Bills (contas a pagar): entered by one person, approved by another, and those that come back."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core.models import Party, Referable

from .documents import SECOND_PERSON, Document, DocumentLine
from .invoices import Tax
from .ledger import Account, CostCentre, JournalEntry


class RecurringBill(Referable):
    """A bill that comes back: each time a draft is made, which somebody completes and sends for approval."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", verbose_name=_("supplier"))
    text = models.CharField(_("what for"), max_length=200)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account"))
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("cost centre")
    )
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    months = models.PositiveSmallIntegerField(
        _("every how many months"), default=1, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    day = models.PositiveSmallIntegerField(  # of the due date; a shorter month's last day
        _("due on day"), validators=[MinValueValidator(1), MaxValueValidator(31)]
    )
    next_due_on = models.DateField(_("next due"))
    days_before = models.PositiveSmallIntegerField(_("draft it so many days before"), default=10)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("recurring bill")
        verbose_name_plural = _("recurring bills")
        constraints = [
            models.CheckConstraint(
                name="finance_recurring_bill_positive",
                condition=Q(amount__gt=0),
                violation_error_message=_("The amount is above zero."),
            ),
            models.CheckConstraint(
                name="finance_recurring_bill_steps",
                condition=Q(months__gte=1, months__lte=60, day__gte=1, day__lte=31),
            ),
        ]
        indexes = [models.Index(fields=["next_due_on"], name="finance_recurring_bill_due", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return self.text


class Bill(Document):
    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        WAITING = "waiting", _("Waiting for approval")
        APPROVED = "approved", pgettext_lazy("bill", "Approved")
        CANCELLED = "cancelled", pgettext_lazy("bill", "Cancelled")
        DISCARDED = "discarded", _("Discarded")

    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    number = models.CharField(_("document number"), max_length=60)
    recurring = models.ForeignKey(RecurringBill, null=True, blank=True, on_delete=models.PROTECT, related_name="bills")
    barcode = models.CharField(_("barcode or typed line"), max_length=60, blank=True)
    cancel_reason = models.CharField(_("why it was cancelled"), max_length=300, blank=True)
    cancel_entry = models.OneToOneField(
        JournalEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )

    class Meta:
        verbose_name = _("bill")
        verbose_name_plural = _("bills")
        constraints = [
            models.CheckConstraint(
                name="finance_bill_second_person",
                condition=SECOND_PERSON,
                violation_error_message=_("Who entered a bill does not approve it."),
            ),
            models.CheckConstraint(
                name="finance_bill_approved_whole",
                condition=~Q(state__in=["approved", "cancelled"]) | Q(title__isnull=False, approved_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="finance_bill_once_a_period",
                fields=["recurring", "first_due_on"],
                condition=Q(recurring__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_on", "-id"], name="finance_bill_newest"),
            models.Index(  # what is not in the books: few among many
                fields=["state", "-issued_on", "-id"], name="finance_bill_state", condition=~Q(state="approved")
            ),
            models.Index(fields=["party", "number"], name="finance_bill_twin"),
            models.Index(fields=["first_due_on", "id"], name="finance_bill_due"),
            GinIndex(OpClass(Func("number", function="core_plain"), "gin_trgm_ops"), name="finance_bill_number_part"),
        ]

    def __str__(self) -> str:
        return self.number


class BillLine(DocumentLine):
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finance_bill_line_once", fields=["bill", "seq"]),
            models.CheckConstraint(name="finance_bill_line_positive", condition=Q(amount__gt=0)),
        ]


class BillTax(models.Model):
    """What we withhold from a supplier and pay to the treasury."""

    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="taxes")
    tax = models.CharField(_("tax"), max_length=6, choices=Tax.choices)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finance_bill_tax_once", fields=["bill", "tax"]),
            models.CheckConstraint(name="finance_bill_tax_positive", condition=Q(amount__gt=0)),
        ]
