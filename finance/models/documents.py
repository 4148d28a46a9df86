"""What invoices and bills share: who answers for them, their lines, and the limit above which a director decides."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Party, Referable

from .ledger import Account, CostCentre
from .titles import Title


class TitlePolicy(models.Model):
    """What the company decided about titles. One row."""

    approval_limit = models.DecimalField(  # BRL; the manager up to it, a director above
        _("above this amount a director approves"), max_digits=18, decimal_places=2, default=Decimal("10000.00")
    )
    fine_rate = models.DecimalField(_("fine"), max_digits=9, decimal_places=6, default=Decimal("0.02"))
    interest_rate = models.DecimalField(_("monthly interest"), max_digits=9, decimal_places=6, default=Decimal("0.01"))

    class Meta:
        verbose_name = _("rules of titles")
        verbose_name_plural = _("rules of titles")
        constraints = [
            models.CheckConstraint(name="finance_title_policy_one", condition=Q(pk=1)),
            models.CheckConstraint(name="finance_title_policy_limit", condition=Q(approval_limit__gte=0)),
        ]


class Document(Referable):
    """A paper that becomes a title once a second person approved it."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", verbose_name=_("party"))
    issued_on = models.DateField(_("issued"))
    first_due_on = models.DateField(_("first due"))
    count = models.PositiveSmallIntegerField(_("instalments"), default=1)
    text = models.CharField(_("text"), max_length=300, blank=True)
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("cost centre")
    )
    discount_rate = models.DecimalField(_("discount"), max_digits=9, decimal_places=6, default=0)
    discount_days = models.PositiveSmallIntegerField(_("days before due"), default=0)
    fine_rate = models.DecimalField(_("fine"), max_digits=9, decimal_places=6, default=0)
    interest_rate = models.DecimalField(_("monthly interest"), max_digits=9, decimal_places=6, default=0)
    total = models.DecimalField(_("total"), max_digits=18, decimal_places=2, default=0)  # of its lines
    withheld = models.DecimalField(_("withheld"), max_digits=18, decimal_places=2, default=0)
    answer = models.CharField(max_length=2000, blank=True)  # why it came back
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # the last hand
    made_at = models.DateTimeField(db_default=Now())
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    title = models.OneToOneField(Title, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    @property
    def net(self) -> Decimal:
        """What is to be paid: the total less what is withheld."""
        return self.total - self.withheld


class DocumentLine(models.Model):
    seq = models.PositiveSmallIntegerField()  # from 1
    text = models.CharField(_("text"), max_length=300, blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account"))
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("cost centre")
    )
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)

    class Meta:
        abstract = True


SECOND_PERSON = Q(approved_by=None) | ~Q(approved_by=F("made_by"))
