"""Titles come into the books: one by one, or a whole set from TEMP tables. services/settlement.py settles them.

Amounts are signed like the ledger: a receivable of 100 is 100.00, a payable of 50 is -50.00, a customer's credit is a
receivable below zero. A title, its parts, the keys by which payments name them and its entry come in one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Party, User
from backoffice.core.services import numbering
from finance.formats.tokens import document_keys, key_value, part_keys
from finance.models import CostCentre, Instalment, InstalmentKey, Journal, JournalEntry, Posting, Title
from finance.services import ledger, plan
from finance.services.ledger import Line
from finance.terms import Terms

CONTROL = {Title.Direction.RECEIVABLE: "receivable", Title.Direction.PAYABLE: "payable"}
CREDIT = {Title.Direction.RECEIVABLE: "customer_advance", Title.Direction.PAYABLE: "supplier_advance"}
JOURNAL = {Title.Direction.RECEIVABLE: Journal.Kind.SALES, Title.Direction.PAYABLE: Journal.Kind.PURCHASES}


class WrongParts(ledger.Refused):
    """The parts, their signs or the lines against them do not make a title."""


@dataclass(frozen=True)
class Part:
    """One instalment to be. amount: signed. keys: (InstalmentKey.Kind, value) besides the document number's own."""

    due_on: date
    amount: Decimal
    keys: tuple[tuple[str, str], ...] = ()


def sign_of(direction: str, kind: str) -> int:
    """The sign of a title's amount: debit for what is owed to us and for suppliers' credits."""
    debit = (direction == Title.Direction.RECEIVABLE) != (kind == Title.Kind.CREDIT)
    return 1 if debit else -1


@transaction.atomic
def issue(
    *,
    direction: str,
    kind: str,
    number: str,
    party: Party,
    issued_on: date,
    instalments: Sequence[Part],
    against: Sequence[Line],
    account: int | None = None,
    terms: Terms | None = None,
    origin: str = "",
    by: User | None = None,
    approved_by: User | None = None,
    text: str = "",
    cost_centre: CostCentre | None = None,
    posted_on: date | None = None,
    batch: int | None = None,
) -> Title:
    """One title with its parts, posted: the parts on the control account, `against` on the others; all sum to zero.

    account: the control account; default by direction and kind. posted_on: the day of competence, default `issued_on`.
    Raises WrongParts, ledger.Refused.
    """
    entry = ledger.next_entry()
    title, lines = prepare(
        entry=entry,
        direction=direction,
        kind=kind,
        number=number,
        party=party,
        issued_on=issued_on,
        instalments=instalments,
        account=account,
        terms=terms,
        origin=origin,
        text=text,
        cost_centre=cost_centre,
        batch=batch,
    )
    opening = kind == Title.Kind.OPENING
    ledger.post(
        journal=Journal.Kind.OPENING if opening else JOURNAL[Title.Direction(direction)],
        kind=JournalEntry.Kind.OPENING if opening else JournalEntry.Kind.AUTOMATIC,
        on=posted_on or issued_on,
        text=text or f"{party.name} {number}",
        lines=[*lines, *against],
        origin=origin or title.ref,
        by=by,
        approved_by=approved_by,
        batch=batch,
        entry=entry,
    )
    return title


def prepare(
    *,
    entry: int,
    direction: str,
    kind: str,
    number: str,
    party: Party,
    issued_on: date,
    instalments: Sequence[Part],
    account: int | None = None,
    terms: Terms | None = None,
    origin: str = "",
    text: str = "",
    cost_centre: CostCentre | None = None,
    batch: int | None = None,
) -> tuple[Title, list[Line]]:
    """A title's rows and the postings that give them their balance, for the entry that the caller posts with that id.

    Raises WrongParts.
    """
    sign = sign_of(direction, kind)
    if not instalments or any(part.amount * sign <= 0 for part in instalments):
        raise WrongParts(_("A title has one part or more, and each part an amount above zero."))
    terms = terms or Terms()
    control = (
        account or plan.account_for((CREDIT if kind == Title.Kind.CREDIT else CONTROL)[Title.Direction(direction)]).pk
    )
    title = Title.objects.create(
        direction=direction,
        kind=kind,
        number=number,
        party=party,
        account_id=control,
        cost_centre=cost_centre,
        origin=origin,
        issued_on=issued_on,
        amount=sum((part.amount for part in instalments), Decimal("0.00")),
        text=text[:300],
        discount_rate=terms.discount_rate,
        discount_days=terms.discount_days,
        fine_rate=terms.fine_rate,
        interest_rate=terms.interest_rate,
        entry_id=entry,
        batch_id=batch,
    )
    made = Instalment.objects.bulk_create(
        Instalment(title=title, seq=seq, party=party, due_on=part.due_on, amount=part.amount)
        for seq, part in enumerate(instalments, 1)
    )
    documents = sorted(document_keys(number))
    InstalmentKey.objects.bulk_create(
        InstalmentKey(instalment=row, kind=key_kind, value=value)
        for row, part in zip(made, instalments, strict=True)
        for key_kind, value in dict.fromkeys(
            [("doc", key) for key in documents]
            + [("doc", key) for key in (sorted(part_keys(number, row.seq)) if len(made) > 1 else ())]
            + [(kind_of, key_value(kind_of, text)) for kind_of, text in part.keys]
        )
        if value
    )
    lines = [
        Line(
            control,
            row.amount,
            party=party.pk,
            cost_centre=cost_centre.pk if cost_centre else None,
            instalment=row.pk,
            role=Posting.Role.ISSUE,
        )
        for row in made
    ]
    return title, lines


