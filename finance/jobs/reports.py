"""Reports on paper, and those whose file is too long for a page to wait for."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import jobs
from backoffice.core.services import audit, files
from backoffice.core.shell import company_name
from finance.reports import asking, balances
from finance.reports import files as reports_files
from finance.reports.catalogue import REPORTS
from finance.reports.sheets import Row, Sheet

PAPER = "finance.report_pdf"
FILE = "finance.report_file"


@jobs.job(PAPER, title=gettext_lazy("Print a report"))
def report_pdf(work: jobs.Work, *, report: str, query: str, language: str) -> dict[str, object]:
    return _take(work, report, query, "pdf", language)


@jobs.job(FILE, title=gettext_lazy("Export a report"))
def report_file(work: jobs.Work, *, report: str, query: str, file_kind: str, language: str) -> dict[str, object]:
    return _take(work, report, query, file_kind, language)


def _take(work: jobs.Work, key: str, query: str, kind: str, language: str) -> dict[str, object]:
    """Make the file and keep it for who asked."""
    by, found = work.job.asked_by, REPORTS.get(key)
    if by is None or found is None or not by.may("finance.report.export"):
        raise jobs.Unworkable(_("You may no longer open this report."))
    with translation.override(language), tempfile.TemporaryDirectory() as folder:
        asked = found.fit(asking.read(QueryDict(query), timezone.localdate()))
        path = Path(folder) / f"{key}-{asked.period.last_day.isoformat()}.{kind}"
        period = found.when(asked)
        with balances.one_look():
            rows = found.count(asked) if found.count else 0
            sheet = (found.whole or found.build)(asked)
            if kind == "pdf":
                sheet = sheet.held(reports_files.PAPER_ROWS)
            else:
                counted = _counted(work, sheet, rows)
                reports_files.write(path, kind, counted, company=company_name(), period=asking.name(asked.period))
        if kind == "pdf":
            work.progress(1, 2, _("Drawing"))
            path.write_bytes(reports_files.as_pdf(sheet, period=period, rows=rows))
        work.check()
        try:
            with work.writing():
                stored = files.store_path(path, by=by)
                audit.record("finance.report_exported", f"finance.report:{key}", by=by, query=query, format=kind)
        except files.NotStored as problem:
            raise jobs.Unworkable(f"{problem} {_('Ask for fewer days.')}") from problem
        text = _("%(report)s, %(period)s.") % {"report": found.title, "period": period}
        return {"url": reverse("finance:report_paper", args=[stored.pk]), "text": text}


def _counted(work: jobs.Work, sheet: Sheet, total: int) -> Sheet:
    """The same sheet, whose rows say how far they are as they are taken."""

    def told(part: Sheet) -> Iterator[Row]:
        for done, row in enumerate(part.each, start=1):
            if done % 500 == 0:
                work.check()
                work.progress(min(done, total), total)
            yield row

    tables = [_counted(work, part, total) for part in sheet.tables]
    return replace(sheet, stream=partial(told, sheet), tables=tables)
