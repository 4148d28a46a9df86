"""Lines that people set aside with a reason, and who works on which line right now."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from backoffice.core import events
from backoffice.core.models import User
from backoffice.core.services import audit
from finance.models import IgnoredLine, LineClaim, StatementLine
from finance.services import ledger

from .errors import Changed, SetAside, taken

CLAIM = timedelta(seconds=90)  # a page renews it while its reader is there


class ReasonMissing(ledger.Refused):
    """Who sets a line aside says why."""


@transaction.atomic
def ignore(*, line_id: int, reason: str, by: User) -> IgnoredLine:
    """Set an open line aside. It stays in transit. Raises ReasonMissing, Taken, Changed."""
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(_("Give the reason."))
    line = StatementLine.objects.select_for_update(no_key=True).filter(pk=line_id, is_void=False).first()
    if line is None:
        raise Changed
    if not line.open_amount:
        raise taken(line=line_id)
    made, is_new = IgnoredLine.objects.get_or_create(line=line, defaults={"reason": reason[:300], "by": by})
    if not is_new:
        raise SetAside(who=str(made.by), when=made.at)
    events.record("finance.line_ignored", line_id=line_id)
    audit.record("finance.line_ignored", line, by=by, reason=made.reason)
    return made


@transaction.atomic
def restore(*, line_id: int, by: User) -> None:
    """Put a line that was set aside back to the open ones. Raises Changed when it is there already."""
    StatementLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
    gone, _kinds = IgnoredLine.objects.filter(line_id=line_id).delete()
    if not gone:
        raise Changed
    events.record("finance.line_restored", line_id=line_id)
    audit.record("finance.line_restored", f"finance.statementline:{line_id}", by=by)


_CLAIM = """
WITH left_behind AS (DELETE FROM finance_lineclaim WHERE person_id = %(person)s AND line_id <> %(line)s)
INSERT INTO finance_lineclaim AS c (line_id, person_id, until) VALUES (%(line)s, %(person)s, %(until)s)
ON CONFLICT (line_id) DO UPDATE SET person_id = excluded.person_id, until = excluded.until
WHERE c.person_id = excluded.person_id OR c.until < %(now)s
RETURNING line_id
"""


def claim(*, line_id: int, by: User, now: datetime) -> LineClaim | None:
    """Say that `by` works on this line now, and on no other; None, or the claim of who was there first."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"line": line_id, "person": by.pk, "until": now + CLAIM, "now": now})
        if cursor.fetchone():
            return None
    return LineClaim.objects.select_related("person").filter(line_id=line_id).exclude(person=by).first()


def who_is_here(bank_account_id: int, *, but: User, now: datetime) -> list[str]:
    """Names of the others who work on lines of this account now."""
    claims = LineClaim.objects.filter(line__bank_account_id=bank_account_id, until__gt=now).exclude(person=but)
    return list(claims.order_by("person__name").values_list("person__name", flat=True).distinct())
