"""Entries that are not in the books yet: being written, waiting for a second person, or coming back each month."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core.models import Party, Referable

from .ledger import Account, CostCentre, JournalEntry


class RecurringEntry(Referable):
    """A template that makes an entry each month: asked about each time, or approved once and posted by itself."""

    class Mode(models.TextChoices):
        ASK = "ask", _("Ask a second person each month")
        AUTOMATIC = "automatic", _("Post by itself, once a second person approved the template")

    text = models.CharField(_("text"), max_length=300)
    mode = models.CharField(_("each month"), max_length=9, choices=Mode.choices, default=Mode.ASK)
    day = models.PositiveSmallIntegerField(  # a shorter month's last day
        _("day of the month"), validators=[MinValueValidator(1), MaxValueValidator(31)]
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)  # the last day on which one is made
    next_on = models.DateField(null=True, blank=True)  # null: no further one
    is_active = models.BooleanField(_("active"), default=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(  # of the template as it stands; a change takes it away
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    problem = models.CharField(max_length=300, blank=True)  # why the last run could not post
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("recurring entry")
        verbose_name_plural = _("recurring entries")
        constraints = [
            models.CheckConstraint(
                name="finance_recurring_second_person",
                condition=Q(approved_by=None) | ~Q(approved_by=F("made_by")),
                violation_error_message=_("Who made an entry does not approve it."),
            ),
            models.CheckConstraint(name="finance_recurring_day", condition=Q(day__gte=1, day__lte=31)),
            models.CheckConstraint(
                name="finance_recurring_ends_after",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("It ends before it begins."),
            ),
        ]
        indexes = [models.Index(fields=["next_on"], name="finance_recurring_due", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return self.text


class DraftEntry(Referable):
    """An entry by hand until it is posted. While a second person is asked it stays as it is."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        WAITING = "waiting", _("Waiting for approval")
        POSTED = "posted", _("Posted")
        DISCARDED = "discarded", pgettext_lazy("entry", "Discarded")

    class Kind(models.TextChoices):
        MANUAL = JournalEntry.Kind.MANUAL.value, _("Manual")
        OPENING = JournalEntry.Kind.OPENING.value, _("Opening balances")

    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices, default=Kind.MANUAL)
    on = models.DateField(_("date"))
    text = models.CharField(_("text"), max_length=300)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    answer = models.CharField(max_length=2000, blank=True)  # why it came back
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # the last hand
    made_at = models.DateTimeField(db_default=Now())
    recurring = models.ForeignKey(
        RecurringEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="drafts", db_index=False
    )
    entry = models.OneToOneField(
        JournalEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="draft", db_constraint=False
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("draft entry")
        verbose_name_plural = _("draft entries")
        constraints = [
            models.CheckConstraint(
                name="finance_draft_posted_has_entry",
                condition=Q(state="posted", entry__isnull=False) | (~Q(state="posted") & Q(entry=None)),
            ),
            models.UniqueConstraint(
                name="finance_draft_once_a_month", fields=["recurring", "on"], condition=Q(recurring__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["on", "id"], name="finance_draft_open", condition=Q(state__in=["draft", "waiting"])),
        ]

    def __str__(self) -> str:
        return self.text


class LineFacts(models.Model):
    """One posting to be."""

    seq = models.PositiveSmallIntegerField()  # from 1
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account"))
    party = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("party")
    )
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("cost centre")
    )
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # BRL, debit positive
    text = models.CharField(_("text"), max_length=300, blank=True)

    class Meta:
        abstract = True

    @property
    def debit(self) -> Decimal | None:
        """What stands in the debit column."""
        return self.amount if self.amount > 0 else None

    @property
    def credit(self) -> Decimal | None:
        """What stands in the credit column."""
        return -self.amount if self.amount < 0 else None


class DraftLine(LineFacts):
    draft = models.ForeignKey(DraftEntry, on_delete=models.CASCADE, related_name="lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finance_draft_line_once", fields=["draft", "seq"]),
            models.CheckConstraint(name="finance_draft_line_not_zero", condition=~Q(amount=0)),
        ]


class RecurringLine(LineFacts):
    recurring = models.ForeignKey(RecurringEntry, on_delete=models.CASCADE, related_name="lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finance_recurring_line_once", fields=["recurring", "seq"]),
            models.CheckConstraint(name="finance_recurring_line_not_zero", condition=~Q(amount=0)),
        ]
