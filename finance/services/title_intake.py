"""Open titles from a file: what each row would do, and its writing against the account of opening balances.

`check` reads `stage_titles` and leaves TEMP `title_row`, one per row that fits; `take` issues them as one set. Whom a
row means is found by CPF or CNPJ, else by the whole name; who is not known is made. The same number of the same party
and direction is the same title.
"""

import json
from datetime import date

from django.db.backends.utils import CursorWrapper
from django.utils.translation import get_language
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_noop as _

from backoffice.core.models import ImportBatch, User
from backoffice.core.money import format_money
from backoffice.core.services import parties
from finance.formats.tokens import key_value
from finance.models import Account, BooksSetup, JournalEntry, Posting
from finance.services import ledger, papers, periods, plan, second_person, titles
from finance.services.opening import TO_DETAIL

SOURCE = "open_titles"
MOST_PARTS = 120

DIRECTIONS = {
    "receivable": "receivable", "receber": "receivable", "a receber": "receivable", "r": "receivable",
    "cliente": "receivable", "customer": "receivable", "receita": "receivable", "crédito": "receivable",
    "payable": "payable", "pagar": "payable", "a pagar": "payable", "p": "payable", "fornecedor": "payable",
    "supplier": "payable", "despesa": "payable", "débito": "payable",
}  # fmt: skip

NO_DIRECTION = _("“%(found)s” is neither receivable nor payable.")
NOT_ABOVE_ZERO = _("The amount must be above zero.")
WRONG_PARTS = _("A title has 1 to 120 parts.")
NOT_A_FRACTION = _("The rate lies between 0 and 100 %.")
NOBODY = _("Say whose it is: a name, a CPF or a CNPJ.")
WRONG_TAX_ID = _("A CPF has 11 digits; a CNPJ has 12 letters or digits and 2 check digits.")
SEVERAL = _("Several parties are named “%(found)s”. Give the CPF or CNPJ.")
TWICE = _("The file has this title twice.")
OTHER_AMOUNT = _("This title is here already with another amount.")
DUE_FIRST = _("It falls due before it was issued.")

# Column, reason and the condition under which a row is refused.
_PROBLEMS = [
    ("direction", NO_DIRECTION, "NOT lower(trim(s.direction)) = ANY(%(directions)s)"),
    ("amount", NOT_ABOVE_ZERO, "s.amount <= 0"),
    ("parts", WRONG_PARTS, "s.parts IS NOT NULL AND s.parts NOT BETWEEN 1 AND %(most)s"),
    ("parts", NOT_ABOVE_ZERO, "s.amount * 100 < coalesce(s.parts, 1)"),
    ("discount", NOT_A_FRACTION, "s.discount IS NOT NULL AND NOT (s.discount >= 0 AND s.discount < 100)"),
    ("fine", NOT_A_FRACTION, "s.fine IS NOT NULL AND NOT (s.fine >= 0 AND s.fine < 100)"),
    ("interest", NOT_A_FRACTION, "s.interest IS NOT NULL AND NOT (s.interest >= 0 AND s.interest < 100)"),
    ("due", DUE_FIRST, "s.issued IS NOT NULL AND s.due < s.issued"),
    ("party", NOBODY, "coalesce(trim(s.party), '') = '' AND coalesce(trim(s.tax_id), '') = ''"),
    (
        "tax_id",
        WRONG_TAX_ID,
        "s.tax_id IS NOT NULL AND upper(regexp_replace(s.tax_id, '[^0-9A-Za-z]', '', 'g'))"
        " !~ '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$'",
    ),
]

