"""The audit trail as a list, for those who check."""

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from .. import lists, sentences
from ..access import entrance
from ..models import AuditEntry, User

SOURCES = [
    ("web", _("Page")),
    ("worker", _("Worker")),
    ("import", _("Import")),
    ("command", _("Command")),
    ("admin", _("Configuration")),
]


class AuditFilters(lists.ListFilters):
    actor = django_filters.ModelChoiceFilter(
        label=_("Who"), queryset=lambda request: User.objects.order_by("name", "pk")
    )
    action = django_filters.CharFilter(label=_("Action"), lookup_expr="exact", max_length=80)
    subject = django_filters.CharFilter(label=_("Record"), lookup_expr="exact", max_length=120)
    source = django_filters.ChoiceFilter(label=_("From"), choices=SOURCES)
    at = lists.PeriodFilter(field_name="at", label=_("When"))


def _sentence(entry: AuditEntry) -> str:
    return sentences.say(entry.action, entry.data)


def _changes(entry: AuditEntry) -> str:
    changes = entry.data.get("changes", {})
    return "; ".join(f"{name}: {before} → {after}" for name, (before, after) in changes.items())


def _source(entry: AuditEntry) -> str:
    return str(dict(SOURCES).get(entry.source, entry.source))


@entrance("core.audit.read")
class AuditList(lists.ListPage):
    key = "core.audit"
    url_name = "audit"
    title = _("Audit trail")
    lead = _("What was done, by whom, when. Nothing here is ever changed or removed.")
    filters = AuditFilters
    default_order = "-at"
    export_right = "core.audit.export"
    columns = [
        lists.Column("at", _("When"), kind="stamp", order=("pk",)),
        lists.Column("actor_name", _("Who")),
        lists.Column("sentence", _("What"), value=_sentence),
        lists.Column("subject", _("Record"), kind="code"),
        lists.Column("changes", _("Before → after"), value=_changes, optional=True),
        lists.Column("source", _("From"), value=_source),
        lists.Column("action", _("Action"), kind="code", optional=True),
        lists.Column("request_id", _("Request"), kind="code", optional=True),
    ]

    def queryset(self, user: User) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.all()
