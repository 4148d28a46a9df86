"""Statements as they came: which, with what control totals, with what lines, and what was set aside."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.money import NotMoney, parse_money
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge
from finance.filters.statements import LineFilters, ParkedFilters, StatementFilters
from finance.formats.tokens import document_keys
from finance.forms.statements import TakeInForm
from finance.models import ParkedLine, Statement, StatementLine
from finance.selectors.statements import control, gap_before
from finance.services import ledger, parking, statements, unreadable

LINES_SHOWN = 20
PARKED_SHOWN = 20


def _statement_state(statement: Statement) -> tuple[str, str]:
    if statement.undone_at:
        return "quiet", _("Undone")
    if control(statement).difference:
        return "wrong", _("Does not add up")
    return "good", _("In the books")


def _line_state(line: StatementLine) -> tuple[str, str]:
    if line.is_void:
        return "quiet", _("Undone")
    if line.open_amount == 0:
        return "good", _("Matched")
    return ("attention", _("Open")) if line.open_amount == line.amount else ("attention", _("Partly matched"))


def _why(parked: ParkedLine) -> str:
    return unreadable.sentence(parked.words) or str(parked.get_reason_display())


@entrance("finance.statement_import.read")
class StatementList(lists.ListPage):
    key = "finance.statements"
    url_name = "finance:statements"
    detail_url = "finance:statement"
    title = gettext_lazy("Statements")
    lead = gettext_lazy("Each file of a bank, account by account, with its control totals.")
    filters = StatementFilters
    default_order = "-ends_on"
    empty_text = gettext_lazy("No statement yet. Send a file of the bank to begin.")
    columns = (
        lists.Column("account", gettext_lazy("Statement"), value=str),
        lists.Column("bank_account", gettext_lazy("Bank account"), value="bank_account.name"),
        lists.Column("starts_on", gettext_lazy("From"), kind="day"),
        lists.Column("ends_on", gettext_lazy("To"), kind="day", order=("ends_on", "pk")),
        lists.Column("found", gettext_lazy("Lines"), kind="number"),
        lists.Column("new", gettext_lazy("New"), kind="number"),
        lists.Column("parked", pgettext_lazy("lines", "Set aside"), kind="number"),
        lists.Column("sum", gettext_lazy("Sum of the lines"), kind="money"),
        lists.Column("closing", gettext_lazy("Closing"), kind="money"),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=lambda s: _statement_state(s)[1],
            cell=lambda s: badge(*_statement_state(s)),
        ),
        lists.Column("received_at", gettext_lazy("Received"), kind="stamp", order=("received_at", "pk")),
        lists.Column("format", gettext_lazy("Format"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Statement]:
        return Statement.objects.select_related("bank_account")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.statement_import.create"):
            return []
        return [lists.Action(_("Send a statement"), reverse("import_send", args=[statements.SOURCE]), is_primary=True)]


@entrance("finance.statement_import.read")
class LineList(lists.ListPage):
    key = "finance.statement_lines"
    url_name = "finance:statement_lines"
    title = gettext_lazy("Statement lines")
    lead = gettext_lazy("Every movement that the banks reported, as it stood in their files.")
    filters = LineFilters
    search_fields = ("text",)
    search_label = gettext_lazy("Document number or amount")
    default_order = "-place"
    export_right = "finance.match.export"
    empty_text = gettext_lazy("No line yet. They come with the first statement.")
    begins_at = ("finance.statement_import.create", gettext_lazy("Send a statement"), "finance:bank_accounts")
    columns = (
        lists.Column("text", gettext_lazy("Text"), value=lambda line: line.text or line.payer or "–"),
        lists.Column("on", gettext_lazy("Date"), kind="day"),
        lists.Column("bank_account", gettext_lazy("Bank account"), value="bank_account.name"),
        lists.Column("payer", gettext_lazy("Other side")),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("open_amount", gettext_lazy("Open"), kind="money"),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=lambda one: _line_state(one)[1],
            cell=lambda one: badge(*_line_state(one)),
        ),
        lists.Column("place", gettext_lazy("In order"), value="pk", kind="number", order=("pk",), optional=True),
        lists.Column("valued_on", gettext_lazy("Value date"), kind="day", optional=True),
        lists.Column("reference", gettext_lazy("Reference"), kind="code", optional=True),
        lists.Column("kind", gettext_lazy("Kind"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[StatementLine]:
        return StatementLine.objects.filter(is_void=False).select_related("bank_account").defer("key")

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By what lines name (kept apart and indexed), or by amount; a million texts are not read for it."""
        try:
            amount = parse_money(text.strip(), "pt-br" if "," in text else "en")
        except NotMoney:
            amount = None
        named = queryset.filter(tokens__value__in=document_keys(text)).distinct()
        if amount is None or text.strip().isdigit():
            return named
        return queryset.filter(amount__in=[amount, -amount])

    def row_url(self, row: StatementLine) -> str:
        return f"{self._line_door}{row.pk}/" if self.request.user.may("finance.match.read") else ""  # type: ignore[union-attr]

    @property
    def _line_door(self) -> str:
        return reverse("finance:reconcile_line", args=[0]).removesuffix("0/")


