"""The same days in another format: nothing of a line but its day and amount is certain to look the same there.

Lines are recognised by all that the bank says of them (finance/formats/keys.py), so the OFX of a day and the CSV of it
share no key, and both would be taken. What is asked here is how many of the new lines have the day and amount of lines
that the account holds and this file does not name: of another file then, each of them counted once. Not meant are two
files of one format whose references tell the lines apart: a bank that sends each hour what is new. Its words repeated
under another reference are meant again: some banks number anew each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.core.models import ImportBatch
from backoffice.core.templatetags.display import day, number

from . import statement_books as books
from .statement_stage import Part

_TWICE = """
WITH days AS MATERIALIZED (
    SELECT d."on" FROM (SELECT DISTINCT "on" FROM stage_line WHERE part = %(part)s) d
    WHERE EXISTS (SELECT 1 FROM finance_statementline l
                  WHERE l.bank_account_id = %(account)s AND l."on" = d."on" AND NOT l.is_void)
          OR EXISTS (SELECT 1 FROM stage_line s WHERE s.part = ANY(%(earlier)s) AND s."on" = d."on")
), filed AS MATERIALIZED (
    SELECT "on", amount, text, reference, key, row_number() OVER (PARTITION BY key ORDER BY seq) AS nth
    FROM stage_line JOIN days USING ("on") WHERE part = %(part)s
), others AS MATERIALIZED (  -- of other imports, and of this one's earlier parts what those do not hold
    SELECT DISTINCT ON (key, nth) * FROM (
        SELECT l."on", l.amount, l.text, l.reference, l.key, s.format, 0 AS part,
               row_number() OVER (PARTITION BY l.key ORDER BY l.occurrence) AS nth
        FROM days JOIN finance_statementline l ON l.bank_account_id = %(account)s AND l."on" = days."on"
        JOIN finance_statement s ON s.id = l.statement_id
        WHERE NOT l.is_void AND s.batch_id IS DISTINCT FROM %(batch)s
        UNION ALL
        SELECT s."on", s.amount, s.text, s.reference, s.key, p.format, s.part,
               row_number() OVER (PARTITION BY s.part, s.key ORDER BY s.seq)
        FROM days JOIN stage_line s USING ("on")
        JOIN unnest(%(earlier)s::int[], %(formats)s::text[]) AS p (part, format) ON p.part = s.part
    ) o ORDER BY key, nth, part
), known AS (
    SELECT f.key, f.n, greatest(k.n, coalesce((SELECT max(o.nth) FROM others o WHERE o.key = f.key), 0)) AS held
    FROM (SELECT key, count(*) AS n FROM filed GROUP BY 1) f CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM finance_statementline l
        WHERE l.bank_account_id = %(account)s AND l.key = f.key AND NOT l.is_void) k
), new AS MATERIALIZED (
    SELECT f.* FROM filed f JOIN known k USING (key) WHERE f.nth > k.held
), spare AS (
    SELECT o.* FROM others o LEFT JOIN known k USING (key)
    WHERE o.nth > coalesce(k.n, 0) AND (
        o.format <> %(format)s OR o.reference = '' OR EXISTS (
            SELECT 1 FROM new n WHERE n."on" = o."on" AND n.amount = o.amount
                                      AND (n.reference = '' OR n.text = o.text)))
), met AS (
    SELECT n."on", n.n, least(n.n, coalesce(s.n, 0)) AS twice, s.formats
    FROM (SELECT "on", amount, count(*) AS n FROM new GROUP BY 1, 2) n
    LEFT JOIN (SELECT "on", amount, count(*) AS n, array_agg(DISTINCT format) AS formats FROM spare GROUP BY 1, 2) s
        USING ("on", amount)
)
SELECT coalesce(sum(n), 0)::bigint, coalesce(sum(twice), 0)::bigint, min("on") FILTER (WHERE twice > 0),
       max("on") FILTER (WHERE twice > 0),
       (SELECT array_agg(DISTINCT f ORDER BY f) FROM met m CROSS JOIN unnest(m.formats) f WHERE m.twice > 0)
FROM met
"""


@dataclass(frozen=True)
class Twice:
    """New lines of one part that seem to be held already, among its new ones of days that the account has lines of."""

    part: int
    new: int
    twice: int
    first: date
    last: date
    formats: list[str]


def look(parts: Sequence[Part], new: Sequence[books.New], batch: ImportBatch) -> list[Twice]:
    """The parts of which more than half would be taken a second time. Asked of the stage."""
    fresh = {row.part for row in new}
    found = []
    for place, part in enumerate(parts):
        if part.number in fresh:
            earlier = [one for one in parts[:place] if one.account == part.account]
            if (one := _of(part, earlier, batch)) and 2 * one.twice > one.new:
                found.append(one)
    return found


def _of(part: Part, earlier: Sequence[Part], batch: ImportBatch) -> Twice | None:
    values: dict[str, Any] = {
        "part": part.number,
        "account": part.account,
        "format": part.format[:12],
        "batch": batch.pk,
        "earlier": [one.number for one in earlier],
        "formats": [one.format[:12] for one in earlier],
    }
    with connection.cursor() as cursor:
        cursor.execute(_TWICE, values)
        new, twice, first, last, formats = cursor.fetchone()
    return Twice(part.number, new, twice, first, last, formats) if twice else None


def words(one: Twice) -> str:
    """What was found, what is expected, what to do."""
    formats = ", ".join(name.upper() for name in one.formats)
    if one.new == 1:
        told = _("The new line of %(first)s has the day and amount of a line that the account holds from %(formats)s.")
    else:
        told = ngettext(
            "%(twice)s of %(new)s new lines has the day and amount of a line that the account holds from %(formats)s,"
            " from %(first)s to %(last)s.",
            "%(twice)s of %(new)s new lines have the day and amount of lines that the account holds from %(formats)s,"
            " from %(first)s to %(last)s.",
            one.twice,
        )
    told %= {
        "twice": number(one.twice),
        "new": number(one.new),
        "formats": formats,
        "first": day(one.first),
        "last": day(one.last),
    }
    asked = _(
        "A movement is expected once, in whatever format it comes. Compare some of them: if they are the same, discard"
        " this import; if they are others, confirm it on its page."
    )
    return f"{told} {asked}"


def told(counts: dict[str, Any], found: Sequence[Twice]) -> dict[str, Any]:
    """What a batch's counts say of it."""
    kept = {one.part: {**vars(one), "first": one.first.isoformat(), "last": one.last.isoformat()} for one in found}
    parts = [part | {"twice": kept.get(place)} for place, part in enumerate(counts.get("parts", []))]
    return {"confirm": sum(one.twice for one in found), "parts": parts}


def is_confirmed(batch: ImportBatch, found: Sequence[Twice]) -> bool:
    """Whether a person has said of so many lines that they are others."""
    return sum(one.twice for one in found) <= int(batch.mapping.get("confirmed", {}).get("doubts", 0))
