"""What the pages of bills and invoices do alike: a head with lines, written without a script."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from backoffice.core.folding import plain
from backoffice.core.forms import new_key
from backoffice.core.http import PersonRequest
from backoffice.core.keys import is_key
from backoffice.core.models import Party
from finance.forms.papers import FIRST_ROWS, line_choices, with_more
from finance.forms.titles import terms_initial
from finance.models import Bill, Invoice
from finance.selectors import searching
from finance.services import ledger, papers, second_person

TONES = {
    "draft": "quiet",
    "waiting": "attention",
    "approved": "good",
    "issued": "good",
    "cancelled": "wrong",
    "discarded": "quiet",
}
HEAD = ("party", "issued_on", "first_due_on", "count", "text", "cost_centre", "version", "number", "barcode")


def head_of(paper: Bill | Invoice) -> dict[str, Any]:
    """The first values of a paper that is changed."""
    return {name: getattr(paper, name) for name in HEAD if hasattr(paper, name)} | terms_initial(paper)


def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """By a piece of the number or words of the party's name, each through its own index."""
    every = rows.model.objects.order_by()
    numbered = every.filter(number__plain__contains=plain(text.strip())).values("pk")
    few, known = searching.parties(text)
    if few is None:
        return rows.filter(Q(party__in=known) | Q(pk__in=numbered))
    return rows.filter(pk__in=numbered.union(every.filter(party__in=few).values("pk")))


def fresh(request: PersonRequest) -> dict[str, Any]:
    """The first values of a new paper: today, the company's terms, and whom the address names."""
    today = timezone.localdate()
    party = request.GET.get("party", "")
    found = Party.objects.filter(pk=int(party)).first() if is_key(party) else None
    return {
        "issued_on": today,
        "first_due_on": today,
        "count": 1,
        "party": found,
        **terms_initial(second_person.policy()),
    }


def write(
    request: PersonRequest,
    *,
    template: str,
    form_class: Callable[..., Any],
    lines_class: Any,
    kinds: list[str],
    initial: dict[str, Any],
    rows: list[dict[str, Any]],
    save: Callable[[Any, list[Any]], HttpResponse],
    context: dict[str, Any],
    preview: Callable[[list[Any]], Any] | None = None,
) -> HttpResponse:
    """One page of a head with lines: more lines, a preview, or `save`, which answers with a redirect."""
    data: QueryDict | None = request.POST or None
    asked_more, asked_preview = "more" in request.POST, "preview" in request.POST
    if data is not None and asked_more:
        data = with_more(request.POST)
    if data is not None and (asked_more or asked_preview):
        again = data.copy()
        again["once"] = new_key()
        data = again
    form = form_class(data, initial=initial)
    lines = lines_class(data, initial=rows, prefix="line", form_kwargs={"choices": line_choices(kinds)})
    lines.extra = FIRST_ROWS if not rows else 1
    shown, status = None, 200
    if data is not None and not asked_more:
        good = form.is_valid() & lines.is_valid()
        if good and asked_preview and preview:
            shown = preview(lines.facts)
        elif good:
            try:
                return save(form, lines.facts)
            except papers.Outdated as problem:
                form.add_error(None, str(problem))
                status = 409
            except ledger.Refused as problem:
                form.add_error(None, str(problem))
                status = 422
        else:
            status = 422
    elif asked_more:
        form, lines = _untold(form), _untold(lines)
    return render(request, template, {"form": form, "lines": lines, "shown": shown, **context}, status=status)


def _untold(form: Any) -> Any:
    """A form that is shown again without judging what is not finished."""
    if isinstance(form, forms.BaseFormSet):
        form._errors, form._non_form_errors = [{} for _one in form.forms], form.error_class()  # type: ignore[attr-defined]
        for one in form.forms:
            one._errors = {}
    else:
        form._errors = {}
    return form
