"""What customers said. One review may cover several orders, one order may have several: both exist in real data."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import ImportBatch, Referable

from .clock import WallClockField
from .orders import Order


class Review(Referable):
    source = models.CharField(_("channel"), max_length=60)
    external_id = models.CharField(_("review"), max_length=80)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="reviews", verbose_name=_("order"))
    score = models.PositiveSmallIntegerField(_("score"))
    title = models.CharField(_("title"), max_length=300, blank=True)
    message = models.TextField(_("message"), blank=True)
    created_at = models.DateTimeField(_("written"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    created_wall = WallClockField(null=True, blank=True, editable=False)
    answered_wall = WallClockField(null=True, blank=True, editable=False)
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
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(
                name="logistics_review_once",
                fields=["source", "external_id", "order"],
                violation_error_message=_("This review is already on this order."),
            ),
            models.CheckConstraint(
                name="logistics_review_score_one_to_five",
                condition=Q(score__gte=1, score__lte=5),
                violation_error_message=_("A score is 1 to 5."),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="logistics_review_newest"),
            models.Index(fields=["score", "-created_at", "-id"], name="logistics_review_score"),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id
