"""Proof that the books are whole: chains of journals first, then everything that follows from their postings."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from backoffice.core.models import User
from backoffice.core.services import audit, notices
from finance.services import day_sums

BROKEN = "finance.books_broken"

# The chain asks for entries and postings in the order of their seals. Sorted and merged on disk, neither is held in
# memory: each step of the plan keeps at most `work_mem`, however long the books are.
_IN_ORDER = """
SET LOCAL enable_hashagg = off; SET LOCAL enable_hashjoin = off; SET LOCAL jit = off; SET LOCAL work_mem = '16MB'
"""

_CHAINS = """
SELECT b.entry_id, b.reason, coalesce(j.code || ' ' || e.year || '/' || e.number, '') AS number
FROM finance_first_broken() b
LEFT JOIN finance_journalentry e ON e.id = b.entry_id LEFT JOIN finance_journal j ON j.id = e.journal_id
"""

# (what is looked at, why it is wrong, rows that are wrong: a name and what was found; nothing when it holds)
_FOLLOWS = [
    (
        "entry",
        "entry without a seal",
        """SELECT e.id::text, '' FROM finance_journalentry e
           WHERE NOT EXISTS (SELECT FROM finance_entryseal s WHERE s.entry_id = e.id) ORDER BY e.id LIMIT 1""",
    ),
    (
        "posting",
        "posting without an entry",
        """SELECT p.id::text, '' FROM finance_posting p
           LEFT JOIN finance_journalentry e ON e.id = p.entry_id AND e."on" = p."on"
           WHERE e.id IS NULL ORDER BY p.id LIMIT 1""",
    ),
    (
        "journal",
        "its head is not its last seal",
        """SELECT j.code, h.seq::text FROM finance_journal j LEFT JOIN finance_journalhead h ON h.journal_id = j.id
           LEFT JOIN LATERAL (SELECT s.seq, s.hash FROM finance_entryseal s WHERE s.journal_id = j.id
                              ORDER BY s.seq DESC LIMIT 1) s ON true
           WHERE h.seq IS NULL OR h.seq <> coalesce(s.seq, 0)
                 OR h.hash <> coalesce(s.hash, sha256(convert_to('journal ' || j.id || ' ' || j.code, 'UTF8')))
           ORDER BY j.id LIMIT 1""",
    ),
    (
        "period",
        "its frozen balances are not its postings",
        """WITH moved AS (
             SELECT r.id AS period_id, p.account_id, p.cost_centre_id, sum(greatest(p.amount, 0)) AS debit,
                    -sum(least(p.amount, 0)) AS credit
             FROM finance_period r JOIN finance_posting p ON p."on" >= r.starts_on AND p."on" < r.ends_on
             WHERE r.state = 'closed' GROUP BY 1, 2, 3
           ), kept AS (
             SELECT b.period_id, b.account_id, b.cost_centre_id, b.debit, b.credit FROM finance_periodbalance b
           ), differ AS (
             (SELECT * FROM moved EXCEPT SELECT * FROM kept) UNION (SELECT * FROM kept EXCEPT SELECT * FROM moved)
           )
           SELECT to_char(r.starts_on, 'YYYY-MM'), a.code FROM differ d JOIN finance_period r ON r.id = d.period_id
           LEFT JOIN finance_account a ON a.id = d.account_id ORDER BY 1, 2 LIMIT 1""",
    ),
    (
        "day",
        "its sums are not its postings",
        f"""WITH {day_sums.FRESH}, moved AS (
             SELECT "on", account_id, cost_centre_id, sum(greatest(amount, 0)) AS debit,
                    -sum(least(amount, 0)) AS credit
             FROM finance_posting GROUP BY 1, 2, 3
           ), kept AS (
             SELECT "on", account_id, cost_centre_id, sum(debit) AS debit, sum(credit) AS credit FROM (
               SELECT "on", account_id, cost_centre_id, debit, credit FROM finance_daybalance
               UNION ALL SELECT "on", account_id, cost_centre_id, greatest(amount, 0), -least(amount, 0) FROM fresh
             ) parts GROUP BY 1, 2, 3
           ), differ AS (
             (SELECT * FROM moved EXCEPT SELECT * FROM kept) UNION (SELECT * FROM kept EXCEPT SELECT * FROM moved)
           )
           SELECT d."on"::text, a.code FROM differ d LEFT JOIN finance_account a ON a.id = d.account_id
           ORDER BY 1, 2 LIMIT 1""",  # noqa: S608
    ),
    (
        "day",
        "its flow of cash is not its postings",
        """WITH told AS (
             SELECT h.journal_id, (s.marks ->> h.journal_id::text)::bigint AS mark, s.money
             FROM finance_journalhead h CROSS JOIN finance_daysummary s
           ), summed AS (
             SELECT p.entry_id, p."on", p.account_id, p.amount, p.account_id = ANY (t.money) AS is_money
             FROM told t JOIN finance_entryseal e ON e.journal_id = t.journal_id AND e.seq <= t.mark
             JOIN finance_posting p ON p.entry_id = e.entry_id
           ), moved AS (
             SELECT "on", account_id, -sum(amount) AS flow FROM summed
             WHERE NOT is_money AND entry_id IN (SELECT entry_id FROM summed WHERE is_money)
             GROUP BY 1, 2 HAVING sum(amount) <> 0
           ), kept AS (
             SELECT "on", account_id, sum(flow) AS flow FROM finance_daybalance GROUP BY 1, 2 HAVING sum(flow) <> 0
           ), differ AS (
             (SELECT * FROM moved EXCEPT SELECT * FROM kept) UNION (SELECT * FROM kept EXCEPT SELECT * FROM moved)
           )
           SELECT d."on"::text, a.code FROM differ d LEFT JOIN finance_account a ON a.id = d.account_id
           ORDER BY 1, 2 LIMIT 1""",
    ),
    (
        "instalment",
        "its balance is not the sum of its postings",
        """WITH moved AS (SELECT instalment_id AS id, sum(amount) AS total FROM finance_posting
                          WHERE instalment_id IS NOT NULL GROUP BY 1)
           SELECT coalesce(i.id, m.id)::text, i.balance::text FROM finance_instalment i FULL JOIN moved m USING (id)
           WHERE i.id IS NULL OR i.balance <> coalesce(m.total, 0) ORDER BY 1 LIMIT 1""",
    ),
    (
        "statement line",
        "its open amount is not the sum of its transit postings",
        """WITH moved AS (SELECT line_id AS id, -sum(amount) AS total FROM finance_posting
                          WHERE line_id IS NOT NULL AND role = 'transit' GROUP BY 1)
           SELECT coalesce(l.id, m.id)::text, l.open_amount::text
           FROM finance_statementline l FULL JOIN moved m USING (id)
           WHERE l.id IS NULL OR l.open_amount <> coalesce(m.total, 0) ORDER BY 1 LIMIT 1""",
    ),
    (
        "books",
        "debits and credits differ",
        "SELECT 'all', sum(amount)::text FROM finance_posting HAVING sum(amount) <> 0",
    ),
]


@dataclass(frozen=True)
class Proof:
    """entries: how many there are.   first_bad: the first entry or row that does not hold, None where all do."""

    entries: int
    first_bad: dict[str, Any] | None

    @property
    def ok(self) -> bool:
        return self.first_bad is None


@transaction.atomic
def verify() -> Proof:
    """Walk every journal's chain in order, then prove what is kept beside the postings; one moment of the books."""
    with connection.cursor() as cursor:
        if not connection.savepoint_ids:  # not inside somebody's transaction
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM finance_journalentry")
        [entries] = cursor.fetchone()
        cursor.execute(_IN_ORDER)
        cursor.execute(_CHAINS)
        if found := cursor.fetchone():
            entry, reason, number = found
            return Proof(entries, {"entry": entry, "number": number, "reason": reason})
        cursor.execute("SET LOCAL enable_hashagg = on; SET LOCAL enable_hashjoin = on")
        for what, reason, question in _FOLLOWS:
            cursor.execute(question)
            if found := cursor.fetchone():
                name, detail = found
                entry = int(name) if what == "entry" else None
                return Proof(entries, {"entry": entry, "what": what, "name": name, "found": detail, "reason": reason})
    return Proof(entries, None)


@transaction.atomic
def tell(proof: Proof, *, on: str) -> None:
    """Say it to finance managers and auditors, once a day: the books do not hold. on: the day, for the key."""
    bad = proof.first_bad or {}
    name = str(bad.get("number") or bad.get("name") or bad.get("entry") or "")
    people = User.objects.filter(is_active=True, groups__name__in=["finance_manager", "auditor"]).distinct()
    subject = f"finance.journalentry:{bad['entry']}" if bad.get("entry") else ""
    notices.tell(
        people.values_list("pk", flat=True),
        kind="books",
        subject=subject,
        text=gettext_noop(
            "The books do not hold at %(name)s: %(reason)s. Stop posting and ask who has database access."
        ),
        key=f"finance.books {on}",
        name=name,
        reason=bad.get("reason", ""),
    )
    audit.record(BROKEN, subject or "finance.journal:0", by=None, name=name, reason=bad.get("reason", ""))
