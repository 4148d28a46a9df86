"""Matching rules: what people taught the engine, tried on past lines before it is kept."""

from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge
from finance.forms.match_rules import MatchRuleForm
from finance.models import MatchRule, MatchRuleVersion
from finance.selectors import matching as selectors
from finance.services import rules, second_person

VERSIONS_SHOWN = 12


def _state(rule: MatchRule) -> tuple[str, str]:
    if not rule.is_active:
        return ("attention", _("Proposed")) if rules.is_proposal(rule) else ("quiet", _("Out of force"))
    return ("good", _("Posts by itself")) if rule.is_trusted else ("info", _("Suggests"))


@entrance("finance.match_rule.read")
class RuleList(lists.ListPage):
    key = "finance.match_rules"
    url_name = "finance:match_rules"
    detail_url = "finance:match_rule"
    title = gettext_lazy("Matching rules")
    lead = gettext_lazy(
        "Lines that always mean the same: fees, taxes, transfers. A rule suggests until a manager trusts it."
    )
    default_order = "name"
    empty_text = gettext_lazy("No rule yet. One is proposed after two equal decisions.")
    columns = (
        lists.Column("name", gettext_lazy("Rule"), order=("name", "pk")),
        lists.Column("pattern", gettext_lazy("Words"), value=lambda rule: rule.condition.get("pattern", "")),
        lists.Column("number", gettext_lazy("Version"), kind="number"),
        lists.Column("state", gettext_lazy("State"), value=lambda r: _state(r)[1], cell=lambda r: badge(*_state(r))),
    )

    def queryset(self, user: User) -> QuerySet[MatchRule]:
        last = MatchRuleVersion.objects.filter(rule=OuterRef("pk")).order_by("-number")
        return MatchRule.objects.annotate(
            condition=Subquery(last.values("condition")[:1]), number=Subquery(last.values("number")[:1])
        )

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.match_rule.create"):
            return []
        return [lists.Action(_("New rule"), reverse("finance:match_rule_create"), is_primary=True)]


@entrance("finance.match_rule.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(MatchRule.objects.select_related("trusted_by"), pk=pk)
    versions = list(rule.versions.select_related("made_by").order_by("-number")[:VERSIONS_SHOWN])
    current = selectors.rule_in_words(versions[0])
    context = {
        "rule": rule,
        "state": _state(rule),
        "current": current,
        "versions": versions,
        "used": selectors.used(rule),
        "trial": rules.try_out(current.condition, current.template),
        "may_edit": request.user.may("finance.match_rule.edit"),
        "may_trust": request.user.may("finance.match_rule.create"),
        "waiting": second_person.waiting(rules.TRUST, rule.ref),
        "why_not": "" if rule.is_trusted else rules.why_not_trusted(versions[0]),
        "crumbs": [(rule.name, "")],
        "activity": activity(rule.ref, request.user),
    }
    return render(request, "finance/rules/detail.html", context)


@entrance("finance.match_rule.create")
def create(request: PersonRequest) -> HttpResponse:
    return _form(request, None, [(_("New rule"), "")], reverse("finance:match_rules"))


@entrance("finance.match_rule.edit")
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(MatchRule, pk=pk)
    here = reverse("finance:match_rule", args=[pk])
    return _form(request, rule, [(rule.name, here), (_("Change"), "")], here)


def _form(request: PersonRequest, rule: MatchRule | None, crumbs: list[tuple[str, str]], back: str) -> HttpResponse:
    """Try first, keep then: what is kept is what was tried."""
    version = rule.versions.order_by("-number").first() if rule else None
    form = MatchRuleForm(request.POST or None, rule=rule, version=version)
    context: dict[str, Any] = {"form": form, "rule": rule, "crumbs": crumbs, "cancel_url": back}
    if request.method == "POST" and form.is_valid():
        if "keep" in request.POST and form.cleaned_data["tried"] == form.digest:
            try:
                kept = rules.save(
                    name=form.cleaned_data["name"],
                    condition=form.condition,
                    template=form.template,
                    by=request.user,
                    rule=rule,
                )
            except rules.RuleRefused as problem:
                form.add_error("account_1", str(problem))
            else:
                messages.success(request, _("The rule is kept. It suggests from the next run on."))
                return redirect("finance:match_rule", kept.pk)
        else:
            context["trial"] = rules.try_out(form.condition, form.template)
            data = request.POST.copy()
            data["tried"] = form.digest
            form.data = data
    return render(request, "finance/rules/form.html", context, status=422 if form.errors else 200)


@entrance("finance.match_rule.edit")
@require_POST
def force(request: PersonRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(MatchRule, pk=pk)
    rules.switch(rule, by=request.user, active=request.POST.get("to") == "on")
    return redirect("finance:match_rule", pk)


@entrance("finance.match_rule.create")
@require_POST
def trust(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask another person to let it post by itself, or let it only suggest again."""
    rule = get_object_or_404(MatchRule, pk=pk)
    if request.POST.get("to") != "on":
        rules.switch(rule, by=request.user, distrust=True)
        return redirect("finance:match_rule", pk)
    try:
        rules.ask_trust(rule, by=request.user)
    except (rules.RuleRefused, second_person.Waiting) as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("A second person has been asked; until then it suggests."))
    return redirect("finance:match_rule", pk)
