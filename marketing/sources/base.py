"""What the sources of leads share: rights, undo, and the news to the floors above."""

from typing import TYPE_CHECKING

from django.utils.translation import ngettext

from backoffice.core import events
from backoffice.core.imports import Source

from . import writing

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from backoffice.core.models import ImportBatch


class LeadSource(Source):
    right_create = "marketing.lead_import.create"
    right_post = "marketing.lead_import.post"
    undo_order = ["marketing_deal", "marketing_lead"]

    def obstacles(self, cursor: "CursorWrapper", batch: "ImportBatch") -> list[str]:
        count = writing.talked_about(cursor, batch)
        if not count:
            return []
        text = ngettext(
            "%(count)d lead of this import has comments, tasks or files.",
            "%(count)d leads of this import have comments, tasks or files.",
            count,
        )
        return [text % {"count": count}]

    def undone(self, cursor: "CursorWrapper", batch: "ImportBatch") -> None:
        events.record("marketing.leads_changed", batch_id=batch.pk)
