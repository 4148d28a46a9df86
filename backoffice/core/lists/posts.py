"""What a reader sends to a list: held filters, columns, saved views, exports, acts on many rows.

Everything is posted to the list's own address, so the rows meant are exactly the rows its filters show.
"""

from typing import TYPE_CHECKING

from django.core.exceptions import BadRequest
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404

from ..access import Refused
from ..models import ListPreference, SavedView
from .state import ListState, address, hold, looks_secret

if TYPE_CHECKING:
    from .page import ListPage


def answer(page: "ListPage", request: HttpRequest) -> HttpResponse:
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
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:60]
    conditions = state.conditions().urlencode()
    if not name or len(conditions) > 1000:
        raise BadRequest("a view needs a name and fewer filters")
    is_default = "default" in request.POST
    try:
        with transaction.atomic():
            mine = SavedView.objects.filter(owner=state.user, list_key=page.key)
            if is_default:
                mine.exclude(name=name).filter(is_default=True).update(is_default=False)
            view, _ = SavedView.objects.update_or_create(
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


def drop_view(page: "ListPage", request: HttpRequest, state: ListState) -> HttpResponse:
    pk = request.POST.get("view", "")
    if not pk.isdecimal() or len(pk) > 18:
        raise BadRequest("unknown view")
    get_object_or_404(SavedView, pk=int(pk), owner=state.user, list_key=page.key).delete()
    return HttpResponseRedirect(f"{request.path}?view=all")


DOORS = {
    "filter": narrow,
    "columns": columns,
    "save-view": save_view,
    "drop-view": drop_view,
}
