"""What a reader sends to a list: held filters, columns, saved views, exports, acts on many rows.

Everything is posted to the list's own address, so the rows meant are exactly the rows its filters show.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .. import jobs
from ..access import Refused
from ..forms import once
from ..models import ListPreference, SavedView
from . import bulk, export
from .columns import Column
from .filters import without
from .jobs import exports_lately, file_name, record_export, told
from .state import PAGING, ListState, address, hold, looks_secret

EXPORTS_AN_HOUR = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

if TYPE_CHECKING:
    from .page import ListPage


def answer(page: "ListPage", request: HttpRequest) -> HttpResponseBase:
    """Do what the `do` field says."""
    door = DOORS.get(request.POST.get("do", ""))
    if door is None:
        raise BadRequest("unknown act")
    state = page.state(request)
    state.load()
    return door(page, request, state)


def narrow(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    """Move typed filter values into the address, and those that must not stand there into a held filter."""
    query, held = QueryDict(mutable=True), {}
    open_keys, held_keys = page.url_keys(), page.held_keys()
    for key in sorted(open_keys | held_keys):
        values = [value for value in request.POST.getlist(key) if value.strip()]
        if not values:
            continue
        is_text = key in open_keys
        if key in held_keys and not (is_text and not looks_secret(values[0])):
            held[key] = values
        else:
            query.setlist(key, values)
    for key in ("order", "view"):
        if request.POST.get(key):
            query[key] = request.POST[key]
    if held:
        query["held"] = hold(page, state.user, held)
    return HttpResponseRedirect(address(request.path, query))


def columns(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    """Keep which columns, in which order, how dense."""
    known = [column.key for column in state.allowed_columns()]
    chosen = [key for key in dict.fromkeys(request.POST.getlist("column")) if key in known]
    places = {key: request.POST.get(f"place-{key}", "") for key in chosen}
    if any(places.values()):
        chosen.sort(key=lambda key: int(places[key]) if places[key].isdecimal() and len(places[key]) < 4 else 999)
    ListPreference.objects.update_or_create(
        user=state.user,
        list_key=page.key,
        defaults={"columns": chosen, "dense": request.POST.get("density") != "roomy"},
    )
    return HttpResponseRedirect(request.get_full_path())


def save_view(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    """Keep filters, order and columns of this address under a name; the same name is replaced."""
    if not state.user.may("core.view.create"):
        raise Refused("core.view.create")
    name = _name(request)
    conditions = state.conditions().urlencode()
    if not name or len(conditions) > 1000:
        raise BadRequest("a view needs a name and fewer filters")
    is_default = "default" in request.POST
    try:
        with transaction.atomic():
            mine = SavedView.objects.filter(owner=state.user, list_key=page.key)
            if is_default:
                mine.exclude(name=name).filter(is_default=True).update(is_default=False)
            view, _is_new = SavedView.objects.update_or_create(
                owner=state.user,
                list_key=page.key,
                name=name,
                defaults={
                    "query": conditions,
                    "columns": [column.key for column in state.columns()],
                    "is_shared": "shared" in request.POST,
                    "is_default": is_default,
                },
            )
    except IntegrityError as problem:
        raise BadRequest("another page just saved this view") from problem
    return HttpResponseRedirect(request.path + state.view_url(view))


def rename_view(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    """Give one's own view another name; whoever opened or shared its address keeps it."""
    view = _own_view(page, request, state)
    name = _name(request)
    if not name:
        raise BadRequest("a view needs a name")
    view.name = name
    try:
        with transaction.atomic():
            view.save(update_fields=["name"])
    except IntegrityError:
        messages.error(request, _("You have another view named “%(name)s”.") % {"name": name})
    return HttpResponseRedirect(request.get_full_path())


