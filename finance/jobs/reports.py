"""Reports on paper."""

import tempfile
from pathlib import Path

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import jobs
from backoffice.core.services import audit, files
from finance.reports import asking, balances
from finance.reports import files as reports_files
from finance.reports.catalogue import REPORTS

PAPER = "finance.report_pdf"


@jobs.job(PAPER, title=gettext_lazy("Print a report"))
def report_pdf(work: jobs.Work, *, report: str, query: str, language: str) -> dict[str, object]:
    by, found = work.job.asked_by, REPORTS.get(report)
    if by is None or found is None or not by.may("finance.report.export"):
        raise jobs.Unworkable(_("You may no longer open this report."))
    with translation.override(language):
        asked = found.fit(asking.read(QueryDict(query), timezone.localdate()))
        with balances.one_look():
            sheet = (found.whole or found.build)(asked)
        work.progress(1, 2, _("Drawing"))
        content = reports_files.as_pdf(sheet, period=found.when(asked))
        work.check()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{report}-{asked.period.last_day.isoformat()}.pdf"
            path.write_bytes(content)
            with work.writing():
                stored = files.store_path(path, by=by)
                audit.record("finance.report_exported", f"finance.report:{report}", by=by, query=query, format="pdf")
        text = _("%(report)s, %(period)s.") % {"report": found.title, "period": found.when(asked)}
        return {"url": reverse("finance:report_paper", args=[stored.pk]), "text": text}
