"""Whom we deal with: the list."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ..access import entrance
from ..lists import Column, ListPage
from ..models import Party, User


@entrance("core.party.read")
class PartyList(ListPage):
    key = "core.parties"
    url_name = "parties"
    title = _("Parties")
    columns = [
        Column("name", _("Name"), order=("name", "pk")),
        Column("kind", _("Kind"), value=Party.get_kind_display),
        Column("email", _("E-mail")),
        Column("created_at", _("Since"), kind="stamp"),
    ]
    search_fields = ["name"]
    default_order = "name"

    def queryset(self, user: User) -> QuerySet[Party]:
        return Party.objects.all()
