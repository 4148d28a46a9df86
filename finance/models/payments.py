"""Money that customers paid for something above: the order is only a text origin here, finance does not know orders."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import ImportBatch, Referable


class Payment(Referable):
    class Method(models.TextChoices):
        CREDIT_CARD = "credit_card", _("Credit card")
        DEBIT_CARD = "debit_card", _("Debit card")
        BOLETO = "boleto", _("Boleto")
        PIX = "pix", _("Pix")
        VOUCHER = "voucher", _("Voucher")
        TRANSFER = "transfer", _("Bank transfer")
        OTHER = "other", _("Other")
        UNDEFINED = "not_defined", _("Not defined")

    source = models.CharField(_("channel"), max_length=60)
    order_key = models.CharField(_("order number"), max_length=80)  # as that channel writes it
    seq = models.PositiveIntegerField(_("part"))
    origin = models.CharField(_("paid for"), max_length=120)  # reference, `logistics.order:812`
    method = models.CharField(_("method"), max_length=12, choices=Method.choices)
    instalments = models.PositiveSmallIntegerField(_("instalments"), default=1)  # 0 as some sources write it
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    ordered_at = models.DateTimeField(_("ordered"))  # channels give a payment no stamp of its own
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(
                name="finance_payment_once",
                fields=["source", "order_key", "seq"],
                violation_error_message=_("This part of the order's payment is already here."),
            ),
            models.CheckConstraint(
                name="finance_payment_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message=_("The amount paid cannot be below zero."),
            ),
            models.CheckConstraint(
                name="finance_payment_in_reais",
                condition=Q(currency="BRL"),
                violation_error_message=_("Payments are kept in reais (BRL)."),
            ),
        ]
        indexes = [
            models.Index(fields=["origin", "seq"], name="finance_payment_origin"),
            models.Index(fields=["-ordered_at", "-id"], name="finance_payment_newest"),
            models.Index(fields=["method", "-ordered_at", "-id"], name="finance_payment_method"),
            models.Index(fields=["-amount", "-id"], name="finance_payment_amount"),
            models.Index(fields=["order_key", "id"], name="finance_payment_order_key"),
        ]

    def __str__(self) -> str:
        return f"{self.order_key}/{self.seq}"
