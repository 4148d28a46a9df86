"""What is wrong with an order and who sees to it. Detectors open and close these rows; people assign and waive them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Referable

from .orders import Order


class OrderException(Referable):
    """One open row per (order, code). A waived row keeps that place, so the detector does not open it again, until what
    it found is over (`closed_at`) or changes its amount."""

    class Code(models.TextChoices):
        PAYMENT_DIFFERS = "payment_differs", _("Paid differs from the order")
        PAID_WITHOUT_ITEMS = "paid_without_items", _("Paid without items")
        CANCELLED_WITH_MONEY = "cancelled_with_money", _("Cancelled with money")
        NO_PAYMENT = "no_payment", _("No payment")
        LATE = "late", _("Late")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="exceptions", verbose_name=_("order"))
    code = models.CharField(_("what is wrong"), max_length=24, choices=Code.choices)
    amount = models.DecimalField(
        _("amount"), max_digits=18, decimal_places=2, null=True, blank=True
    )  # BRL; paid − order
    department = models.CharField(_("department"), max_length=20)  # whose queue, while nobody took it
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="order_exceptions",
        verbose_name=_("owner"),
    )
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    waived_at = models.DateTimeField(_("waived"), null=True, blank=True)
    waive_reason = models.CharField(_("reason"), max_length=500, blank=True)
    waive_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("order exception")
        verbose_name_plural = _("order exceptions")
        constraints = [
            models.UniqueConstraint(
                name="logistics_exception_one_open",
                fields=["order", "code"],
                condition=Q(closed_at=None),
                violation_error_message=_("This order already has this exception open."),
            ),
            models.CheckConstraint(
                name="logistics_exception_waived_wholly",
                condition=Q(waived_at=None, waived_by=None, waive_reason="", waive_approved_by=None)
                | (Q(waived_at__isnull=False, waived_by__isnull=False) & ~Q(waive_reason="")),
                violation_error_message=_("A waived exception says who waived it, when and why."),
            ),
            models.CheckConstraint(
                name="logistics_exception_maker_is_not_checker",
                condition=Q(waive_approved_by=None) | ~Q(waive_approved_by=F("waived_by")),
                violation_error_message=_("Who asked to waive cannot approve it. Another person decides."),
            ),
            models.CheckConstraint(
                name="logistics_exception_closed_after_opened",
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")),
                violation_error_message=_("An exception cannot close before it opened."),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="logistics_exception_due"),
            models.Index(
                fields=["code", "due_at", "id"],
                condition=Q(closed_at=None, waived_at=None),
                name="logistics_exception_code",
            ),
            models.Index(fields=["amount", "id"], name="logistics_exception_amount"),
            models.Index(fields=["-opened_at", "-id"], name="logistics_exception_newest"),
        ]

    def __str__(self) -> str:
        return self.get_code_display()
