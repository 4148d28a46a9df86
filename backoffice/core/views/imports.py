"""Files coming in: choose, name the columns, see what would happen, write, undo. Only workers parse."""

from typing import Any

import django_filters
from django.contrib import messages
from django.db.models import Count, Min, QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import imports, lists, progress
from ..access import Refused, signed_in
from ..http import PersonRequest
from ..import_forms import ColumnsForm, FilesForm
from ..imports import FileSource, Source
from ..imports.failures import failures_file, in_words, sentence
from ..models import ImportBatch, User
from ..selectors import activity
from ..services import files
from ..services import imports as service
from ..templatetags.display import badge

State = ImportBatch.State
TONES = {
    State.COMMITTED: "good",
    State.REFUSED: "wrong",
    State.CHECKED: "attention",
    State.MAPPING: "attention",
    State.CHECKING: "info",
    State.COMMITTING: "info",
    State.UNDOING: "info",
}
STEPS = [gettext_lazy("File"), gettext_lazy("Columns"), gettext_lazy("Check"), gettext_lazy("Done")]
STEP_OF = {
    State.MAPPING: 1,
    State.CHECKED: 2,
    State.COMMITTING: 3,
    State.COMMITTED: 3,
    State.UNDOING: 3,
    State.UNDONE: 3,
}
NUMBERS = ("money", "decimal", "integer")
ACTS = {
    "write": ("right_post", service.write),
    "again": ("right_create", service.resume),
    "columns": ("right_create", service.rename_columns),
    "discard": ("right_create", service.give_up),
}
ACTIONS = {"c": gettext_lazy("new"), "u": gettext_lazy("changed"), "s": gettext_lazy("unchanged")}
FAILURES_SHOWN = 50


def sources_for(user: User) -> list[Source]:
    """The kinds of import a person may send."""
    return [source for source in imports.sources() if user.may(source.right_create)]


class ImportFilters(lists.ListFilters):
    state = django_filters.MultipleChoiceFilter(label=gettext_lazy("State"), choices=State.choices)


@signed_in
class ImportList(lists.ListPage):
    key = "core.imports"
    url_name = "imports"
    detail_url = "import"
    title = gettext_lazy("Imports")
    lead = gettext_lazy("Files that came in, what was written from them, and what was refused.")
    filters = ImportFilters
    default_order = "-received_at"
    empty_text = gettext_lazy("No import yet. Send a file to begin.")
    columns = [
        lists.Column("title", gettext_lazy("Import"), value=imports.title_of),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=ImportBatch.get_state_display,
            cell=lambda batch: badge(TONES.get(batch.state, "quiet"), batch.get_state_display()),
        ),
        lists.Column("create", gettext_lazy("New"), value=lambda b: b.counts.get("create"), kind="number"),
        lists.Column("update", gettext_lazy("Changed"), value=lambda b: b.counts.get("update"), kind="number"),
        lists.Column("failures", gettext_lazy("Refused"), value=lambda b: b.counts.get("failures"), kind="number"),
        lists.Column("received_at", gettext_lazy("Received"), kind="stamp", order=("id",)),
        lists.Column("received_by", gettext_lazy("By"), value="received_by.name"),
    ]

    def queryset(self, user: User) -> QuerySet[ImportBatch]:
        keys = [source.key for source in imports.sources() if source.may_read(user)]
        return ImportBatch.objects.filter(source__in=keys).select_related("received_by")

    def actions(self, user: User) -> list[lists.Action]:
        if not sources_for(user):
            return []
        return [lists.Action(gettext_lazy("Import a file"), reverse("import_new"), is_primary=True)]


@signed_in
def choose(request: PersonRequest) -> HttpResponse:
    """Which kind of file it is."""
    sources = sources_for(request.user)
    if not sources:
        raise Refused("logistics.order_import.create")
    if len(sources) == 1:
        return redirect("import_send", sources[0].key)
    return render(request, "core/imports/choose.html", {"sources": sources})


@signed_in
def send(request: PersonRequest, key: str) -> HttpResponse:
    """Step one: the files."""
    source = {source.key: source for source in imports.sources()}.get(key)
    if source is None:
        raise Http404
    if not request.user.may(source.right_create):
        raise Refused(source.right_create)
    form = _files_form(source, request)
    if request.method == "POST" and form.is_valid():
        said = source.options(form.cleaned_data) if isinstance(source, FileSource) else {}
        try:
            batch = service.receive(source=source, uploads=form.cleaned_data["uploads"], by=request.user, mapping=said)
        except files.NotStored as problem:
            form.add_error("uploads", str(problem))
        else:
            return redirect("import", batch.pk)
    context = {"source": source, "form": form, "steps": _steps(0, source), "cancel_url": reverse("imports")}
    return render(request, "core/imports/send.html", context, status=422 if form.errors else 200)


