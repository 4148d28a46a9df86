"""The reconciliation report on paper, for two signatures."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import jobs, pdf
from backoffice.core.services import audit, files
from backoffice.core.templatetags.display import month as month_name
from finance.models import BankAccount
from finance.selectors.reconciliation import reconciliation

PAPER = "finance.reconciliation_pdf"


@jobs.job(PAPER, title=gettext_lazy("Print a reconciliation"))
def reconciliation_pdf(work: jobs.Work, *, account_id: int, month: str, language: str) -> dict[str, Any]:
    by, account = work.job.asked_by, BankAccount.objects.filter(pk=account_id).first()
    if by is None or account is None or not by.may("finance.match.read"):
        raise jobs.Unworkable(_("You may no longer open this report."))
    with translation.override(language):
        found = reconciliation(account, date.fromisoformat(month))
        work.progress(1, 2, _("Drawing"))
        content = pdf.render("finance/reconcile/report_sheet.html", {"found": found, "by": by})
        work.check()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"reconciliation-{account.pk}-{month[:7]}.pdf"
            path.write_bytes(content)
            with work.writing():
                stored = files.store_path(path, by=by)
                audit.record("finance.reconciliation_printed", account, by=by, month=month)
        text = _("%(account)s, %(month)s.") % {"account": account, "month": month_name(found.first)}
        return {"url": reverse("finance:reconcile_paper", args=[stored.pk]), "text": text}
