"""Who works here: the list, an account, its roles, its end."""

import django_filters
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import lists, selectors
from ..access import entrance
from ..forms import once
from ..http import PersonRequest
from ..models import User
from ..people_forms import InvitationForm
from ..roles import ROLES
from ..services import people, roles
from ..templatetags.display import badge

STATES = [
    ("active", gettext_lazy("Active")),
    ("invited", gettext_lazy("Invited")),
    ("closed", gettext_lazy("Closed")),
]
_TONES = {"active": "good", "invited": "info", "closed": "quiet"}


class PersonFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=STATES, method="in_state")
    role = django_filters.ChoiceFilter(
        label=gettext_lazy("Role"), choices=[(role.key, role.name) for role in ROLES], method="with_role"
    )

    def in_state(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        if value == "closed":
            return rows.filter(is_active=False)
        rows = rows.filter(is_active=True)
        if value == "invited":
            return rows.filter(invitation__accepted_at=None, invitation__isnull=False)
        return rows.exclude(invitation__accepted_at=None, invitation__isnull=False)

    def with_role(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return rows.filter(groups__name=value)


def state_of(user: User) -> str:
    if not user.is_active:
        return "closed"
    invitation = getattr(user, "invitation", None)
    return "invited" if invitation and invitation.accepted_at is None else "active"


def _role_names(user: User) -> str:
    held = {group.name for group in user.groups.all()}
    return ", ".join(str(role.name) for role in roles.named(held))


def _state_name(user: User) -> str:
    return str(dict(STATES)[state_of(user)])


def _state_badge(user: User) -> str:
    return format_html("{}", badge(_TONES[state_of(user)], _state_name(user)))


@entrance("core.person.read")
class PersonList(lists.ListPage):
    key = "core.people"
    url_name = "people"
    detail_url = "person"
    title = gettext_lazy("People")
    lead = gettext_lazy("Who may sign in, and as what.")
    filters = PersonFilters
    search_fields = ["name", "email"]
    default_order = "name"
    tabs = [lists.Tab(key, label, {"state": key}) for key, label in STATES]
    columns = [
        lists.Column("name", gettext_lazy("Name"), order=("name", "pk")),
        lists.Column("email", gettext_lazy("E-mail"), order=("email", "pk")),
        lists.Column("roles", gettext_lazy("Roles"), value=_role_names),
        lists.Column("state", gettext_lazy("State"), value=_state_name, cell=_state_badge),
        lists.Column("last_login", gettext_lazy("Last sign-in"), kind="stamp"),
    ]

    def queryset(self, user: User) -> QuerySet[User]:
        return User.objects.select_related("invitation").prefetch_related("groups")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("core.person.create"):
            return []
        return [lists.Action(_("Invite a person"), reverse("person_invite"), is_primary=True)]


@entrance("core.person.create")
@once
def invite(request: PersonRequest) -> HttpResponse:
    """Roles that should not meet in one hand are named first; a second press confirms them."""
    form = InvitationForm(request.POST or None, initial={"language": get_language()})
    warnings = []
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        warnings = [conflict.text for conflict in roles.conflicts(set(wanted["roles"]))]
        if not warnings or wanted["confirmed"]:
            try:
                user = people.invite(
                    email=wanted["email"],
                    name=wanted["name"],
                    roles=wanted["roles"],
                    language=wanted["language"],
                    by=request.user,
                )
            except people.AlreadyKnown:
                form.add_error("email", _("There is an account with this e-mail already."))
            else:
                messages.info(request, _("%(name)s is invited; the letter is on its way.") % {"name": user.name})
                return redirect("person", user.pk)
    context = {"form": form, "warnings": warnings, "cancel_url": reverse("people")}
    return render(request, "people/invite.html", context, status=422 if form.errors or warnings else 200)


@entrance("core.person.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.select_related("invitation__invited_by"), pk=pk)
    return _show(request, person)


@entrance("core.person.edit")
@require_POST
def role(request: PersonRequest, pk: int) -> HttpResponse:
    """Give or withdraw one role; a role that conflicts with another is asked about first."""
    person, key = get_object_or_404(User, pk=pk), request.POST.get("role", "")
    if key not in {role.key for role in ROLES}:
        raise Http404
    if "withdraw" in request.POST:
        roles.withdraw_role(person, key, by=request.user)
        messages.info(request, _("The role is withdrawn."))
        return redirect("person", pk)
    held = {role.key for role in person.roles}
    new = [conflict.text for conflict in roles.conflicts({*held, key}) if conflict not in roles.conflicts(held)]
    if new and person.pk != request.user.pk and "confirmed" not in request.POST:
        context = {"person": person, "role": roles.named({key})[0], "warnings": new, "cancel_url": _page(person)}
        return render(request, "people/conflict.html", context, status=422)
    roles.give_role(person, key, by=request.user)
    messages.info(request, _("The role is given."))
    return redirect("person", pk)


@entrance("core.person.edit")
def close(request: PersonRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        people.deactivate(person, by=request.user)
        messages.info(request, _("The account is closed; every session has ended."))
        return redirect("person", pk)
    return render(request, "people/close.html", {"person": person, "cancel_url": _page(person)})


@entrance("core.person.edit")
@require_POST
def reopen(request: PersonRequest, pk: int) -> HttpResponse:
    people.reactivate(get_object_or_404(User, pk=pk), by=request.user)
    messages.info(request, _("The account is open again."))
    return redirect("person", pk)


@entrance("core.person.edit")
@require_POST
def invite_again(request: PersonRequest, pk: int) -> HttpResponse:
    people.invite_again(get_object_or_404(User, pk=pk), by=request.user)
    messages.info(request, _("The letter is on its way again."))
    return redirect("person", pk)


@entrance("core.person.edit")
@require_POST
def remove_second_factor(request: PersonRequest, pk: int) -> HttpResponse:
    people.remove_second_factor(get_object_or_404(User, pk=pk), by=request.user)
    messages.info(request, _("The second factor is removed; every session has ended."))
    return redirect("person", pk)


def _page(person: User) -> str:
    return reverse("person", args=[person.pk])


def _show(request: PersonRequest, person: User) -> HttpResponse:
    held = {role.key for role in person.roles} if person.is_active else {g.name for g in person.groups.all()}
    context = {
        "person": person,
        "state": state_of(person),
        "state_name": _state_name(person),
        "tone": _TONES[state_of(person)],
        "held": roles.named(held),
        "open_roles": [role for role in ROLES if role.key not in held],
        "warnings": [conflict.text for conflict in roles.conflicts(held)],
        "has_second_factor": selectors.has_second_factor(person),
        "may_edit": request.user.may("core.person.edit") and request.user.pk != person.pk,
        "is_self": request.user.pk == person.pk,
        "activity": selectors.activity(person.ref, request.user),
    }
    return render(request, "people/detail.html", context)
