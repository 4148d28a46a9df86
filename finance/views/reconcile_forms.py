"""Acts that ask something first: titles and differences, an account, the other side, a reason.

Each is a page of its own, and the same form as a panel under its line where scripts run.
"""

from collections.abc import Callable
from copy import copy
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from backoffice.core.access import entrance
from backoffice.core.forms import new_key, once
from backoffice.core.http import PersonRequest
from backoffice.core.keys import is_key
from backoffice.core.models import Approval, Party
from backoffice.core.services import approvals
from finance.forms.reconcile import EntryForm, ReasonForm, Split, bookable_accounts, kinds, shown
from finance.models import BankAccount, Instalment, StatementLine
from finance.selectors import finding
from finance.services import ledger, reconcile
from finance.services.reconcile import Changed, Item, NeedsSecond, Taken

from .reconcile import POST, act, back_of, going_back, lines_url, words

MOST_LINES = 500
MOST_TOGETHER = 50


def open_line(request: PersonRequest, pk: int) -> StatementLine:
    """The line, claimed for its reader."""
    line = get_object_or_404(StatementLine.objects.select_related("bank_account"), pk=pk, is_void=False)
    if line.open_amount:
        reconcile.claim(line_id=pk, by=request.user, now=timezone.now())
    return line


def answer(
    request: PersonRequest, line: StatementLine, kind: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The form as a panel, or as a page around it."""
    panel = request.headers.get("HX-Request") == "true"
    account = line.bank_account
    back = back_of(request, account.pk)
    context |= {
        "line": line,
        "account": account,
        "panel": f"finance/reconcile/{kind}_panel.html",
        "is_panel": panel,
        "once": new_key(),
        **going_back(request, back),
        "ways": ways(line, kind, back, wants_split=bool(context.get("wants_split"))),
        "here": request.path,
        "crumbs": [(account.name, reverse("finance:reconcile", args=[account.pk])), (_("Line"), "")],
    }
    response = render(
        request, str(context["panel"]) if panel else "finance/reconcile/work.html", context, status=status
    )
    if panel and status == 422:
        response["HX-Retarget"] = f"#panel-{line.pk}"
        response["HX-Reswap"] = "innerHTML"
    return response


def ways(line: StatementLine, kind: str, back: str, *, wants_split: bool) -> list[dict[str, Any]]:
    """The acts by hand, as tabs."""
    here, query = f"{lines_url()}{line.pk}/", urlencode({"back": back})
    return [
        {"key": key, "label": name, "url": f"{here}{way}{'&' if '?' in way else '?'}{query}", "current": current}
        for key, name, way, current in (
            ("f", _("Find"), "match/", kind == "match" and not wants_split),
            ("s", _("Split"), "match/?split=1", kind == "match" and wants_split),
            ("n", _("New entry"), "entry/", kind == "entry"),
            ("t", _("Transfer"), "transfer/", kind == "transfer"),
            ("i", _("Set it aside"), "ignore/", kind == "ignore"),
        )
    ]


def asked_or_done(outcome: object) -> str:
    return _("A second person is asked; the line waits.") if isinstance(outcome, Approval) else _("Matched.")


# find and split --------------------------------------------------------------------------------------------------


@entrance(POST)
@once
def match(request: PersonRequest, pk: int) -> HttpResponse:
    """Titles and differences against one line, with the difference in sight."""
    line = open_line(request, pk)
    sent = request.POST if request.method == "POST" else request.GET
    others, is_gone = beside(line, sent.getlist("with"))
    whole = together(line, others)
    if request.method == "POST" and "search" not in request.POST:
        split = Split.sent(whole, request.POST)
        parts = {part.pk: part for part in finding.picked(list(split.amounts))}
        total, items = split.items(parts)
        left = split.sign * whole.open_amount - total
        if is_gone:
            split.problems.append(_("One of the lines was reconciled or set aside meanwhile."))
        if not split.problems and left and not (split.partly and not others and left > 0 and total > 0):
            split.problems.append(
                _("The difference is %(left)s: bring it to 0.00 or leave it open.") % {"left": shown(left)}
            )
        if not split.problems and not items and not (others and not whole.open_amount):
            split.problems.append(_("Choose a title or name a difference."))
        if split.problems:
            return answer(request, line, "match", match_context(request, whole, split, others), status=422)
        taken = [(one.pk, one.open_amount) for one in (line, *others)] if others else [(pk, split.sign * total)]
        return act(request, pk, lambda: _match(request, taken, split, items))
    asked = request.GET
    if asked.get("sum"):
        wanted = asked.get("party", "")
        found = finding.sums(whole, party=Party.objects.filter(pk=wanted).first() if is_key(wanted) else None)
        chosen = found.sets[int(asked["set"]) if is_key(asked.get("set", "")) else 0 :][:1]
        split = Split.begun(whole, chosen[0] if chosen else [])
        return answer(request, line, "match", match_context(request, whole, split, others) | {"sums": found})
    picks = [int(value) for value in asked.getlist("pick") if is_key(value)][:200]
    if asked.get("split") and not picks:
        picks = finding.proposed(whole)
    parts_picked = finding.picked(picks)
    context = match_context(request, whole, Split.begun(whole, parts_picked), others, parts_picked)
    return answer(request, line, "match", context)


def beside(line: StatementLine, keys: list[str]) -> tuple[list[StatementLine], bool]:
    """Further open lines of the same account to match in one act, and whether one of those asked for is gone."""
    wanted = {int(key) for key in keys if is_key(key)} - {line.pk}
    found = StatementLine.objects.filter(pk__in=sorted(wanted)[:MOST_TOGETHER], bank_account=line.bank_account_id)
    found = found.filter(is_void=False, ignored=None).exclude(open_amount=0)
    others = list(found.order_by("on", "pk"))
    return others, len(others) < len(wanted)


def together(line: StatementLine, others: list[StatementLine]) -> StatementLine:
    """The line as it counts with the others: what is open of all of them."""
    whole = copy(line)
    whole.open_amount = sum((one.open_amount for one in others), line.open_amount)
    return whole


def _match(request: PersonRequest, lines: list[tuple[int, Any]], split: Split, items: list[Item]) -> str:
    try:
        return asked_or_done(reconcile.match_or_ask(lines=lines, items=items, by=request.user, reason=split.reason))
    except approvals.AlreadyAsked as problem:
        raise ledger.Refused(_("A second person has been asked already.")) from problem


def match_context(
    request: PersonRequest,
    line: StatementLine,
    split: Split,
    others: list[StatementLine],
    chosen: list[Instalment] | None = None,
) -> dict[str, Any]:
    """chosen: the titles of the split, where they are read already."""
    query = request.GET.get("q", "").strip()
    chosen = finding.picked(list(split.amounts)) if chosen is None else chosen
    if query:
        offered = finding.search(query, line=line, language=get_language() or "en")
    else:
        offered = list({part.pk: part for one in (line, *others) for part in finding.likely(one)}.values())
    rows = [(part, split.amounts[part.pk], True) for part in chosen]
    rows += [(part, shown(split.sign * part.balance), False) for part in offered if part.pk not in split.amounts]
    return {
        "split": split,
        "others": others,
        "with_query": "".join(f"&with={one.pk}" for one in others),
        "rows": [{"part": p, "typed": t, "picked": c, "open": split.sign * p.balance} for p, t, c in rows],
        "query": query,
        "wants_split": bool(request.GET.get("split")),
        "kinds": kinds(split.sign),
        "accounts": bookable_accounts(),
        "open_cents": int(split.sign * line.open_amount * 100),
        "open_shown": shown(split.sign * line.open_amount),
    }


# an entry, a transfer, a reason --------------------------------------------------------------------------------------


@entrance(POST)
@once
def entry(request: PersonRequest, pk: int) -> HttpResponse:
    """What is open of the line to one account."""
    line = open_line(request, pk)
    form = EntryForm(request.POST or None, initial={"text": line.text})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        centre = said["cost_centre"].pk if said["cost_centre"] else None
        item = Item("account", -line.open_amount, said["account"].pk, "", said["party"], centre, said["text"])
        return act(request, pk, lambda: _entry(request, line, item))
    return answer(request, line, "entry", {"form": form}, status=422 if form.errors else 200)


def _entry(request: PersonRequest, line: StatementLine, item: Item) -> str:
    try:
        return asked_or_done(
            reconcile.match_or_ask(lines=[(line.pk, line.open_amount)], items=[item], by=request.user, reason=item.text)
        )
    except approvals.AlreadyAsked as problem:
        raise ledger.Refused(_("A second person has been asked already.")) from problem


@entrance(POST)
@once
def transfer(request: PersonRequest, pk: int) -> HttpResponse:
    """The other side of a transfer between own accounts."""
    line = open_line(request, pk)
    other = request.POST.get("other", "")
    if request.method == "POST" and is_key(other):

        def do() -> str:
            reconcile.transfer(line_a=pk, line_b=int(other), by=request.user)
            return _("Matched.")

        return act(request, pk, do)
    context = {"others": reconcile.transfer_candidates(line), "problem": _("Choose the other side.")}
    return answer(request, line, "transfer", context, status=422 if request.method == "POST" else 200)


@entrance(POST)
@once
def ignore(request: PersonRequest, pk: int) -> HttpResponse:
    """Set a line aside."""
    line = open_line(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def do() -> str:
            reconcile.ignore(line_id=pk, reason=form.cleaned_data["reason"], by=request.user)
            return _("Set aside.")

        return act(request, pk, do)
    return answer(request, line, "ignore", {"form": form}, status=422 if form.errors else 200)


# many lines to one account --------------------------------------------------------------------------------------------


@entrance(POST)
@once
def code(request: PersonRequest, pk: int) -> HttpResponse:
    """Cash coding: many lines, one account, in one act."""
    account = get_object_or_404(BankAccount, pk=pk)
    asked = request.POST if request.method == "POST" else request.GET
    if "together" in request.GET:
        return _to_match(request, account)
    keys = sorted({int(value) for value in asked.getlist("line") if is_key(value)})[:MOST_LINES]
    lines = list(
        StatementLine.objects.filter(pk__in=keys, bank_account=account, is_void=False)
        .exclude(open_amount=0)
        .order_by("on", "pk")
    )
    back = back_of(request, pk)
    if not lines:
        messages.info(request, _("Choose the lines first."))
        return HttpResponseRedirect(back)
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done, problem = _try(lambda: _code(request, [line.pk for line in lines], form.cleaned_data))
        if done:
            messages.success(request, done)
            return HttpResponseRedirect(back)
        form.add_error(None, problem)
    context = {
        "account": account,
        "lines": lines,
        "total": sum(line.open_amount for line in lines),
        "form": form,
        "back": back,
        "cancel_url": back,
        "crumbs": [(account.name, reverse("finance:reconcile", args=[pk])), (_("Many lines"), "")],
    }
    return render(request, "finance/reconcile/code.html", context, status=422 if form.errors else 200)


def _to_match(request: PersonRequest, account: BankAccount) -> HttpResponse:
    """The chosen lines to the page that matches them in one act."""
    back = back_of(request, account.pk)
    keys = [key for key in request.GET.getlist("line") if is_key(key)][: MOST_TOGETHER + 1]
    if not keys:
        messages.info(request, _("Choose the lines first."))
        return HttpResponseRedirect(back)
    query = urlencode([("with", key) for key in keys[1:]] + [("back", back)])
    return HttpResponseRedirect(f"{reverse('finance:reconcile_match', args=[int(keys[0])])}?{query}")


def _code(request: PersonRequest, keys: list[int], said: dict[str, Any]) -> str:
    outcome = reconcile.entry_or_ask(
        line_ids=keys,
        account=said["account"].pk,
        cost_centre=said["cost_centre"].pk if said["cost_centre"] else None,
        party=said["party"],
        text=said["text"],
        by=request.user,
    )
    if isinstance(outcome, Approval):
        return ngettext(
            "A second person is asked; %(n)s line waits.", "A second person is asked; %(n)s lines wait.", len(keys)
        ) % {"n": len(keys)}
    return ngettext("%(n)s line booked.", "%(n)s lines booked.", len(keys)) % {"n": len(keys)}


def _try(do: Callable[[], str]) -> tuple[str, str]:
    """What the act says, and else what stands in its way."""
    try:
        return do(), ""
    except approvals.AlreadyAsked:
        return "", _("A second person has been asked already.")
    except (Taken, Changed, NeedsSecond, ledger.Refused) as problem:
        return "", words(problem)
