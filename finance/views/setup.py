"""The guided set-up of the books."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from backoffice.core.access import entrance
from backoffice.core.documents import format_tax_id
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.models import Approval, Company
from finance.forms.setup import BalancesForm, BankForm, CompanyForm
from finance.models import BankAccount, BooksSetup
from finance.services import bank_accounts, ledger, setup, statements

RIGHT = "finance.bank_account.create"


def _labels() -> dict[str, str]:
    return {
        "company": _("Company"),
        "banks": _("Bank accounts"),
        "balances": _("What they hold"),
        "statement": _("First statement"),
    }


def _context(row: BooksSetup, here: str, **more: Any) -> dict[str, Any]:
    """The bar of steps and what every step shows."""
    steps = [
        {"label": label, "state": "now" if key == here else "past" if key in row.done else "next"}
        for key, label in _labels().items()
    ]
    place = setup.STEPS.index(here)
    before = reverse(f"finance:setup_{setup.STEPS[place - 1]}") if place else ""
    return {"steps": steps, "setup": row, "before_url": before, **more}


@entrance(RIGHT)
@require_GET
def start(request: PersonRequest) -> HttpResponse:
    """To the first step that is not done; a summary when all are."""
    row = setup.current()
    if row.finished_at is None:
        return redirect(f"finance:setup_{setup.next_step(row) or 'statement'}")
    known = Company.objects.filter(pk=1).first()
    context = {
        "setup": row,
        "purses": setup.purses(),
        "company": known,
        "cnpj": format_tax_id(known.cnpj) if known else "",
        "statements": setup.statements(),
        **_sending(request),
        "links": [(label, reverse(f"finance:setup_{key}")) for key, label in _labels().items()],
    }
    return render(request, "finance/setup/done.html", context)


@entrance(RIGHT)
@once
def company(request: PersonRequest) -> HttpResponse:
    row, known = setup.current(), Company.objects.filter(pk=1).first()
    initial = {key: getattr(known, key) for key in setup.COMPANY} if known else {}
    form = CompanyForm(request.POST or None, initial={**initial, "tax_regime": row.tax_regime})
    if request.method == "POST" and form.is_valid():
        values = {key: form.cleaned_data[key] for key in setup.COMPANY}
        setup.describe_company(values=values, tax_regime=form.cleaned_data["tax_regime"], by=request.user)
        return redirect("finance:setup_banks")
    context = _context(row, "company", form=form)
    return render(request, "finance/setup/company.html", context, status=422 if form.errors else 200)


@entrance(RIGHT)
@once
def banks(request: PersonRequest) -> HttpResponse:
    """Add accounts one by one, then go on."""
    if request.method == "POST" and request.POST.get("go") == "on":
        setup.accept_banks()
        return redirect("finance:setup_balances")
    form = BankForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = {key: value for key, value in form.cleaned_data.items() if key != "once"}
        account = bank_accounts.open_account(by=request.user, **facts)
        messages.success(request, _("%(account)s is in the books.") % {"account": account})
        return redirect("finance:setup_banks")
    accounts = list(BankAccount.objects.filter(is_active=True).order_by("name", "pk"))
    context = _context(setup.current(), "banks", form=form, accounts=accounts)
    return render(request, "finance/setup/banks.html", context, status=422 if form.errors else 200)


@entrance(RIGHT)
@once
def balances(request: PersonRequest) -> HttpResponse:
    """What banks and cash held; or an accountant brings a whole trial balance."""
    if request.method == "POST" and request.POST.get("go") == "on":
        setup.balances_come_otherwise()
        return redirect("finance:setup_statement")
    row, today = setup.current(), timezone.localdate()
    initial = {"on": row.opened_on or _end_of_last_month(today)}
    form = BalancesForm(request.POST or None, purses=setup.purses(), today=today, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            said = setup.say_balances(
                on=form.cleaned_data["on"], amounts=form.amounts, text=_("Opening balance"), by=request.user
            )
        except ledger.Refused as problem:
            form.add_error("on", str(problem))
        else:
            if isinstance(said, Approval):
                messages.success(request, _("A second person has been asked."))
                return redirect("finance:setup")
            return redirect("finance:setup_statement")
    context = _context(row, "balances", form=form, trial_balance_url=_trial_balance(request))
    return render(request, "finance/setup/balances.html", context, status=422 if form.errors else 200)


@entrance(RIGHT)
@once
def statement(request: PersonRequest) -> HttpResponse:
    """The first statement, now or later; then the set-up is done."""
    if request.method == "POST":
        setup.finish(by=request.user)
        messages.success(request, _("The books are set up. You find this again under Set-up."))
        return redirect("finance:setup")
    context = _context(setup.current(), "statement", statements=setup.statements(), **_sending(request))
    return render(request, "finance/setup/statement.html", context)


def _end_of_last_month(today: date) -> date:
    return today.replace(day=1) - timedelta(days=1)


def _trial_balance(request: PersonRequest) -> str:
    """Where a trial balance is sent; empty for who approves it instead."""
    return _send("finance.trial_balance") if request.user.may("finance.entry.create") else ""


def _sending(request: PersonRequest) -> dict[str, Any]:
    """Where a statement is sent, and whether this person may."""
    return {"upload_url": _send(statements.SOURCE), "may_upload": request.user.may("finance.statement_import.create")}


def _send(source: str) -> str:
    return reverse("import_send", args=[source])