_ROWS = """
DROP TABLE IF EXISTS title_row;
CREATE TEMP TABLE title_row ON COMMIT DROP AS
SELECT s.file, s.line, row_number() OVER (ORDER BY s.file, s.line) AS key,
       %(direction_of)s::jsonb ->> lower(trim(s.direction)) AS direction, left(trim(s.number), 60) AS number,
       coalesce(nullif(trim(s.party), ''), s.tax_id) AS name, core_plain(trim(s.party)) AS folded,
       upper(regexp_replace(coalesce(s.tax_id, ''), '[^0-9A-Za-z]', '', 'g')) AS tax_id, NULL::bigint AS party_id,
       s.issued, s.due, s.amount, coalesce(s.parts, 1)::int AS parts
FROM stage_titles s WHERE s.problem IS NULL;
UPDATE title_row r SET party_id = p.id FROM core_party p WHERE r.tax_id <> '' AND p.tax_id = r.tax_id;
UPDATE title_row r SET party_id = p.id
FROM (SELECT search, min(id) AS id FROM core_party WHERE search IN (SELECT folded FROM title_row)
      GROUP BY search HAVING count(*) = 1) p
WHERE r.party_id IS NULL AND r.tax_id = '' AND p.search = r.folded;
UPDATE stage_titles s SET problem = %(several)s, problem_column = 'party'
FROM title_row r WHERE r.file = s.file AND r.line = s.line AND r.party_id IS NULL AND r.tax_id = ''
    AND EXISTS (SELECT FROM core_party p WHERE p.search = r.folded);
UPDATE stage_titles s SET problem = %(twice)s, problem_column = 'number'
FROM (SELECT file, line, row_number() OVER (PARTITION BY direction,
          coalesce(party_id::text, nullif(tax_id, ''), folded), upper(number) ORDER BY file, line) AS n
      FROM title_row) t
WHERE t.n > 1 AND t.file = s.file AND t.line = s.line;
UPDATE stage_titles s SET action = CASE WHEN t.id IS NULL THEN 'c' ELSE 's' END,
    problem = CASE WHEN t.id IS NOT NULL AND abs(t.amount) <> r.amount THEN %(other)s ELSE s.problem END,
    problem_column = CASE WHEN t.id IS NOT NULL AND abs(t.amount) <> r.amount THEN 'amount' ELSE s.problem_column END
FROM title_row r LEFT JOIN LATERAL (
    SELECT t.id, t.amount FROM finance_title t
    WHERE t.party_id = r.party_id AND t.direction = r.direction AND upper(t.number) = upper(r.number)
          AND NOT EXISTS (SELECT FROM finance_journalentry e WHERE e.reverses_id = t.entry_id)
    LIMIT 1
) t ON true
WHERE r.file = s.file AND r.line = s.line;
DELETE FROM title_row r USING stage_titles s
WHERE r.file = s.file AND r.line = s.line AND (s.problem IS NOT NULL OR s.action = 's')
"""

_NEW_PARTIES = """
INSERT INTO incoming_party (file, line, source, key, kind, role, name)
SELECT file, line, %(source)s, left(coalesce(nullif(tax_id, ''), folded), 80),
       CASE WHEN length(tax_id) = 14 THEN 'organisation' ELSE 'person' END,
       CASE direction WHEN 'receivable' THEN 'customer' ELSE 'supplier' END, left(name, 200)
FROM title_row WHERE party_id IS NULL
"""

_FIND_PARTIES = """
UPDATE title_row r SET party_id = k.party_id FROM core_partykey k
WHERE r.party_id IS NULL AND k.source = %(source)s AND k.key = left(coalesce(nullif(r.tax_id, ''), r.folded), 80);
UPDATE core_party p SET tax_id = r.tax_id
FROM (SELECT DISTINCT party_id, tax_id FROM title_row WHERE tax_id <> '') r WHERE p.id = r.party_id AND p.tax_id = ''
"""

_TITLES = """
INSERT INTO incoming_title (key, direction, kind, number, party_id, account_id, against_id, journal_id, issued_on,
                            posted_on, text, discount_rate, discount_days, fine_rate, interest_rate, batch_id,
                            made_by_id, approved_by_id, entry_kind)
SELECT r.key, r.direction, 'opening', r.number, r.party_id,
       CASE r.direction WHEN 'receivable' THEN %(receivable)s ELSE %(payable)s END,
       CASE r.direction WHEN 'receivable' THEN %(receivable_against)s ELSE %(payable_against)s END, %(journal)s,
       coalesce(r.issued, least(r.due, %(on)s)), %(on)s, coalesce(s.text, ''), coalesce(s.discount, 0) / 100,
       coalesce(s.discount_days, 0), coalesce(s.fine, 0) / 100, coalesce(s.interest, 0) / 100, %(batch)s, %(by)s,
       %(approved_by)s, 'opening'
FROM title_row r JOIN stage_titles s ON s.file = r.file AND s.line = r.line ORDER BY r.key;
INSERT INTO incoming_instalment (title_key, seq, due_on, amount)
SELECT r.key, n, (r.due + (n - 1) * interval '1 month')::date,
       (CASE r.direction WHEN 'receivable' THEN 1 ELSE -1 END)
       * (floor(r.amount * 100 / r.parts) + CASE WHEN n <= (r.amount * 100)::bigint %% r.parts THEN 1 ELSE 0 END) / 100
FROM title_row r, generate_series(1, r.parts) AS n ORDER BY r.key, n
"""


def check(cursor: CursorWrapper) -> None:
    """Set problem and action of the staged rows; TEMP `title_row` keeps what would be written."""
    for column, reason, wrong in _PROBLEMS:
        cursor.execute(
            "UPDATE stage_titles s SET problem = %(reason)s, problem_column = %(column)s"  # noqa: S608
            f" WHERE problem IS NULL AND ({wrong})",
            {"reason": reason, "column": column, "directions": list(DIRECTIONS), "most": MOST_PARTS},
        )
    cursor.execute(
        _ROWS, {"direction_of": json.dumps(DIRECTIONS), "several": SEVERAL, "twice": TWICE, "other": OTHER_AMOUNT}
    )