def drop_view(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    _own_view(page, request, state).delete()
    return HttpResponseRedirect(f"{request.path}?view=all")


def _own_view(page: "ListPage", request: HttpRequest, state: ListState) -> SavedView:
    pk = request.POST.get("view", "")
    if not pk.isdecimal() or len(pk) > 18:
        raise BadRequest("unknown view")
    return get_object_or_404(SavedView, pk=int(pk), owner=state.user, list_key=page.key)


def _name(request: HttpRequest) -> str:
    return " ".join(request.POST.get("name", "").replace("\x00", "").split())[:60]


def send_file(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponseBase:
    """Exactly the rows of this address as a file: at once up to five thousand, else as a job."""
    if not page.export_right or not state.user.may(page.export_right):
        raise Refused(page.export_right)
    kind = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
    style: export.Style = "machine" if request.POST.get("style") == "machine" else "reader"
    reason = " ".join(request.POST.get("reason", "").split())[:200]
    matching = page.matching(state)
    if matching is None:
        return page.show(request, state)
    if page.has_personal_data and not reason:
        messages.error(request, _("Say what the file is for: it holds personal data."))
        return HttpResponseRedirect(request.get_full_path())
    if page.has_personal_data and exports_lately(state) >= EXPORTS_AN_HOUR:
        messages.error(request, _("You exported this list many times within the hour. Wait a while."))
        return HttpResponseRedirect(request.get_full_path())
    shown = state.columns()
    count = matching[: export.DIRECT_ROWS + 1].count()
    is_job = count > export.DIRECT_ROWS
    total = matching.count() if is_job else count
    if kind == "xlsx" and total > export.SHEET_ROWS:
        messages.error(request, _("A sheet holds 1,048,575 rows. Filter more, or choose CSV."))
        return HttpResponseRedirect(request.get_full_path())
    keys = [column.key for column in shown]
    with transaction.atomic():
        if is_job:
            job = jobs.ask(
                "core.export_list",
                by=state.user,
                subject=f"core.list:{page.key}",
                list_key=page.key,
                query=without(state.query, PAGING).urlencode(),
                columns=keys,
                file_kind=kind,
                style=style,
                total=total,
                language=get_language(),
            )
        record_export(state, kind=kind, rows=total, columns=keys, reason=reason)
    if is_job:
        return redirect("job", job.pk)
    rows = export.rows_of(matching.order_by(*page.ordering(state, matching).order_by()), shown)
    return _file(kind, file_name(page.key), rows, shown, style)


def _file(kind: str, name: str, rows: Any, shown: list[Column], style: export.Style) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "private, no-store"}
    if kind == "csv":
        lines = export.csv_lines(rows, shown, style=style)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        export.write_xlsx(path, rows, shown, style=style)
        return HttpResponse(path.read_bytes(), content_type=XLSX, headers=headers)


def act(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    """First the page that says what would happen to which rows; confirmed, the act itself."""
    action = next((one for one in page.bulk if one.key == request.POST.get("bulk")), None)
    if action is None:
        raise BadRequest("unknown act")
    if not state.user.may(action.right):
        raise Refused(action.right)
    matching = page.matching(state)
    if matching is None:
        return page.show(request, state)
    picks = [] if request.POST.get("scope") == "all" else _picks(request, matching)
    if picks:
        matching = matching.filter(pk__in=picks)
    elif request.POST.get("scope") != "all":
        messages.error(request, _("Choose at least one row first."))
        return HttpResponseRedirect(request.get_full_path())
    confirmed = "confirmed" in request.POST
    form = bulk.form_of(action, request.POST if confirmed else None)
    if confirmed and form.is_valid():
        return _do(page, request, state, action, matching, picks, form)
    n = matching[: bulk.MOST_ROWS + 1].count()
    answers = bulk.answers_of(form) if confirmed and form.is_valid() else {}
    outcome = bulk.run(action, matching, by=state.user, answers=answers, act=False)
    context = {
        "action": action,
        "form": form,
        "outcome": outcome,
        "n": n,
        "most": bulk.MOST_ROWS,
        "is_too_many": n > bulk.MOST_ROWS,
        "picks": picks,
        "cancel_url": request.get_full_path(),
        "title": page.title,
    }
    return render(request, "lists/bulk.html", context, status=422 if confirmed else 200)


@once
def _confirmed(request: HttpRequest, do: Callable[[], HttpResponse]) -> HttpResponse:
    return do()


def _do(
    page: "ListPage",
    request: HttpRequest,
    state: ListState,
    action: bulk.BulkAction,
    matching: QuerySet[Any],
    picks: list[Any],
    form: forms.Form,
) -> HttpResponse:
    n = matching[: bulk.MOST_ROWS + 1].count()
    if n > bulk.MOST_ROWS:
        raise BadRequest("too many rows")

    def later() -> HttpResponse:
        job = jobs.ask(
            "core.act_on_list",
            by=state.user,
            subject=f"core.list:{page.key}",
            list_key=page.key,
            query=without(state.query, PAGING).urlencode(),
            action=action.key,
            picks=picks,
            answers={name: request.POST.getlist(name) for name in form.fields},
            n=n,
        )
        return redirect("job", job.pk)

    def now() -> HttpResponse:
        outcome = bulk.run(action, matching, by=state.user, answers=bulk.answers_of(form), act=True)
        messages.success(request, told(outcome))
        return HttpResponseRedirect(request.get_full_path())

    return _confirmed(request, later if n > bulk.DIRECT_ROWS else now)


def _picks(request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
    field = queryset.model._meta.pk
    try:
        return [field.to_python(pick) for pick in request.POST.getlist("pick")]
    except ValidationError as problem:
        raise BadRequest("unknown row") from problem


DOORS: dict[str, Callable[[Any, HttpRequest, ListState], HttpResponseBase]] = {
    "filter": narrow,
    "columns": columns,
    "save-view": save_view,
    "rename-view": rename_view,
    "drop-view": drop_view,
    "export": send_file,
    "bulk": act,
}
