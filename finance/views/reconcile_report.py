"""The reconciliation report: as a page, and as paper for signatures."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from finance.models import BankAccount


@entrance("finance.match.read")
def report(request: PersonRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(BankAccount, pk=pk)
    return render(request, "finance/reconcile/report.html", {"account": account})