def why_not_owed(cursor: CursorWrapper, *, by: User | None) -> str:
    """Why `by` may not write what the checked rows say that we owe, or nothing.

    Once the books are set up, a payable from a file is a bill: who writes it may approve one of that amount.
    """
    if by is None or not BooksSetup.objects.filter(finished_at__isnull=False).exists():
        return ""
    cursor.execute("SELECT coalesce(sum(amount), 0) FROM title_row WHERE direction = 'payable'")
    (owed,) = cursor.fetchone()
    if not owed or by.may(second_person.right_for("finance.bill", owed)):
        return ""
    return translated("It says that %(sum)s is owed: who may approve a bill of that amount writes it.") % {
        "sum": format_money(owed, get_language() or "en")
    }


def take(cursor: CursorWrapper, *, batch: ImportBatch | None, by: User | None = None, today: date) -> int:
    """Issue the checked rows; how many titles. by: who had them written. Raises ledger.Refused."""
    cursor.execute(parties.INCOMING)
    cursor.execute(_NEW_PARTIES, {"source": SOURCE})
    parties.compare(cursor)
    parties.take(cursor, batch=batch)
    cursor.execute(_FIND_PARTIES, {"source": SOURCE})
    accounts = plan.accounts_for("receivable", "payable", "opening")
    on = opening_day(today)
    periods.ensure(on, on)
    titles.begin_titles(cursor)
    cursor.execute(
        _TITLES,
        accounts
        | {f"{name}_against": _against(accounts[name], accounts["opening"]) for name in ("receivable", "payable")}
        | {
            "journal": titles.journals()["opening"],
            "on": on,
            "batch": batch.pk if batch else None,
            "by": batch.received_by_id if batch else None,
            "approved_by": by.pk if by and batch and by.pk != batch.received_by_id else None,
        },
    )
    _copy_keys(cursor)
    return titles.issue_set(cursor)


def _against(control: int, opening: int) -> int:
    """Where an opening title is taken from: the sum that a trial balance left to be detailed, else opening balances."""
    beside = Account.objects.filter(
        parent__children=control, name__iendswith=TO_DETAIL, is_group=False, is_active=True
    ).values_list("pk", flat=True)
    return next((pk for pk in beside if ledger.balance_of(pk)), opening)


def opening_day(today: date) -> date:
    """The day on which the books were opened, where its month still takes postings; else today."""
    first = JournalEntry.objects.filter(kind="opening", reversed_by=None).order_by("on").values_list("on", flat=True)
    found = first.first()
    return papers.open_day(found, today=today) if found else today


def _copy_keys(cursor: CursorWrapper) -> None:
    """Nosso número and txid of titles of one part, as payments are read for them."""
    cursor.execute(
        "SELECT r.key, s.nosso_numero, s.txid FROM title_row r JOIN stage_titles s ON s.file = r.file AND"
        " s.line = r.line WHERE r.parts = 1 AND coalesce(s.nosso_numero, s.txid) IS NOT NULL"
    )
    rows = cursor.fetchall()
    with cursor.copy("COPY incoming_key (title_key, kind, value) FROM STDIN") as copy:
        for key, nosso, txid in rows:
            for kind, text in (("nosso", nosso), ("txid", txid)):
                if text and (value := key_value(kind, text)):
                    copy.write_row((key, kind, value))


def take_back(cursor: CursorWrapper, batch: ImportBatch, *, by: User | None = None, today: date) -> int:
    """Reverse what the import issued; how many. The rows stay: posted is posted. Raises ledger.Refused."""
    ledger.begin_set(cursor)
    cursor.execute(
        'INSERT INTO incoming_entry (journal_id, "on", kind, text, origin, reverses_id, batch_id, made_by_id)'
        " SELECT e.journal_id, %(on)s, 'reversal', e.text, e.origin, e.id, e.batch_id, %(by)s"
        " FROM finance_journalentry e JOIN finance_title t ON t.entry_id = e.id WHERE t.batch_id = %(batch)s"
        " AND NOT EXISTS (SELECT FROM finance_journalentry r WHERE r.reverses_id = e.id) ORDER BY e.id;"
        " INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, instalment_id,"
        " role, text) SELECT i.id, p.seq, p.account_id, -p.amount, p.party_id, p.cost_centre_id, p.instalment_id,"
        " p.role, p.text"
        " FROM incoming_entry i JOIN finance_posting p ON p.entry_id = i.reverses_id",
        {
            "on": papers.open_day(opening_day(today), today=today),
            "batch": batch.pk,
            "by": by.pk if by else None,
        },
    )
    return ledger.post_set(cursor)


def settled(batch: ImportBatch) -> bool:
    """Whether anything of what the import issued was settled, renegotiated or written off since."""
    return Posting.objects.filter(
        instalment__title__batch=batch, role=Posting.Role.PRINCIPAL, entry__reverses=None, entry__reversed_by=None
    ).exists()
