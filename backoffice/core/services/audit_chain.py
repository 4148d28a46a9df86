"""Proof that the trail is whole: each seal follows the one before, holds its entry, and stands where it stood."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from structlog import get_logger

from .. import events
from ..models import AuditAnchor, AuditSeal

ANCHORED = "core.audit_anchored"

log = get_logger(__name__)

# One pass over the chain in order; the database computes each hash anew from the entry as it stands. Entries lie in
# nearly that order: looked up one by one they need no memory, however long the trail is.
_ONE_BY_ONE = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off"
_FIRST_BAD = """
SELECT seq, entry_id, problem, action, subject, at FROM (
    SELECT s.seq, s.entry_id, e.action, e.subject, e.at, CASE
        WHEN s.seq <> coalesce(lag(s.seq) OVER chain, 0) + 1 THEN 'seal missing before it'
        WHEN s.previous <> coalesce(lag(s.hash) OVER chain, '') THEN 'order broken'
        WHEN e.id IS NULL THEN 'entry missing'
        WHEN s.hash <> core_audit_hash(e, s.previous) THEN 'entry changed'
    END AS problem
    FROM core_audit_seal s LEFT JOIN core_audit_entry e ON e.id = s.entry_id
    WINDOW chain AS (ORDER BY s.seq)
) walked WHERE problem IS NOT NULL ORDER BY seq LIMIT 1
"""
_UNSEALED = """
SELECT NULL, e.id, 'entry without a seal', e.action, e.subject, e.at
FROM core_audit_entry e LEFT JOIN core_audit_seal s ON s.entry_id = e.id
WHERE s.seq IS NULL ORDER BY e.id LIMIT 1
"""


@dataclass(frozen=True)
class Proof:
    """rows: entries there are.   first_bad: the first place where the chain does not hold, None where it does."""

    rows: int
    first_bad: dict[str, Any] | None

    @property
    def ok(self) -> bool:
        return self.first_bad is None


@transaction.atomic
def verify(anchors: dict[int, str] | None = None) -> Proof:
    """Walk the whole chain, then compare it with its anchors: those kept here, and others (seq → hash)."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_ONE_BY_ONE)
        cursor.execute("SELECT count(*) FROM core_audit_entry")
        [rows] = cursor.fetchone()
        for question in (_FIRST_BAD, _UNSEALED):
            cursor.execute(question)
            if found := cursor.fetchone():
                names = ("seal", "entry", "problem", "action", "subject", "at")
                return Proof(rows, dict(zip(names, found, strict=True)))
    return Proof(rows, _first_moved(anchors or {}))


def _first_moved(anchors: dict[int, str]) -> dict[str, Any] | None:
    """The first anchor that the chain no longer passes through: its end was cut, or all of it was written anew."""
    expected = {**dict(AuditAnchor.objects.values_list("seq", "hash")), **anchors}
    standing = dict(AuditSeal.objects.filter(seq__in=expected).values_list("seq", "hash"))
    for seq in sorted(expected):
        if standing.get(seq) != expected[seq]:
            return {"seal": seq, "entry": None, "problem": "not what it was when it was anchored"}
    return None


@transaction.atomic
def anchor() -> AuditSeal | None:
    """Keep the head of the chain and say it aloud, once: in the log and auditors' letters nobody takes it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core_audit_anchor'))")
    head = AuditSeal.objects.order_by("-seq").first()
    if head is not None and not AuditAnchor.objects.filter(seq=head.seq).exists():
        AuditAnchor.objects.create(seq=head.seq, hash=head.hash)
        log.info(ANCHORED, seq=head.seq, hash=head.hash)
        events.record(ANCHORED, seq=head.seq, hash=head.hash)
    return head
