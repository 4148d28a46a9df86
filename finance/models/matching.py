"""Matches and how they came about: runs of the engine, what it suggests, what was accepted and why.

A match is a journal entry that takes statement lines out of transit; its undoing is the reversal of that entry.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Job, Referable

from .banking import BankAccount, StatementLine
from .ledger import JournalEntry


class MatchRule(Referable):
    """What people taught: text and sign of a line, and what to do with it. Every change is a new version."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    # Another person than the author of that version trusts it (trigger); a new version is trusted by nobody yet.
    is_trusted = models.BooleanField(_("posts by itself"), default=False)
    trusted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    trusted_version = models.PositiveIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.name


class MatchRuleVersion(models.Model):
    rule = models.ForeignKey(MatchRule, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    condition = models.JSONField()  # see finance/rules.py
    template = models.JSONField()  # lines to post, see finance/rules.py
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_rule_version_once", fields=["rule", "number"])]


class MatchRun(Referable):
    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    bank_account = models.ForeignKey(BankAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)


class Match(Referable):
    """Statement lines met by titles or accounts: the postings are its entry's. Undone when that entry is reversed."""

    class Stage(models.TextChoices):
        KEY = "S1", _("Payment key and amount")
        KEY_TERMS = "S1b", _("Payment key, difference by the title's terms")
        DOCUMENT = "S2", _("Document number and amount")
        DOCUMENTS = "S2b", _("Several document numbers and their sum")
        PAYER = "S3", _("Payer and amount")
        PAYER_SUM = "S4", _("Payer and a sum of titles")
        AMOUNT = "S5", _("Amount and date")
        RULE = "S6", _("Rule")
        TRANSFER = "S7", _("Transfer between own accounts")
        MANUAL = "M", _("By hand")

    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, related_name="match", db_constraint=False)
    stage = models.CharField(max_length=3, choices=Stage.choices)
    confidence = models.DecimalField(max_digits=3, decimal_places=2, null=True)  # null: by hand
    automatic = models.BooleanField()  # posted by the engine, without a person
    evidence = models.JSONField(default=dict)  # see finance/reasons.py, which tells it as a sentence
    rule_version = models.ForeignKey(
        MatchRuleVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matches",
        db_constraint=False,
        db_index=False,
    )
    run = models.ForeignKey(
        MatchRun,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matches",
        db_constraint=False,
        db_index=False,
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        constraints = [
            models.CheckConstraint(name="finance_match_somebody", condition=Q(automatic=True) | Q(by__isnull=False))
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="finance_match_newest"),
            models.Index(fields=["stage", "-at", "-id"], name="finance_match_stage"),
            models.Index(fields=["-at", "-id"], name="finance_match_by_people", condition=Q(automatic=False)),
        ]


class Suggestion(models.Model):
    """What the engine would do with a line if a person agreed; advice, replaced by every run."""

    line = models.ForeignKey(StatementLine, on_delete=models.CASCADE, related_name="suggestions", db_constraint=False)
    rank = models.PositiveSmallIntegerField()  # 1 is the best
    stage = models.CharField(max_length=3, choices=Match.Stage.choices)
    confidence = models.DecimalField(max_digits=3, decimal_places=2)
    items = models.JSONField()  # what would be posted against transit, see services/matching.py
    evidence = models.JSONField(default=dict)
    alternatives = models.PositiveIntegerField(default=0)  # how many others explain the line as well
    rule_version = models.ForeignKey(
        MatchRuleVersion, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(name="finance_suggestion_rank_once", fields=["line", "rank"])]


class LineClaim(models.Model):
    """Who works on a line right now; a courtesy, not a lock."""

    line = models.OneToOneField(StatementLine, primary_key=True, on_delete=models.CASCADE, related_name="claim")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()
