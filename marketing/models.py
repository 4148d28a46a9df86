"""People who might buy or sell with us, where they came from, and what became of them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Referable


class Lead(Referable):
    """One contact, once per source. No origin means that nobody recorded one; the origin "unknown" is an answer."""

    source = models.CharField(_("source"), max_length=60)  # where the row was imported from
    key = models.CharField(_("lead"), max_length=80)  # as that source knows it
    first_contact_on = models.DateField(_("first contact"))
    landing_page = models.CharField(_("landing page"), max_length=200, blank=True)
    origin = models.CharField(_("origin"), max_length=60, null=True, blank=True)  # noqa: DJ001 (null is not "unknown")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="marketing_lead_key_once"),
            models.CheckConstraint(
                name="marketing_lead_origin_named",
                condition=Q(origin=None) | ~Q(origin=""),
                violation_error_message=_("An origin has a name, or there is none."),
            ),
        ]
        indexes = [
            models.Index(fields=["-first_contact_on", "-id"], name="marketing_lead_newest"),
            models.Index(fields=["origin", "-first_contact_on", "-id"], name="marketing_lead_origin"),
            models.Index(fields=["key"], opclasses=["varchar_pattern_ops"], name="marketing_lead_key_prefix"),
        ]

    def __str__(self) -> str:
        return self.key


class Deal(Referable):
    """A lead that was won, at most once. Won before the first contact is kept as it came; its days are negative."""

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, related_name="deal", verbose_name=_("lead"))
    won_at = models.DateTimeField(_("won at"))
    won_on = models.DateField(_("won"))  # the date as the source wrote it
    seller_key = models.CharField(_("seller"), max_length=80, blank=True)  # the seller it became, as orders know it
    qualified_by = models.CharField(_("qualified by"), max_length=80, blank=True)  # the source's key of that person
    closed_by = models.CharField(_("closed by"), max_length=80, blank=True)
    segment = models.CharField(_("segment"), max_length=60, blank=True)
    lead_type = models.CharField(_("lead type"), max_length=40, blank=True)
    behaviour = models.CharField(_("behaviour"), max_length=40, blank=True)
    business_type = models.CharField(_("business type"), max_length=40, blank=True)
    has_company = models.BooleanField(_("has a company"), null=True, blank=True)
    has_gtin = models.BooleanField(_("has product codes"), null=True, blank=True)
    average_stock = models.CharField(_("average stock"), max_length=20, blank=True)  # a range, "5-20"
    catalogue_size = models.DecimalField(_("declared products"), max_digits=18, decimal_places=2, null=True, blank=True)
    declared_revenue = models.DecimalField(
        _("declared monthly revenue"), max_digits=18, decimal_places=2, null=True, blank=True
    )  # BRL

    class Meta:
        verbose_name = _("won deal")
        verbose_name_plural = _("won deals")
        indexes = [
            models.Index(fields=["-won_on", "-id"], name="marketing_deal_newest"),
            models.Index(fields=["segment", "-won_on", "-id"], name="marketing_deal_segment"),
        ]

    def __str__(self) -> str:
        return self.seller_key or str(self.lead_id)
