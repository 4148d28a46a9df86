"""The books by the clock: sums of days every few minutes, recurring entries each morning, the proof each night."""

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core import database, jobs
from backoffice.core.beat import crontab, daily, every
from finance.services import day_sums, proof, recurring


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


@shared_task(name="finance.sum_days")
def sum_days(**_later: object) -> None:
    """Reports are exact without; with it they stay quick."""
    if day_sums.behind() >= day_sums.SOME:
        with database.patient(600):
            day_sums.sum_up()


every(120, "finance.sum_days")
daily(crontab(hour="3-22", minute=10), "finance.verify_ledger")
daily(crontab(hour="1-22", minute=5), "finance.make_recurring")
