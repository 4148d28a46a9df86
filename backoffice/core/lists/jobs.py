"""The long half of lists: exports above five thousand rows, acts on more than five hundred."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import jobs
from ..models import AuditEntry, User
from ..services import audit, files
from . import bulk, export, registry
from .state import ListState


def _state(key: str, query: str, user: User) -> ListState:
    return ListState(registry.get(key)(), user, QueryDict(query))


@jobs.job("core.export_list", title=gettext_lazy("Export a list"))
def export_list(
    work: jobs.Work,
    *,
    list_key: str,
    query: str,
    columns: list[str],
    file_kind: str,
    style: str,
    total: int,
    language: str,
) -> dict[str, Any]:
    """Write the rows that the asking person sees at `query` into a file that waits for them."""
    by = work.job.asked_by
    if by is None or not by.may(registry.get(list_key).export_right):
        raise jobs.Unworkable(_("You may no longer export this list."))
    with translation.override(language):
        state = _state(list_key, query, by)
        matching = state.page.matching(state)
        if matching is None:
            raise jobs.Unworkable(_("A filter of this list can no longer be read."))
        allowed = {column.key: column for column in state.allowed_columns()}
        shown = [allowed[key] for key in columns if key in allowed]
        rows = matching.order_by(*state.page.ordering(state, matching).order_by())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{file_name(list_key)}.{file_kind}"
            export.write(
                path, file_kind, _counted(work, export.rows_of(rows, shown), total), shown, style=_style(style)
            )
            with work.writing():
                stored = files.store_path(path, by=by)
        return {
            "url": reverse("export_file", args=[stored.pk]),
            "text": _("Download %(name)s") % {"name": stored.name},
        }


@jobs.job("core.act_on_list", title=gettext_lazy("Act on many rows"), left=gettext_lazy("What was done stays done."))
def act_on_list(
    work: jobs.Work, *, list_key: str, query: str, action: str, picks: list[Any], answers: dict[str, list[str]], n: int
) -> dict[str, Any]:
    """Do a confirmed act on the rows the asking person sees at `query`, or on those picked of them."""
    by = work.job.asked_by
    state = _state(list_key, query, by) if by else None
    act = next((one for one in registry.get(list_key).bulk if one.key == action), None)
    if by is None or state is None or act is None or not by.may(act.right):
        raise jobs.Unworkable(_("You may no longer do this."))
    matching = state.page.matching(state)
    form = bulk.form_of(act, _dict(answers))
    if matching is None or not form.is_valid():
        raise jobs.Unworkable(_("What was confirmed can no longer be read."))
    if picks:
        matching = matching.filter(pk__in=picks)

    def seen(done: int) -> None:
        work.check()
        work.progress(done, n)

    outcome = bulk.run(act, matching, by=by, answers=bulk.answers_of(form), act=True, seen=seen, writing=work.writing)
    return {"url": reverse(state.page.url_name) + (f"?{query}" if query else ""), "text": told(outcome)}


def told(outcome: bulk.Outcome) -> str:
    """What was done to how many, in a sentence."""
    done = ngettext("%(n)s row done", "%(n)s rows done", outcome.fit) % {"n": outcome.fit}
    if not outcome.refused:
        return f"{done}."
    refused = ngettext("%(n)s refused", "%(n)s refused", outcome.refused) % {"n": outcome.refused}
    return f"{done}, {refused}."


def file_name(list_key: str) -> str:
    return f"{list_key.rpartition('.')[2]}-{timezone.localdate():%Y-%m-%d}"


def _counted(work: jobs.Work, rows: Iterable[list[Any]], total: int) -> Iterator[list[Any]]:
    for done, row in enumerate(rows, start=1):
        if done % 500 == 0:
            work.check()
            work.progress(done, total)
        yield row


def _style(style: str) -> export.Style:
    return "machine" if style == "machine" else "reader"


def _dict(answers: dict[str, list[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, values in answers.items():
        data.setlist(name, values)
    return data


def exports_lately(state: ListState) -> int:
    """How often this person took files from this list within the hour."""
    since = timezone.now() - timedelta(hours=1)
    mine = AuditEntry.objects.filter(subject=f"core.list:{state.page.key}", action="core.list_exported")
    return mine.filter(actor=state.user, at__gt=since).count()


def record_export(state: ListState, *, kind: str, rows: int, columns: list[str], reason: str) -> None:
    """Say in the trail who took how many rows of what; held filter values are not repeated."""
    audit.record(
        "core.list_exported",
        f"core.list:{state.page.key}",
        by=state.user,
        query=state.conditions().urlencode(),
        has_held_filter=bool(state.held),
        format=kind,
        rows=rows,
        columns=columns,
        reason=reason,
    )