def credit(
    *, direction: str, party: Party, amount: Decimal, on: date, entry: int, origin: str = "", text: str = ""
) -> Line:
    """A party's credit (advance, overpayment) as a title of its own; the posting that belongs into the entry `entry`.

    amount: above zero, BRL. The line is a credit for a customer, a debit for a supplier.
    """
    sign = sign_of(direction, Title.Kind.CREDIT)
    _title, lines = prepare(
        entry=entry,
        direction=direction,
        kind=Title.Kind.CREDIT,
        number=f"CR{on.year}/{numbering.next_number('finance.credit', year=on.year):06}",
        party=party,
        issued_on=on,
        instalments=[Part(on, sign * amount)],
        origin=origin,
        text=text,
    )
    return lines[0]


# Whole sets -------------------------------------------------------------------------------------------------------

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_title (
    key bigint NOT NULL,  -- the caller's own, once
    id bigint NOT NULL DEFAULT nextval(pg_get_serial_sequence('finance_title', 'id')),
    entry_id bigint NOT NULL DEFAULT nextval(pg_get_serial_sequence('finance_journalentry', 'id')),
    direction text NOT NULL, kind text NOT NULL, number text NOT NULL, party_id bigint NOT NULL,
    account_id bigint NOT NULL, against_id bigint NOT NULL, journal_id bigint NOT NULL,  -- against: one account
    cost_centre_id bigint, origin text NOT NULL DEFAULT '', issued_on date NOT NULL,
    posted_on date,  -- the day of competence; NULL: issued_on
    text text NOT NULL DEFAULT '', discount_rate numeric NOT NULL DEFAULT 0, discount_days smallint NOT NULL DEFAULT 0,
    fine_rate numeric NOT NULL DEFAULT 0, interest_rate numeric NOT NULL DEFAULT 0, batch_id bigint, made_by_id bigint,
    approved_by_id bigint,
    entry_kind text NOT NULL DEFAULT 'automatic'
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS incoming_instalment (
    title_key bigint NOT NULL, seq smallint NOT NULL,
    id bigint NOT NULL DEFAULT nextval(pg_get_serial_sequence('finance_instalment', 'id')),
    due_on date NOT NULL, amount numeric(18, 2) NOT NULL  -- signed
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS incoming_key (
    title_key bigint NOT NULL, seq smallint,  -- NULL: every part
    kind text NOT NULL, value text NOT NULL  -- as formats.tokens.key_value gives it
) ON COMMIT DROP;
TRUNCATE incoming_title, incoming_instalment, incoming_key;
"""

_TITLES = """
INSERT INTO finance_title (id, direction, kind, number, party_id, account_id, cost_centre_id, origin, issued_on, amount,
                           text, discount_rate, discount_days, fine_rate, interest_rate, entry_id, batch_id, version)
SELECT t.id, t.direction, t.kind, t.number, t.party_id, t.account_id, t.cost_centre_id, t.origin, t.issued_on, p.amount,
       left(t.text, 300), t.discount_rate, t.discount_days, t.fine_rate, t.interest_rate, t.entry_id, t.batch_id, 1
FROM incoming_title t JOIN (SELECT title_key, sum(amount) AS amount FROM incoming_instalment GROUP BY title_key) p
    ON p.title_key = t.key
"""

_INSTALMENTS = """
INSERT INTO finance_instalment (id, title_id, seq, party_id, due_on, amount, balance)
SELECT i.id, t.id, i.seq, t.party_id, i.due_on, i.amount, 0
FROM incoming_instalment i JOIN incoming_title t ON t.key = i.title_key
"""

_KEYS = """
INSERT INTO finance_instalmentkey (instalment_id, kind, value)
SELECT DISTINCT i.id, k.kind, left(k.value, 80)
FROM incoming_key k JOIN incoming_instalment i ON i.title_key = k.title_key AND (k.seq IS NULL OR k.seq = i.seq)
"""

_ENTRIES = """
INSERT INTO incoming_entry (id, journal_id, "on", kind, text, origin, made_by_id, approved_by_id,
                            batch_id, key)
SELECT t.entry_id, t.journal_id, coalesce(t.posted_on, t.issued_on), t.entry_kind,
       coalesce(nullif(t.text, ''), t.number), coalesce(nullif(t.origin, ''), 'finance.title:' || t.id), t.made_by_id,
       t.approved_by_id, t.batch_id, t.key
FROM incoming_title t WHERE t.entry_id > %(after)s AND t.entry_id <= %(last)s
"""

_POSTINGS = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, instalment_id, role)
SELECT t.entry_id, i.seq, t.account_id, i.amount, t.party_id, t.cost_centre_id, i.id, 'issue'
FROM incoming_title t JOIN incoming_instalment i ON i.title_key = t.key
WHERE t.entry_id > %(after)s AND t.entry_id <= %(last)s;
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id)
SELECT t.entry_id, max(i.seq) + 1, t.against_id, -sum(i.amount), t.party_id, t.cost_centre_id
FROM incoming_title t JOIN incoming_instalment i ON i.title_key = t.key
WHERE t.entry_id > %(after)s AND t.entry_id <= %(last)s
GROUP BY t.entry_id, t.against_id, t.party_id, t.cost_centre_id
"""

# What a party must not be named by before it can be removed; `a.party_id` is the party.
UNUSED_PARTY = """NOT EXISTS (SELECT FROM finance_title t WHERE t.party_id = a.party_id)
    AND NOT EXISTS (SELECT FROM finance_posting p WHERE p.party_id = a.party_id)"""

AT_ONCE = 100_000  # entries a statement; what the sealing trigger holds in memory


def begin_titles(cursor: CursorWrapper) -> None:
    """Have TEMP `incoming_title`, `incoming_instalment` and `incoming_key`, empty, in the caller's transaction."""
    cursor.execute(INCOMING)


def issue_set(cursor: CursorWrapper, *, keys: bool = True) -> int:
    """Issue what the caller put into the incoming tables; how many titles. The tables keep the rows with their ids.

    Document keys follow from the numbers and `incoming_key` takes others; keys=False: no payment will name them.
    Months must be there (`periods.ensure`).
    Raises ledger.Refused or one of its kinds; then nothing of the set is issued.
    """
    with ledger.refusals():
        cursor.execute("ANALYZE incoming_title, incoming_instalment")
        cursor.execute(_TITLES)
        made = int(cursor.rowcount)
        cursor.execute(_INSTALMENTS)
        if keys:
            _copy_document_keys(cursor)
            cursor.execute(_KEYS)
        cursor.execute(
            "SELECT entry_id FROM (SELECT entry_id, row_number() OVER (ORDER BY entry_id) AS n, count(*) OVER () AS of"
            " FROM incoming_title) t WHERE n %% %s = 0 OR n = of ORDER BY entry_id",
            [AT_ONCE],
        )
        after = 0
        for (last,) in cursor.fetchall():
            ledger.begin_set(cursor)
            cursor.execute(_ENTRIES, {"after": after, "last": last})
            cursor.execute(_POSTINGS, {"after": after, "last": last})
            ledger.post_set(cursor, rows_locked=True)
            after = last
    return made


def _copy_document_keys(cursor: CursorWrapper) -> None:
    """Name every part by its title's number, one of several by its own too, in the form that lines are read in."""
    cursor.execute("SELECT key, number FROM incoming_title")
    rows = cursor.fetchall()
    cursor.execute(
        "SELECT key, number, seq FROM incoming_title JOIN incoming_instalment ON title_key = key"
        " WHERE key IN (SELECT title_key FROM incoming_instalment WHERE seq > 1)"
    )
    parts = cursor.fetchall()
    with cursor.copy("COPY incoming_key (title_key, seq, kind, value) FROM STDIN") as copy:
        for key, number in rows:
            for value in document_keys(number):
                copy.write_row((key, None, "doc", value))
        for key, number, seq in parts:
            for value in part_keys(number, seq):
                copy.write_row((key, seq, "doc", value))


def journals() -> dict[str, int]:
    """Kind of journal → the id of the one that the program posts into."""
    found: dict[str, int] = {}
    for pk, kind in Journal.objects.order_by("-pk").values_list("pk", "kind"):
        found[kind] = pk
    return found


def lock(instalments: Iterable[int]) -> dict[int, Instalment]:
    """The instalments with their titles, locked in the one order in which everybody locks them."""
    rows = Instalment.objects.select_for_update(of=("self",), no_key=True).select_related(
        "title__party", "title__account"
    )
    return {row.pk: row for row in rows.filter(pk__in=list(instalments)).order_by("pk")}
