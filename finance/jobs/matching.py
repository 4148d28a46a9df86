"""The engine by work orders: after each statement, and when somebody asks."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import database, jobs
from finance.models import BankAccount
from finance.services import matching


@jobs.job(
    matching.JOB,
    title=gettext_lazy("Match bank lines"),
    left=gettext_lazy("What was matched before the stop stays matched."),
)
def match(work: jobs.Work, *, bank_account_id: int | None = None) -> dict[str, object]:
    account = BankAccount.objects.get(pk=bank_account_id) if bank_account_id else None
    with database.patient(6 * 3600):
        made = matching.run(bank_account=account, by=work.job.asked_by, work=work)
    text = _("%(posted)s lines matched, suggestions for the others.") % {"posted": made.counts["posted"]}
    return {"text": text, "url": reverse("finance:reconcile_accounts")}
