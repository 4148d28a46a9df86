"""A dashboard on one sheet of paper, made by a worker for the person who asked."""

import tempfile
from pathlib import Path
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import jobs, pdf
from backoffice.core.services import files

from . import chosen, pages, reading
from .boards import BOARDS

KIND = "kpis.board_pdf"


@jobs.job(KIND, title=gettext_lazy("Print a dashboard"))
def board_pdf(work: jobs.Work, *, board: str, query: str, language: str) -> dict[str, Any]:
    by, found, today = work.job.asked_by, BOARDS.get(board), timezone.localdate()
    if by is None or found is None or not by.may(found.right):
        raise jobs.Unworkable(_("You may no longer open this dashboard."))
    with translation.override(language):
        asked = chosen.read(QueryDict(query), today)
        context = pages.board(found, asked, reading.board(found, asked, today=today), by, today)
        work.progress(1, 2, _("Drawing"))
        content = pdf.render("kpis/sheet.html", context)
        work.check()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{found.key}-{asked.period.start.isoformat()}.pdf"
            path.write_bytes(content)
            with work.writing():
                stored = files.store_path(path, by=by)
        text = _("%(board)s, %(period)s: one sheet.") % {"board": found.title, "period": context["period_name"]}
        return {"url": reverse("kpis:sheet", args=[stored.pk]), "text": text}
