"""How far the guided set-up of the books has come."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class BooksSetup(models.Model):
    """One row: what was answered, which steps are done. The books themselves hold everything else."""

    class Regime(models.TextChoices):
        UNKNOWN = "", _("I do not know yet")
        MEI = "mei", _("MEI")
        SIMPLES = "simples", _("Simples Nacional")
        PRESUMED = "presumed", _("Lucro Presumido")
        REAL = "real", _("Lucro Real")

    tax_regime = models.CharField(_("tax regime"), max_length=8, choices=Regime.choices, blank=True)
    opened_on = models.DateField(_("balances at the end of"), null=True, blank=True)
    done = ArrayField(models.CharField(max_length=10), default=list)  # keys of services/setup.py STEPS
    finished_at = models.DateTimeField(null=True, blank=True)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [models.CheckConstraint(name="finance_setup_one", condition=Q(pk=1))]
