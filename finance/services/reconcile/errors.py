"""What can stand between a person and a match, in words."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from finance.models import Posting
from finance.services import ledger


class Taken(Exception):
    """Somebody was faster: who and when (None and None: the program, or unknown). Nothing was posted."""

    def __init__(
        self, *, who: str = "", when: datetime | None = None, match: int | None = None, what: str = ""
    ) -> None:
        super().__init__(who, when, match, what)
        self.who, self.when, self.match, self.what = who, when, match, what

    def __str__(self) -> str:
        who = self.who or _("the program")
        if self.what:
            return _("%(what)s was settled by %(who)s meanwhile.") % {"what": self.what, "who": who}
        return _("%(who)s was faster: this line is reconciled already.") % {"who": who}


class SetAside(Taken):
    """Somebody set the line aside meanwhile."""

    def __str__(self) -> str:
        return _("%(who)s set this line aside meanwhile.") % {"who": self.who}


class Changed(Exception):
    """What the page showed is no longer proposed; look again. Nothing was posted."""


class Unbalanced(ledger.Refused):
    """Lines and items do not sum to zero."""


class SecondPersonDid(ledger.Refused):
    """A second person approved it; who could not have approved it does not undo it."""


class NeedsSecond(Exception):
    """This person cannot post it alone; `reason` says why, for a person. Nothing was posted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stranger(NeedsSecond):
    """The line's known payer is none of the parties of the titles; it is asked about with a reason only."""


def taken(*, line: int | None = None, instalment: int | None = None, what: str = "") -> Taken:
    """Who moved the line or the instalment last, as the exception to raise."""
    postings = Posting.objects.select_related("entry__made_by", "entry__match")
    moved = {"line_id": line, "role": "transit"} if line else {"instalment_id": instalment}
    postings = postings.filter(**moved)
    last = postings.order_by("-entry_id").first()
    if last is None:
        return Taken(what=what)
    match = getattr(last.entry, "match", None)
    return Taken(
        who=str(last.entry.made_by or ""), when=last.entry.posted_at, match=match.pk if match else None, what=what
    )


def numbers(found: Iterable[object]) -> str:
    """Names in a row for a sentence, the first three."""
    names = [str(one) for one in found]
    return ", ".join(names[:3]) + ("…" if len(names) > 3 else "")
