"""An order as the shop sold it: state, stamps, customer, items, sums, and what happened to it.

Stamps come in pairs: `…_at` is the instant, `…_wall` what the shop's clock said (see `clock.py`). The sums and counts
are kept by `services/sums.py` for whole sets; nobody else writes them.

`batch` names the import that made a row, here and in the other nouns that imports bring. Imports are never deleted, so
the database does not check it: a million such checks would be a third of an import's time.
"""

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, GeneratedField, Q, Value
from django.db.models.functions import Concat, Lower, Now
from django.utils.translation import gettext_lazy as _

from backoffice.core.folding import Plain
from backoffice.core.models import ImportBatch, Party, Referable

from .clock import WallClockField
from .products import Product

ZERO = Decimal(0)
UNDELIVERED = ["received", "paid", "processing", "invoiced", "on_hold", "unavailable", "shipped"]


class Order(Referable):
    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        PAID = "paid", _("Paid")
        PROCESSING = "processing", _("Processing")
        INVOICED = "invoiced", _("Invoiced")
        ON_HOLD = "on_hold", _("On hold")
        UNAVAILABLE = "unavailable", _("Unavailable")
        SHIPPED = "shipped", _("Shipped")
        DELIVERED = "delivered", _("Delivered")
        RETURNED = "returned", _("Returned")
        CANCELLED = "cancelled", _("Cancelled")

    # Named groups, so that nobody lists states by hand.
    TO_SHIP = (Status.RECEIVED, Status.PAID, Status.PROCESSING, Status.INVOICED, Status.ON_HOLD, Status.UNAVAILABLE)
    ON_THE_WAY = (Status.SHIPPED,)
    ARRIVED = (Status.DELIVERED, Status.RETURNED)
    CALLED_OFF = (Status.CANCELLED,)
    UNDELIVERED = (*TO_SHIP, *ON_THE_WAY)

    source = models.CharField(_("channel"), max_length=60)  # where it was sold or imported from
    number = models.CharField(_("number"), max_length=80)  # as that channel knows it
    status = models.CharField(_("state"), max_length=12, choices=Status.choices, default=Status.RECEIVED)
    source_status = models.CharField(_("state in the channel"), max_length=40, blank=True)  # as written there

    customer = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="orders", verbose_name=_("customer")
    )
    customer_key = models.CharField(max_length=80, blank=True, editable=False)  # the channel's, also before it is known
    customer_name = models.CharField(_("customer"), max_length=200, blank=True)
    customer_city = models.CharField(_("city"), max_length=120, blank=True)
    customer_state = models.CharField(_("state of Brazil"), max_length=2, blank=True)
    customer_postal = models.CharField(_("CEP"), max_length=8, blank=True)  # prefix of 5 or all 8 digits

    purchased_at = models.DateTimeField(_("purchased"))
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    handed_over_at = models.DateTimeField(_("handed to the carrier"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    promised_at = models.DateTimeField(_("promised until"), null=True, blank=True)  # the stamp as given
    promised_on = models.DateField(_("promised for"), null=True, blank=True)  # the civil day that counts
    purchased_wall = WallClockField(null=True, blank=True, editable=False)
    approved_wall = WallClockField(null=True, blank=True, editable=False)
    handed_over_wall = WallClockField(null=True, blank=True, editable=False)
    delivered_wall = WallClockField(null=True, blank=True, editable=False)
    promised_wall = WallClockField(null=True, blank=True, editable=False)

    items_amount = models.DecimalField(_("items"), max_digits=18, decimal_places=2, default=ZERO, editable=False)
    freight_amount = models.DecimalField(_("freight"), max_digits=18, decimal_places=2, default=ZERO, editable=False)
    paid_amount = models.DecimalField(_("paid"), max_digits=18, decimal_places=2, default=ZERO, editable=False)
    item_count = models.PositiveIntegerField(default=0, editable=False)
    payment_count = models.PositiveIntegerField(default=0, editable=False)
    total_amount = GeneratedField(
        expression=F("items_amount") + F("freight_amount"),
        output_field=models.DecimalField(_("total"), max_digits=18, decimal_places=2),
        db_persist=True,
    )
    # What the text filter reads beside the number: small letters without accents, one trigram index. The number is not
    # in it: its many letters would cost an import half its time, and people type a number from its beginning.
    search = GeneratedField(
        expression=Plain(Concat("customer_name", Value(" "), "customer_city", Value(" "), "customer_state")),
        output_field=models.TextField(),
        db_persist=True,
    )

    hand_set = ArrayField(models.CharField(max_length=40), default=list, editable=False)  # fields no import overwrites
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
    )  # the import that created it
    batch_line = models.PositiveIntegerField(null=True, blank=True, editable=False)  # its line in that file
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                name="logistics_order_once",
                fields=["source", "number"],
                violation_error_message=_("This channel already has an order with this number."),
            ),
            models.CheckConstraint(
                name="logistics_order_status_known",
                condition=Q(status__in=[*UNDELIVERED, "delivered", "returned", "cancelled"]),
                violation_error_message=_("This is not a state of an order."),
            ),
            models.CheckConstraint(
                name="logistics_order_sums_not_negative",
                condition=Q(items_amount__gte=0, freight_amount__gte=0, paid_amount__gte=0),
                violation_error_message=_("The sums of an order cannot be below zero."),
            ),
        ]
        indexes = [
            models.Index(fields=["-purchased_at", "-id"], name="logistics_order_newest"),
            models.Index(fields=["status", "-purchased_at", "-id"], name="logistics_order_status"),
            models.Index(fields=["customer_state", "-purchased_at", "-id"], name="logistics_order_state"),
            models.Index(fields=["-total_amount", "-id"], name="logistics_order_total"),
            models.Index(fields=["-paid_amount", "-id"], name="logistics_order_paid"),
            models.Index(OpClass(Lower("number"), name="text_pattern_ops"), name="logistics_order_number"),
            models.Index(
                fields=["promised_on", "id"],
                condition=Q(
                    delivered_at=None,
                    status__in=UNDELIVERED,
                ),
                name="logistics_order_awaited",
            ),
            models.Index(fields=["customer_key"], condition=Q(customer=None), name="logistics_order_stranger"),
            GinIndex(OpClass("search", name="gin_trgm_ops"), name="logistics_order_search"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderItem(models.Model):
    """One unit of one product in one order: the sources here write a line per unit."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items", db_index=False)
    seq = models.PositiveIntegerField(_("line"))
    product = models.ForeignKey(
        Product,
        null=True,  # a channel that gives only totals: the whole order is one line
        blank=True,
        on_delete=models.PROTECT,
        related_name="order_items",
        verbose_name=_("product"),
    )
    seller = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="sold_items", verbose_name=_("seller")
    )
    shipping_limit_at = models.DateTimeField(_("ship until"), null=True, blank=True)
    shipping_limit_wall = WallClockField(null=True, blank=True, editable=False)
    price = models.DecimalField(_("price"), max_digits=18, decimal_places=2)
    freight = models.DecimalField(_("freight"), max_digits=18, decimal_places=2, default=ZERO)
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("order item")
        verbose_name_plural = _("order items")
        constraints = [
            models.UniqueConstraint(
                name="logistics_item_once",
                fields=["order", "seq"],
                violation_error_message=_("This order already has a line with this number."),
            ),
            models.CheckConstraint(
                name="logistics_item_not_negative",
                condition=Q(price__gte=0, freight__gte=0),
                violation_error_message=_("Price and freight cannot be below zero."),
            ),
        ]


class OrderEvent(models.Model):
    """What happened to an order, as it was written. Append-only: a trigger refuses UPDATE, and DELETE while the order
    stands; undoing the import that made the order takes its events along."""

    class Kind(models.TextChoices):
        IMPORTED = "imported", _("Imported")
        CHANGED = "changed", _("Changed by an import")
        RESTORED = "restored", _("Import undone")
        MOVED = "moved", _("State changed")
        EDITED = "edited", _("Edited")

    order = models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, related_name="events", db_index=False
    )  # the cascade is the database's, beside the trigger
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    batch = models.ForeignKey(ImportBatch, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    from_status = models.CharField(max_length=12, blank=True)
    to_status = models.CharField(max_length=12, blank=True)
    data = models.JSONField(default=dict)  # {"field": [before, after]}

    class Meta:
        indexes = [models.Index(fields=["order", "-id"], name="logistics_event_order")]
