"""Own bank accounts: which there are, what each bank says, what waits on it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import connection
from django.db.models import Func, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once, show_conflict
from backoffice.core.http import PersonRequest
from backoffice.core.lists import Column
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge, number
from finance.forms.statements import BankAccountForm, StatementFilesForm
from finance.models import BankAccount, ParkedLine, Statement
from finance.selectors.proof import CAP, proof
from finance.services import bank_accounts, statements

STATEMENTS_SHOWN = 8

_WAITING = """
SELECT b.id, w.n, o."on" FROM finance_bankaccount b
CROSS JOIN LATERAL (SELECT count(*) AS n FROM (
    SELECT FROM finance_statementline l WHERE l.bank_account_id = b.id AND l.open_amount <> 0 LIMIT %s) few) w
LEFT JOIN LATERAL (
    SELECT l."on" FROM finance_statementline l WHERE l.bank_account_id = b.id AND l.open_amount <> 0
    ORDER BY l."on", l.id LIMIT 1) o ON true
WHERE b.id = ANY(%s)
"""


def masked(number: str) -> str:
    """An account's number as lists show it: its last four signs."""
    return f"…{number[-4:]}" if len(number) > 4 else number


def _last(field: str) -> Subquery:
    """A fact of the account's last statement that tells a balance."""
    told = Statement.objects.filter(bank_account=OuterRef("pk"), undone_at=None, closing__isnull=False)
    return Subquery(told.order_by("-ends_on", "-pk").values(field)[:1])


def _waiting(account: Any) -> str:
    count: int = account.waiting
    return _("more than %(n)s") % {"n": number(CAP)} if count > CAP else number(count)


@entrance("finance.bank_account.read")
class BankAccountList(lists.ListPage):
    key = "finance.bank_accounts"
    url_name = "finance:bank_accounts"
    detail_url = "finance:bank_account"
    template_name = "finance/bank_accounts/list.html"
    title = gettext_lazy("Bank accounts")
    lead = gettext_lazy("What each bank says, and what waits to be reconciled.")
    default_order = "name"
    empty_text = gettext_lazy("No bank account yet. Add one, or drop a statement and let it open the account.")
    columns = (
        lists.Column("name", gettext_lazy("Bank account"), order=("name", "pk")),
        lists.Column("bank", gettext_lazy("Bank"), value="bank_code"),
        lists.Column("number", gettext_lazy("Number"), value=lambda account: masked(account.number)),
        lists.Column("closing", gettext_lazy("Balance at the bank"), kind="money"),
        lists.Column("closing_on", gettext_lazy("Last statement"), kind="day"),
        lists.Column("waiting", gettext_lazy("Open lines"), value=_waiting),
        lists.Column("oldest_on", gettext_lazy("Oldest open"), kind="day"),
        lists.Column("kind", gettext_lazy("Kind"), value=BankAccount.get_kind_display, optional=True),
        lists.Column("currency", gettext_lazy("Currency"), optional=True),
        lists.Column(
            "active",
            gettext_lazy("State"),
            value=lambda account: _("Active") if account.is_active else _("Retired"),
            cell=lambda account: badge(*(("good", _("Active")) if account.is_active else ("quiet", _("Retired")))),
        ),
    )

    def queryset(self, user: User) -> QuerySet[BankAccount]:
        return BankAccount.objects.annotate(closing=_last("closing"), closing_on=_last("ends_on"))

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.bank_account.create"):
            return []
        return [lists.Action(_("New bank account"), reverse("finance:bank_account_create"), is_primary=True)]

    def body(self, rows: Sequence[Any], columns: list[Column], *, can_pick: bool) -> SafeString:
        """What waits is counted for the accounts of the page at once, and never further than CAP."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, [CAP + 1, [row.pk for row in rows]])
            found = {pk: (count, oldest) for pk, count, oldest in cursor.fetchall()}
        for row in rows:
            row.waiting, row.oldest_on = found.get(row.pk, (0, None))
        return super().body(rows, columns, can_pick=can_pick)

    def context(self, state: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().context(state, *args, **kwargs)
        if state.user.may("finance.statement_import.create"):
            context["drop_form"] = StatementFilesForm()
            context["drop_url"] = reverse("import_send", args=[statements.SOURCE])
        return context


@entrance("finance.bank_account.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    aside = ParkedLine.objects.filter(statement__bank_account=OuterRef("pk"), statement__undone_at=None, line=None)
    count = Subquery(aside.order_by().annotate(n=Func("pk", function="count")).values("n"), IntegerField())
    found_accounts = BankAccount.objects.select_related("account", "transit").annotate(aside=count)
    account: Any = get_object_or_404(found_accounts, pk=pk)
    found = proof(account)
    may_send = request.user.may("finance.statement_import.create")
    context = {
        "account": account,
        "number": masked(account.number),
        "proof": found,
        "cap": CAP,
        "statements": Statement.objects.filter(bank_account=account).order_by("-ends_on", "-pk")[:STATEMENTS_SHOWN],
        "aside": account.aside,
        "may_edit": request.user.may("finance.bank_account.edit"),
        "may_match": request.user.may("finance.match.read"),
        "may_see_books": request.user.may("finance.account.read"),
        "send_url": f"{reverse('import_send', args=[statements.SOURCE])}?bank_account={pk}" if may_send else "",
        "crumbs": [(account.name, "")],
        "activity": activity(account.ref, request.user),
    }
    return render(request, "finance/bank_accounts/detail.html", context)


@entrance("finance.bank_account.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    form = BankAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = bank_accounts.open_account(by=request.user, **form.facts)
        messages.success(request, _("%(name)s is open, with its two accounts in the books.") % {"name": account.name})
        return redirect("finance:bank_account", account.pk)
    context = {"form": form, "cancel_url": reverse("finance:bank_accounts"), "crumbs": [(_("New bank account"), "")]}
    return render(request, "finance/bank_accounts/form.html", context, status=422 if form.errors else 200)


@entrance("finance.bank_account.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(BankAccount, pk=pk)
    here = reverse("finance:bank_account", args=[pk])
    form = BankAccountForm(request.POST or None, instance=account)
    context = {
        "form": form,
        "account": account,
        "cancel_url": here,
        "crumbs": [(account.name, here), (_("Change"), "")],
    }
    if request.method == "POST" and form.is_valid():
        try:
            bank_accounts.change(account_id=pk, version=form.version or 0, by=request.user, **form.facts)
        except bank_accounts.Conflict:
            current = BankAccount.objects.get(pk=pk)
            return show_conflict(request, form, current, "finance/bank_accounts/form.html", context)
        except bank_accounts.Posted as problem:
            form.add_error("currency", str(problem))
        else:
            return redirect(here)
    return render(request, "finance/bank_accounts/form.html", context, status=422 if form.errors else 200)
