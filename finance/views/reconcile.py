"""Reconciling: the account with its proof, its open lines beside what the books offer, and the acts on one line."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Subquery
from django.db.models.functions import JSONObject
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from backoffice.core.access import entrance
from backoffice.core.forms import new_key, once
from backoffice.core.http import PersonRequest
from backoffice.core.keys import is_key
from finance.models import BankAccount, Match, MatchRule
from finance.selectors import pairs
from finance.selectors.proof import proof
from finance.services import ledger, reconcile, rules
from finance.services.reconcile import Changed, NeedsSecond, Taken

POST, READ = "finance.match.post", "finance.match.read"
JSON = JSONObject(pk="pk", name="name")


@entrance(READ)
def accounts(request: PersonRequest) -> HttpResponse:
    """Every bank account with what waits on it."""
    rows = pairs.accounts()
    return render(request, "finance/reconcile/accounts.html", {"rows": rows})


@entrance(READ)
def page(request: PersonRequest, pk: int) -> HttpResponse:
    """The screen of one bank account."""
    proposed = rules.proposals() if request.user.may("finance.match_rule.create") else MatchRule.objects.none()
    account = get_object_or_404(BankAccount.objects.annotate(rule=Subquery(proposed.values(rule=JSON)[:1])), pk=pk)
    now = timezone.now()
    show = request.GET.get("show", "all")
    after = request.GET.get("after", "")
    if show not in pairs.SHOWS:
        raise BadRequest("unknown view")
    try:
        rows, mark = pairs.page(account, reader=request.user, now=now, show=show, after=after)
    except ValueError as problem:
        raise BadRequest("unknown page") from problem
    here = reverse("finance:reconcile", args=[pk])
    found = proof(account, reader=request.user)
    context = {
        "account": account,
        "proof": found,
        "rows": rows,
        "show": show,
        "tabs": _tabs(here, show),
        "next_url": f"{here}?show={show}&after={mark}" if mark else "",
        "first_url": f"{here}?show={show}" if after else "",
        **going_back(request, request.get_full_path()),
        "others": found.others,
        "proposal": account.rule,  # type: ignore[attr-defined]  # asked for with the account
        "may_post": request.user.may(POST),
        "once": new_key(),
        "lines_url": lines_url(),
        "crumbs": [(account.name, "")],
    }
    return render(request, "finance/reconcile/page.html", context)


def _proposal(request: PersonRequest) -> MatchRule | None:
    """The newest rule that the program proposed and nobody looked at."""
    return rules.proposals().first() if request.user.may("finance.match_rule.create") else None


def lines_url() -> str:
    """What the addresses of lines begin with."""
    return reverse("finance:reconcile_line", args=[0]).removesuffix("0/")


def _tabs(here: str, show: str) -> list[dict[str, Any]]:
    names = {
        "all": _("To reconcile"),
        "suggested": _("With a proposal"),
        "unexplained": _("Without a proposal"),
        "ignored": pgettext("lines", "Set aside"),
    }
    return [{"label": name, "url": f"{here}?show={key}", "current": key == show} for key, name in names.items()]


@entrance(READ)
def line(request: PersonRequest, pk: int) -> HttpResponse:
    """One line: its row for a page that swaps it, else a page of its own."""
    return show_line(request, pk)


def show_line(request: PersonRequest, pk: int, *, problem: str = "", status: int = 200) -> HttpResponse:
    pair = pairs.one(pk, reader=request.user, now=timezone.now())
    if pair is None:
        raise Http404
    account = pair.line.bank_account
    context = {
        "pair": pair,
        "account": account,
        "problem": problem,
        "may_post": request.user.may(POST),
        "once": new_key(),
        "lines_url": lines_url(),
        "proof": proof(account),
        "proposal": _proposal(request),
        **going_back(request, back_of(request, account.pk)),
        "crumbs": [(account.name, reverse("finance:reconcile", args=[account.pk])), (_("Line"), "")],
    }
    part = request.headers.get("HX-Request") == "true"
    return render(
        request, "finance/reconcile/row.html" if part else "finance/reconcile/line.html", context, status=status
    )


def back_of(request: PersonRequest, account: int) -> str:
    """The page the person came from, if it is one of ours, else the account's first."""
    wanted = request.POST.get("back") or request.GET.get("back") or ""
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("finance:reconcile", args=[account])


