"""The reports of finance: on a page, in a file, on paper."""

from django.http import FileResponse, Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from backoffice.core import jobs
from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from backoffice.core.lists.export import DIRECT_ROWS
from backoffice.core.models import Job, StoredFile
from backoffice.core.services import audit
from backoffice.core.services import files as stored_files
from backoffice.core.shell import company_name
from finance.jobs.reports import FILE, PAPER
from finance.reports import asking, balances, files
from finance.reports.asking import Asked
from finance.reports.catalogue import REPORTS, Report
from finance.reports.pages import context

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@entrance("finance.report.read")
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """Every report and the question it answers."""
    reports = [
        {"title": one.title, "question": one.question, "url": reverse("finance:report", args=[one.key])}
        for one in REPORTS.values()
    ]
    reports.append(
        {"title": _("Postings"), "question": _("Every line of every entry."), "url": reverse("finance:postings")}
    )
    return render(request, "finance/reports/index.html", {"reports": reports})


@entrance("finance.report.read")
@require_GET
def report(request: PersonRequest, key: str) -> HttpResponse:
    found, asked = _asked(key, request.GET)
    with balances.one_look():
        sheet = found.build(asked)
        page = context(found, asked, sheet, request.user)
    return render(request, "finance/reports/report.html", page)


@entrance("finance.report.export")
@require_POST
def report_file(request: PersonRequest, key: str) -> HttpResponseBase:
    """The report as it is asked in the address: a file at once, a long one or paper by a job."""
    found, asked = _asked(key, request.GET)
    kind = request.POST.get("as", "")
    if kind not in ("pdf", "csv", "xlsx"):
        raise Http404
    later = {"report": key, "query": request.GET.urlencode(), "language": _language()}
    if kind == "pdf":
        return redirect("job", jobs.ask(PAPER, by=request.user, **later).pk)
    with balances.one_look():
        is_long = found.count is not None and found.count(asked) > DIRECT_ROWS
        sheet = None if is_long else (found.whole or found.build)(asked).held()
    if sheet is None:
        return redirect("job", jobs.ask(FILE, by=request.user, file_kind=kind, **later).pk)
    audit.record("finance.report_exported", f"finance.report:{key}", by=request.user, query=asked.query, format=kind)
    name = f"{key}-{asked.period.start:%Y-%m-%d}-{asked.period.last_day:%Y-%m-%d}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    if kind == "csv":
        return StreamingHttpResponse(files.as_csv(sheet), content_type="text/csv; charset=utf-8", headers=headers)
    content = files.as_workbook(sheet, company=company_name(), period=asking.name(asked.period))
    return HttpResponse(content, content_type=XLSX, headers=headers)


@entrance("finance.report.export")
@require_GET
def paper(request: PersonRequest, pk: int) -> FileResponse:
    """A report on paper, or a long file, that a job made for this person."""
    stored = get_object_or_404(StoredFile, pk=pk, stored_by=request.user)
    url = reverse("finance:report_paper", args=[pk])
    if not Job.objects.filter(kind__in=[PAPER, FILE], asked_by=request.user, result__url=url).exists():
        raise Http404
    return stored_files.download(stored)


def _asked(key: str, query: QueryDict) -> tuple[Report, Asked]:
    found = REPORTS.get(key)
    if found is None:
        raise Http404
    return found, found.fit(asking.read(query, timezone.localdate()))


def _language() -> str:
    return get_language() or "en"