@signed_in
@require_GET
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    """Whatever step the import is at; a reload shows the same."""
    batch, source = _open_or_404(pk, request.user)
    job = batch.job
    context: dict[str, Any] = {
        "batch": batch,
        "source": source,
        "steps": _steps(STEP_OF.get(State(batch.state), 2 if batch.counts or batch.mapping else 0), source),
        "state": _state(batch, source),
        "tone": TONES.get(State(batch.state), "quiet"),
        "files": list(batch.files.select_related("file").order_by("position")),
        "may_create": request.user.may(source.right_create),
        "may_post": request.user.may(source.right_post) and not source.why_not_by(batch, request.user),
        "activity": activity(batch.ref, request.user),
    }
    if job is not None and batch.state in service.WORK:
        context |= progress.context(
            job, may_act=job.asked_by_id == request.user.pk or request.user.may("core.job.edit")
        )
    if batch.state == State.MAPPING:
        context["form"] = _question(batch, source, request.user)
    if batch.counts:
        context |= source.findings(batch) if isinstance(source, FileSource) else _findings(batch, source)
    if batch.state == State.CHECKED:
        context["twin"] = _twin(batch)
    if batch.state == State.COMMITTED:
        context["result_url"] = source.result_url(batch)
    return render(request, "core/imports/detail.html", context)


@signed_in
@require_POST
def columns(request: PersonRequest, pk: int) -> HttpResponse:
    """Step two: which heading is which column."""
    batch, source = _open_or_404(pk, request.user, source_right="right_create")
    if batch.state != State.MAPPING:
        return _moved_on(request, pk)
    form = _question(batch, source, request.user, request.POST)
    if not form.is_valid():
        context = {"batch": batch, "source": source, "steps": _steps(1, source), "form": form, "may_create": True}
        context["state"] = _state(batch, source)
        return render(request, "core/imports/detail.html", context, status=422)
    if isinstance(source, FileSource):
        return _do(request, pk, service.answer, chosen=source.answer(batch, form, request.user), by=request.user)
    return _do(request, pk, service.name_columns, chosen=form.chosen(), by=request.user)


@signed_in
@require_POST
def act(request: PersonRequest, pk: int, action: str) -> HttpResponse:
    """Write it, do it again, open its columns again, discard it."""
    if action not in ACTS:
        raise Http404
    right, use_case = ACTS[action]
    _open_or_404(pk, request.user, source_right=right)
    said = {"is_confirmed": "confirmed" in request.POST} if action == "write" else {}
    return _do(request, pk, use_case, by=request.user, **said)


