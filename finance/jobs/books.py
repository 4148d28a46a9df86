"""The books by the clock: proved each night."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core import database, jobs
from backoffice.core.beat import crontab, daily
from finance.services import proof


@jobs.job("finance.verify_ledger", title=_("Prove the books"))
def verify_ledger(work: jobs.Work) -> dict[str, object]:
    with database.patient(3600):
        found = proof.verify()
    if not found.ok:
        proof.tell(found, on=str(timezone.localdate()))
        return {"text": str(_("The books do not hold."))}
    return {"text": str(_("%(n)s entries, every one as it was posted.") % {"n": found.entries})}


daily(crontab(hour="3-22", minute=10), "finance.verify_ledger")
