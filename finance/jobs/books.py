"""The books by the clock: recurring entries each morning, the proof each night."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core import database, jobs
from backoffice.core.beat import crontab, daily
from finance.services import proof, recurring


@jobs.job("finance.verify_ledger", title=_("Prove the books"))
def verify_ledger(work: jobs.Work) -> dict[str, object]:
    with database.patient(3600):
        found = proof.verify()
    if not found.ok:
        proof.tell(found, on=str(timezone.localdate()))
        return {"ok": False, "text": str(_("The books do not hold."))}
    return {"ok": True, "text": str(_("%(n)s entries, every one as it was posted.") % {"n": found.entries})}


@jobs.job("finance.make_recurring", title=_("Make recurring entries"), left=_("What was made until then stays."))
def make_recurring(work: jobs.Work) -> dict[str, object]:
    return {"text": str(_("%(n)s made.") % {"n": recurring.run(today=timezone.localdate())})}


daily(crontab(hour="3-22", minute=10), "finance.verify_ledger")
daily(crontab(hour="1-22", minute=5), "finance.make_recurring")
