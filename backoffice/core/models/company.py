"""The one company this installation serves."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Company(models.Model):
    name = models.CharField(_("legal name"), max_length=200)
    trade_name = models.CharField(_("trade name"), max_length=200, blank=True)
    cnpj = models.CharField(_("CNPJ"), max_length=14, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=2, blank=True)
    waive_limit = models.DecimalField(
        _("exceptions above this amount need a second person to waive"), max_digits=18, decimal_places=2, default=100
    )

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("company")
        constraints = [models.CheckConstraint(name="core_company_one", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return self.trade_name or self.name
