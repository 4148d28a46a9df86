"""The reconciliation report: as a page, and as paper for signatures."""

from datetime import date
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from backoffice.core import jobs
from backoffice.core.access import entrance
from backoffice.core.forms import new_key, once
from backoffice.core.http import PersonRequest
from backoffice.core.models import Job, StoredFile
from backoffice.core.services import files
from finance.jobs.reconciliation import PAPER
from finance.models import BankAccount
from finance.selectors.reconciliation import accounts, months, reconciliation

READ = "finance.match.read"
ON_PAGE = 100  # rows of each table; the paper has more


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as problem:
        raise BadRequest("unknown month") from problem


@entrance(READ)
@require_GET
def report(request: PersonRequest, pk: int) -> HttpResponse:
    """The month of one account: the statement, the books, and what is between."""
    today = timezone.localdate()
    account = get_object_or_404(accounts(today=today), pk=pk)
    asked = request.GET.get("month", "")
    month = _month(asked) if asked else account.newest.replace(day=1)  # type: ignore[attr-defined]
    here = reverse("finance:reconcile", args=[pk])
    context = {
        "account": account,
        "found": reconciliation(account, month, shown=ON_PAGE),
        "month": month,
        "months": months(account, today=today),
        "once": new_key(),
        "lines_url": f"{reverse('finance:bank_lines')}?{urlencode({'account': pk})}",
        "crumbs": [(account.name, here), (_("Report"), "")],
    }
    return render(request, "finance/reconcile/report.html", context)


@entrance(post=READ)
@require_POST
@once
def print_report(request: PersonRequest, pk: int) -> HttpResponse:
    """Have a worker draw it on paper."""
    account = get_object_or_404(BankAccount, pk=pk)
    month = _month(request.POST.get("month", ""))
    job = jobs.ask(
        PAPER,
        by=request.user,
        subject=account.ref,
        account_id=pk,
        month=month.isoformat(),
        language=get_language() or "en",
    )
    return redirect("job", job.pk)


@entrance(READ)
@require_GET
def paper(request: PersonRequest, pk: int) -> FileResponse:
    """A report that a job drew for this person."""
    stored = get_object_or_404(StoredFile, pk=pk, stored_by=request.user)
    url = reverse("finance:reconcile_paper", args=[pk])
    if not Job.objects.filter(kind=PAPER, asked_by=request.user, result__url=url).exists():
        raise Http404
    return files.download(stored)