@signed_in
@require_http_methods(["GET", "POST"])
def undo(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask before an import is taken back."""
    batch, source = _open_or_404(pk, request.user, source_right="right_post")
    if request.method == "POST":
        return _do(request, pk, service.undo, by=request.user)
    if batch.state != State.COMMITTED:
        return redirect("import", pk)
    if isinstance(source, FileSource):
        context = {"batch": batch, "source": source, "words": source.undo_words(batch)}
        return render(request, "core/imports/undo.html", context | {"cancel_url": reverse("import", args=[pk])})
    entities = batch.counts["entities"].values()
    context = {
        "batch": batch,
        "source": source,
        "created": sum(entity["create"] for entity in entities),
        "changed": sum(entity["update"] for entity in entities),
        "cancel_url": reverse("import", args=[pk]),
    }
    return render(request, "core/imports/undo.html", context)


@signed_in
@require_GET
def failures(request: PersonRequest, pk: int) -> HttpResponse:
    """Exactly the refused rows, with their reasons, in the form they came in."""
    batch, source = _open_or_404(pk, request.user)
    if isinstance(source, FileSource):
        found = source.failures_file(batch)
    else:
        found = failures_file(batch) if batch.failures.exists() else None
    if found is None:
        raise Http404
    name, content = found
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
    return files.harmless(response)


@signed_in
@require_GET
def original(request: PersonRequest, pk: int, position: int) -> FileResponse:
    """One file as it came."""
    batch, _source = _open_or_404(pk, request.user)
    row = batch.files.select_related("file").filter(position=position).first()
    if row is None:
        raise Http404
    return files.download(row.file)


def _files_form(source: Source, request: PersonRequest) -> Any:
    data, sent = request.POST or None, request.FILES or None
    if isinstance(source, FileSource):
        return source.files_form(data, sent, initial=request.GET.dict())
    return FilesForm(data, sent)


def _question(batch: ImportBatch, source: Source, user: User, data: Any = None) -> Any:
    """What a person is asked: which heading is which, or what the source itself wants to know."""
    if isinstance(source, FileSource):
        return source.question(batch, user, data)
    return ColumnsForm(source.tables[0], batch, data)


def _open_or_404(pk: int, user: User, source_right: str = "") -> tuple[ImportBatch, Source]:
    """The import and its source, for who may read such imports; then the right to act is asked aloud."""
    batch = ImportBatch.objects.select_related("job", "received_by").filter(pk=pk).first()
    source = {source.key: source for source in imports.sources()}.get(batch.source) if batch else None
    if batch is None or source is None or not source.may_read(user):
        raise Http404
    if source_right and not user.may(getattr(source, source_right)):
        raise Refused(getattr(source, source_right))
    return batch, source


def _do(request: PersonRequest, pk: int, use_case: Any, **kwargs: Any) -> HttpResponse:
    try:
        use_case(batch_id=pk, **kwargs)
    except service.WrongState as problem:
        messages.info(request, str(problem))
    except service.NotConfirmed as problem:
        messages.error(request, str(problem))
    return redirect("import", pk)


def _moved_on(request: PersonRequest, pk: int) -> HttpResponse:
    messages.info(request, _("The import has moved on."))
    return redirect("import", pk)


def _steps(now: int, source: Source) -> list[dict[str, Any]]:
    asked = source.question_title if isinstance(source, FileSource) else STEPS[1]
    return [
        {"label": label, "state": "past" if place < now else "now" if place == now else "next"}
        for place, label in enumerate([STEPS[0], asked, *STEPS[2:]])
    ]


def _state(batch: ImportBatch, source: Source) -> str:
    if batch.state == State.MAPPING and isinstance(source, FileSource):
        return _("A question is open")
    return str(batch.get_state_display())


def _findings(batch: ImportBatch, source: Source) -> dict[str, Any]:
    """The four numbers, the tables, the samples and the refused rows by cause."""
    counts, titles = batch.counts, {table.name: table.title for table in source.tables}
    refused_url = f"{reverse('import', args=[batch.pk])}#refused" if counts["failures"] else ""
    causes = (
        batch.failures.values("table", "column", "reason")
        .annotate(n=Count("pk"), first=Min("line"), found=Min("found"))
        .order_by("-n", "table", "column")[:20]
    )
    return {
        "numbers": [
            {"label": _("New"), "value": counts["create"], "tone": "good" if counts["create"] else "quiet"},
            {"label": _("Changed"), "value": counts["update"], "tone": "info" if counts["update"] else "quiet"},
            {"label": _("Unchanged"), "value": counts["skip"], "tone": "quiet"},
            {
                "label": _("Refused"),
                "value": counts["failures"],
                "tone": "wrong" if counts["failures"] else "quiet",
                "url": refused_url,
                "link": _("see why"),
            },
        ],
        "entities": [
            {"title": titles[name], **counts["entities"][name]} for name in titles if name in counts["entities"]
        ],
        "to_write": sum(entity["create"] + entity["update"] for entity in counts["entities"].values()),
        "sheets": [_sheet(sheet, titles) for sheet in batch.preview],
        "causes": [
            {
                **cause,
                "table": titles.get(cause["table"], cause["table"]),
                "sentence": in_words(cause["reason"], cause["found"]),
            }
            for cause in causes
        ],
        "refused": [
            {"row": row, "sheet": batch.preview[row.sheet]["name"], "why": sentence(row)}
            for row in batch.failures.order_by("sheet", "line", "pk")[:FAILURES_SHOWN]
        ],
    }


def _sheet(sheet: dict[str, Any], titles: dict[str, Any]) -> dict[str, Any]:
    """A sheet of the preview with its table's title and its actions in words."""
    sample = [{**row, "action": ACTIONS.get(row["action"], "")} for row in sheet.get("sample", [])]
    columns = [
        {**column, "format": _(column["format"]) if column["format"] else "", "is_number": column["kind"] in NUMBERS}
        for column in sheet.get("columns", [])
    ]
    for row in sample:
        row["cells"] = [
            {"value": value, "kind": column["kind"], "is_number": column["is_number"]}
            for value, column in zip(row["values"], columns, strict=True)
        ]
    return {**sheet, "title": titles.get(sheet["table"], ""), "sample": sample, "columns": columns}


def _twin(batch: ImportBatch) -> ImportBatch | None:
    """An earlier import of exactly the same files that was written."""
    ours = sorted(batch.files.values_list("file__sha256", flat=True))
    earlier = (
        ImportBatch.objects.filter(source=batch.source, state=State.COMMITTED, pk__lt=batch.pk)
        .filter(files__file__sha256=ours[0])
        .order_by("-pk")
        .distinct()[:5]
    )
    return next((e for e in earlier if sorted(e.files.values_list("file__sha256", flat=True)) == ours), None)
