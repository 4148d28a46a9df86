"""What was matched: the history, one match with its reasons and postings; bank lines as a list with bulk acceptance."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Max, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import new_key
from backoffice.core.http import PersonRequest
from backoffice.core.lists.cursor import Ordering, RowIsBeyond
from backoffice.core.lists.state import ListState
from backoffice.core.models import User
from backoffice.core.selectors import activity
from finance import reasons
from finance.filters.matches import BankLineFilters, MatchFilters
from finance.forms.reconcile import EntryForm
from finance.models import BankAccount, IgnoredLine, JournalEntry, Match, Posting, StatementLine, Suggestion
from finance.services import reconcile


class UndoMatches(lists.BulkAction):
    """Post the mirror of every chosen match."""

    key = "undo"
    label = gettext_lazy("Undo matches")
    right = "finance.match.post"

    def refusals(self, rows: Sequence[Match], *, by: User, **answers: Any) -> dict[Any, str]:
        undone = set(
            Match.objects.filter(pk__in=[row.pk for row in rows], entry__reversed_by__isnull=False).values_list(
                "pk", flat=True
            )
        )
        refused = dict.fromkeys(undone, _("It is undone already."))
        if not by.may("finance.match.approve"):
            agreed = Match.objects.filter(pk__in=[row.pk for row in rows], entry__approved_by__isnull=False)
            for pk in agreed.values_list("pk", flat=True):
                refused.setdefault(pk, _("Two people agreed to this match. A finance manager undoes it."))
        return refused

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        for pk in sorted(pks):
            reconcile.undo(match_id=pk, by=by)


class AcceptLines(lists.BulkAction):
    """Accept the best proposal of every chosen line."""

    key = "accept"
    label = gettext_lazy("Accept proposals")
    right = "finance.match.post"

    def refusals(self, rows: Sequence[StatementLine], *, by: User, **answers: Any) -> dict[Any, str]:
        return reconcile.cannot_accept([row.pk for row in rows], by=by)

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        best = Suggestion.objects.filter(line__in=pks, rank=1)
        reconcile.accept_many(list(best.values_list("pk", flat=True)), by=by)


class BookLines(lists.BulkAction):
    """What is open of every chosen line to one account, an entry each."""

    key = "book"
    label = gettext_lazy("Book to one account")
    right = "finance.match.post"
    form = EntryForm

    def refusals(self, rows: Sequence[StatementLine], *, by: User, **answers: Any) -> dict[Any, str]:
        refused: dict[Any, str] = {row.pk: _("Nothing of this line is open.") for row in rows if not row.open_amount}
        parts = {row.pk: row.open_amount for row in rows if row.pk not in refused}
        if parts and (why := reconcile.needs_second(by, parts, account=answers["account"].pk, party=answers["party"])):
            return refused | dict.fromkeys(parts, why)
        aside = IgnoredLine.objects.filter(line__in=[row.pk for row in rows]).values_list("line_id", flat=True)
        return refused | dict.fromkeys(aside, _("It is set aside."))

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        centre = answers["cost_centre"]
        reconcile.new_entry(
            line_ids=[int(pk) for pk in pks],
            account=answers["account"].pk,
            cost_centre=centre.pk if centre else None,
            party=answers["party"],
            text=answers["text"],
            by=by,
        )


@entrance("finance.match.read")
class MatchList(lists.ListPage):
    key = "finance.matches"
    url_name = "finance:matches"
    detail_url = "finance:match"
    title = gettext_lazy("Matches")
    lead = gettext_lazy("Every match with its reason; undoing one restores every balance.")
    filters = MatchFilters
    default_order = "-at"
    reach = lists.CAP
    export_right = "finance.match.export"
    empty_text = gettext_lazy("No match yet. They come from the reconciliation of a bank account.")
    begins_at = ("finance.match.read", gettext_lazy("Reconcile"), "finance:reconcile_accounts")
    tabs = (
        lists.Tab("live", gettext_lazy("In force"), {"undone": "false"}),
        lists.Tab("mine", gettext_lazy("By people"), {"automatic": "false"}),
        lists.Tab("automatic", gettext_lazy("By the program"), {"automatic": "true"}),
        lists.Tab("undone", gettext_lazy("Undone"), {"undone": "true"}),
    )
    columns = (
        lists.Column("text", gettext_lazy("What was matched"), value="entry.text"),
        lists.Column("at", gettext_lazy("Matched"), kind="stamp", order=("at", "pk")),
        lists.Column("on", gettext_lazy("Posted on"), value="entry.on", kind="day"),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("stage", gettext_lazy("Reason"), value=Match.get_stage_display),
        lists.Column("by", gettext_lazy("By"), value=lambda match: str(match.by) if match.by else _("The program")),
        lists.Column(
            "undone", gettext_lazy("State"), value=lambda match: _("Undone") if match.undone_at else _("In force")
        ),
    )
    bulk = (UndoMatches(),)

    def queryset(self, user: User) -> QuerySet[Match]:
        moved = (
            Posting.objects.filter(entry=OuterRef("entry"), role="transit")
            .order_by()
            .values("entry")
            .annotate(total=Coalesce(NullIf(Sum("amount"), Decimal(0)), Max("amount")))  # one side of a transfer
        )
        back = JournalEntry.objects.filter(reverses=OuterRef("entry_id"))
        return Match.objects.select_related("entry", "by").annotate(
            amount=Subquery(moved.values("total")), undone_at=Subquery(back.values("posted_at"))
        )


class _Merged(Ordering):
    """An order across bank accounts, read from as many of each account as a page may show."""

    def _fetch(self, queryset: QuerySet[Any], limit: int, start: list[Any] | None, backwards: bool) -> list[Any]:
        down = self.descending != backwards
        part = queryset.filter(bank_account=OuterRef("pk"))
        if start is not None:
            part = part.filter(RowIsBeyond(self.paths, start, self.fields, "<" if down else ">"))
        part = part.order_by(*[f"-{path}" if down else path for path in self.paths]).values("pk")[:limit]
        first = BankAccount.objects.order_by().annotate(first=ArraySubquery(part)).values_list("first", flat=True)
        keys = [pk for found in first for pk in found]
        return super()._fetch(queryset.filter(pk__in=keys), limit, None, backwards)


@entrance("finance.match.read")
class BankLineList(lists.ListPage):
    key = "finance.bank_lines"
    url_name = "finance:bank_lines"
    detail_url = "finance:reconcile_line"
    title = gettext_lazy("Bank lines")
    lead = gettext_lazy("What banks reported. Choose open lines to accept what is proposed for them in one act.")
    filters = BankLineFilters
    default_order = "on"
    reach = lists.CAP
    export_right = "finance.match.export"
    empty_text = gettext_lazy("No bank line yet. They come with the first statement.")
    begins_at = ("finance.statement_import.create", gettext_lazy("Send a statement"), "finance:bank_accounts")
    done_text = gettext_lazy("Every line is matched.")
    opens_with = "open"
    tabs = (
        lists.Tab("open", pgettext_lazy("lines", "Open"), {"state": "open"}),
        lists.Tab("high", gettext_lazy("High confidence"), {"state": "open", "band": "high"}),
        lists.Tab("aside", pgettext_lazy("lines", "Set aside"), {"state": "aside"}),
        lists.Tab("matched", gettext_lazy("Matched"), {"state": "matched"}),
    )
    columns = (
        lists.Column("payer", gettext_lazy("Other side"), value=lambda line: line.payer or line.text or line.kind),
        lists.Column("on", gettext_lazy("Date"), kind="day", order=("on", "pk")),
        lists.Column("text", gettext_lazy("Text"), value=lambda line: line.text if line.payer else ""),
        lists.Column("amount", gettext_lazy("Amount"), kind="money", order=("amount", "pk"), total=Sum("amount")),
        lists.Column("open_amount", pgettext_lazy("amount", "Open"), kind="money", total=Sum("open_amount")),
        lists.Column("confidence", gettext_lazy("Best proposal"), value=lambda line: _band(line.confidence)),
        lists.Column("account", gettext_lazy("Bank account"), value="bank_account.name"),
    )
    bulk = (AcceptLines(), BookLines())
    are_few = False

    def few(self, state: ListState, keys: list[Any]) -> QuerySet[Any]:
        self.are_few = True
        return super().few(state, keys)

    def ordering(self, state: ListState, queryset: QuerySet[Any]) -> Ordering:
        """By day, the lines of each account lie in an index of their own: their first ones are merged."""
        kind = Ordering if self.are_few or state.order_key != "on" else _Merged
        return kind(queryset, self.orders()[state.order_key], descending=state.descending)

    def queryset(self, user: User) -> QuerySet[StatementLine]:
        best = Suggestion.objects.filter(line=OuterRef("pk"), rank=1)
        lines = StatementLine.objects.filter(is_void=False).select_related("bank_account")
        return lines.annotate(confidence=Subquery(best.values("confidence")[:1]))


def _band(confidence: Any) -> str:
    if confidence is None:
        return ""
    return {"high": _("High"), "medium": _("Medium"), "low": _("Low")}[reasons.band(confidence)]


@entrance("finance.match.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    """One match: lines, titles, postings, why, and its undo."""
    match = get_object_or_404(
        Match.objects.select_related("entry__journal", "entry__reversed_by__made_by", "by", "rule_version__rule"), pk=pk
    )
    postings = list(
        match.entry.postings.select_related("account", "instalment__title", "line__bank_account", "party").order_by(
            "seq"
        )
    )
    undone = getattr(match.entry, "reversed_by", None)
    context = {
        "match": match,
        "postings": postings,
        "lines": [posting for posting in postings if posting.line_id],
        "sentence": reasons.sentence(match.evidence, match.stage),
        "undone": undone,
        "once": new_key(),
        "may_read_entries": request.user.may("finance.entry.read"),
        "may_read_titles": request.user.may("finance.title.read"),
        "may_undo": undone is None and request.user.may("finance.match.post"),
        "activity": activity(match.ref, request.user),
        "crumbs": [(match.entry.text, "")],
    }
    return render(request, "finance/reconcile/match_detail.html", context)