def going_back(request: PersonRequest, back: str) -> dict[str, Any]:
    """What forms and links of a line carry to find the way back."""
    token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
    return {
        "back": back,
        "back_query": f"?{urlencode({'back': back})}",
        "hidden": format_html('{}<input type="hidden" name="back" value="{}">', mark_safe(token), back),
    }


def act(request: PersonRequest, pk: int, do: Callable[[], str]) -> HttpResponse:
    """Do one act on a line and answer with its row, or with the page at the next line.

    do: the act; answers what to say. Who comes second is told who was first; nothing is lost.
    """
    swaps = request.headers.get("HX-Request") == "true"
    try:
        said = do()
    except (Taken, Changed, NeedsSecond, ledger.Refused) as problem:
        if swaps:
            return show_line(request, pk, problem=words(problem), status=409)
        messages.error(request, words(problem))
    else:
        if swaps:
            return HttpResponseRedirect(reverse("finance:reconcile_line", args=[pk]))
        messages.success(request, said, extra_tags=undo_address(pk))
    account = pairs.account_of(pk)
    if account is None:
        raise Http404
    anchor = request.POST.get("next", "")
    return HttpResponseRedirect(back_of(request, account) + (f"#line-{int(anchor)}" if is_key(anchor) else ""))


def undo_address(line_id: int) -> str:
    found = Match.objects.filter(entry__postings__line_id=line_id, entry__reversed_by=None).order_by("-pk").first()
    return reverse("finance:match_undo", args=[found.pk]) if found else ""


def words(problem: Exception) -> str:
    """What stood in the way, for a person."""
    if isinstance(problem, Changed):
        return _("The proposal changed meanwhile. Look at the line again.")
    if isinstance(problem, NeedsSecond):
        return problem.reason
    return str(problem.args[0]) if isinstance(problem, ledger.Refused) and problem.args else str(problem)


@entrance(post=POST)
@require_POST
@once
def accept(request: PersonRequest, pk: int) -> HttpResponse:
    chosen = request.POST.get("suggestion", "")

    def do() -> str:
        if not is_key(chosen):
            raise ledger.Refused(_("Choose one of the proposals first."))
        reconcile.accept(suggestion_id=int(chosen), line_id=pk, by=request.user)
        return _("Matched.")

    return act(request, pk, do)


@entrance(post=POST)
@require_POST
@once
def restore(request: PersonRequest, pk: int) -> HttpResponse:
    def do() -> str:
        reconcile.restore(line_id=pk, by=request.user)
        return _("The line is open again.")

    return act(request, pk, do)


@entrance(post=POST)
@require_POST
@once
def undo(request: PersonRequest, pk: int) -> HttpResponse:
    """Undo a match: from its row, its page, its entry or the history; everywhere the same."""
    found = get_object_or_404(Match, pk=pk)
    row = found.entry.postings.filter(line__isnull=False).order_by("line_id").first()
    if row is None or row.line_id is None:
        raise Http404

    def do() -> str:
        reconcile.undo(match_id=pk, by=request.user)
        return _("Undone: every balance is as before.")

    return act(request, row.line_id, do)


@entrance(post=POST)
@require_POST
def claim(request: PersonRequest, pk: int) -> HttpResponse:
    """A page says which line its reader is at; 204, or the name of who is there."""
    if pairs.account_of(pk) is None:
        raise Http404
    other = reconcile.claim(line_id=pk, by=request.user, now=timezone.now())
    if other is None:
        return HttpResponse(status=204)
    return HttpResponse(_("%(who)s is working on it") % {"who": other.person}, content_type="text/plain")
