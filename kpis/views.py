"""The numbers: dashboards, one number at length, the facts behind it, and the same on paper."""

from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST

from backoffice.core import jobs
from backoffice.core.access import Refused, signed_in
from backoffice.core.http import PersonRequest
from backoffice.core.models import Job, StoredFile
from backoffice.core.services import files

from . import chosen, pages, paper, reading, rows
from .boards import BOARDS, Board
from .definitions import MEASURES, Measure


@signed_in
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """The first dashboard this person may see."""
    boards = pages.open_to(request.user)
    if not boards:
        raise Refused("kpis.directors.read")
    return redirect("kpis:board", board=boards[0].key)


@signed_in
@require_GET
def board(request: PersonRequest, board: str) -> HttpResponse:
    found, today = _board_or_404(request, board), timezone.localdate()
    asked = chosen.read(request.GET, today)
    shown = reading.board(found, asked, today=today)
    return render(request, "kpis/board.html", pages.board(found, asked, shown, request.user, today))


@signed_in
@require_POST
def board_pdf(request: PersonRequest, board: str) -> HttpResponse:
    """Ask for the board as one sheet of paper; the job's page gives it."""
    found = _board_or_404(request, board)
    query = chosen.read(request.POST, timezone.localdate()).query
    with transaction.atomic():
        job = jobs.ask(paper.KIND, by=request.user, board=found.key, query=query, language=get_language() or "en")
    return redirect("job", job.pk)


@signed_in
@require_GET
def sheet(request: PersonRequest, pk: int) -> FileResponse:
    """A sheet that a job made for this person."""
    stored = get_object_or_404(StoredFile, pk=pk, stored_by=request.user)
    made = Job.objects.filter(kind=paper.KIND, asked_by=request.user, result__url=reverse("kpis:sheet", args=[pk]))
    if not made.exists():
        raise Http404
    return files.download(stored)


@signed_in
@require_GET
def measure(request: PersonRequest, key: str) -> HttpResponse:
    known = _measure_or_404(request, key)
    today = timezone.localdate()
    asked = chosen.read(request.GET, today) if request.GET else chosen.Chosen(chosen.around("year", today), "year")
    return render(request, "kpis/measure.html", pages.measure(known, asked, request.GET, request.user, today))


@signed_in
@require_GET
def facts(request: PersonRequest, key: str) -> HttpResponse:
    known = _measure_or_404(request, key)
    asked = chosen.read(request.GET, timezone.localdate())
    by, value = request.GET.get("by", ""), request.GET.get("value", "")
    if by and by not in known.dims:
        raise Http404
    found = rows.facts(
        known,
        asked.period,
        request.user,
        by=by,
        value=value,
        part=request.GET.get("part", ""),
        after=request.GET.get("after", ""),
    )
    return render(request, "kpis/facts.html", pages.facts(known, asked, found, by, value, request.GET))


def _board_or_404(request: PersonRequest, key: str) -> Board:
    found = BOARDS.get(key)
    if found is None:
        raise Http404
    if not request.user.may(found.right):
        raise Refused(found.right)
    return found


def _measure_or_404(request: PersonRequest, key: str) -> Measure:
    known = MEASURES.get(key)
    if known is None:
        raise Http404
    if not request.user.may(known.right):
        raise Refused(known.right)
    return known