@entrance("finance.statement_import.read")
class ParkedList(lists.ListPage):
    key = "finance.parked_lines"
    url_name = "finance:parked_lines"
    detail_url = "finance:parked_line"
    title = gettext_lazy("Lines set aside")
    lead = gettext_lazy(
        "What stood in statement files and was no movement: balances, the future, and what nobody could read."
    )
    filters = ParkedFilters
    default_order = "-place"
    opens_with = "waiting"
    empty_text = gettext_lazy("Nothing was set aside.")
    done_text = gettext_lazy("Nothing is set aside.")
    tabs = (
        lists.Tab("waiting", gettext_lazy("Still set aside"), {"waiting": "true"}),
        lists.Tab("unreadable", gettext_lazy("Unreadable"), {"waiting": "true", "reason": "unreadable"}),
    )
    columns = (
        lists.Column("text", gettext_lazy("Text"), value=lambda parked: (parked.text or "–")[:120]),
        lists.Column("why", gettext_lazy("Why"), value=_why),
        lists.Column("on", gettext_lazy("Date"), kind="day"),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("bank_account", gettext_lazy("Bank account"), value="statement.bank_account.name"),
        lists.Column("where", gettext_lazy("Where"), value="place"),
        lists.Column("place", gettext_lazy("In order"), value="pk", kind="number", order=("pk",), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[ParkedLine]:
        live = ParkedLine.objects.exclude(statement__undone_at__isnull=False)
        return live.select_related("statement__bank_account").defer("key")


@entrance("finance.statement_import.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    statement = get_object_or_404(Statement.objects.select_related("bank_account", "batch"), pk=pk)
    aside = ParkedLine.objects.filter(statement=statement).select_related("statement").defer("key").order_by("pk")
    context = {
        "statement": statement,
        "control": control(statement),
        "gap": gap_before(statement),
        "tone": _statement_state(statement)[0],
        "state": _statement_state(statement)[1],
        "lines": [
            (line, *_line_state(line))
            for line in StatementLine.objects.filter(statement=statement).order_by("pk")[:LINES_SHOWN]
        ],
        "aside": [(one, _why(one), parking.is_takable(one)) for one in aside[:PARKED_SHOWN]],
        "aside_count": aside.count(),
        "warnings": [unreadable.sentence(each) for each in statement.warnings],
        "may_take": request.user.may("finance.statement_import.post"),
        "may_match": request.user.may("finance.match.read"),
        "crumbs": [(statement.label or _("Statement %(pk)s") % {"pk": statement.pk}, "")],
        "activity": activity(statement.ref, request.user),
    }
    return render(request, "finance/statements/detail.html", context)


@entrance(get="finance.statement_import.read", post="finance.statement_import.post")
@once
def parked(request: PersonRequest, pk: int) -> HttpResponse:
    """One line that was set aside; who may, takes it in as the movement it is."""
    line = get_object_or_404(ParkedLine.objects.select_related("statement__bank_account", "line"), pk=pk)
    today = timezone.localdate()
    form = TakeInForm(request.POST or None, initial={"on": min(line.on, today) if line.on else None}, latest=today)
    if request.method == "POST" and form.is_valid():
        try:
            parking.take_in(parked_id=pk, on=form.cleaned_data["on"], by=request.user)
        except (parking.NotTakable, ledger.Refused) as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("The line is in the books."))
            return redirect("finance:statement", line.statement_id)
    context = {
        "parked": line,
        "why": _why(line),
        "is_announced": parking.is_announced(line),
        "form": form if parking.is_takable(line) and request.user.may("finance.statement_import.post") else None,
        "cancel_url": reverse("finance:statement", args=[line.statement_id]) if line.statement_id else "",
        "crumbs": [(_("Line set aside"), "")],
    }
    return render(request, "finance/statements/parked.html", context, status=422 if form.errors else 200)
