"""What must hold: after each step for all that the step touched, and now and then for everything there is.

The step's reader is a function in the simulated database, so that its plans are kept. It tells what is new since the
last step and how the instalments and lines that were touched, or should not have been, look now. `after` compares
that with the effect that was foretold and lets the world know; `everything` asks plain questions about the whole books.
"""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from finance.services import proof
from finance.services.ledger import Line

from . import reports
from .world import BankLine, Effect, Entry, Part, World, within

_READER = r"""
CREATE OR REPLACE FUNCTION simulator_look(since bigint, titles_since bigint, lines_since bigint, parts bigint[],
                                          rows bigint[], old bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entries json; postings json; seen_parts json; seen_lines json; births json; old_one json;
BEGIN
    SELECT json_agg(json_build_object('id', e.id, 'journal', e.journal_id, 'year', e.year, 'number', e.number,
        'on', e."on", 'kind', e.kind, 'reverses', e.reverses_id, 'seq', s.seq, 'hash', encode(s.hash, 'hex'),
        'chained', encode(sha256(coalesce(before.hash, sha256(convert_to('journal ' || j.id || ' ' || j.code, 'UTF8')))
                          || convert_to(finance_entry_text(e, b.text), 'UTF8')), 'hex'),
        'match', m.id, 'batch', e.batch_id) ORDER BY s.journal_id, s.seq)
    INTO entries
    FROM finance_journalentry e
    JOIN finance_journal j ON j.id = e.journal_id
    LEFT JOIN finance_entryseal s ON s.entry_id = e.id
    LEFT JOIN finance_entryseal before ON before.journal_id = e.journal_id AND before.seq = s.seq - 1
    LEFT JOIN finance_match m ON m.entry_id = e.id
    LEFT JOIN LATERAL (
        SELECT string_agg(finance_posting_text(p.seq, p.account_id, p."on", p.amount, p.party_id, p.cost_centre_id,
                                               p.instalment_id, p.line_id, p.role, p.text), ';' ORDER BY p.seq) AS text
        FROM finance_posting p WHERE p.entry_id = e.id
    ) b ON true
    WHERE e.id > since;
    IF entries IS NOT NULL THEN
        SELECT json_agg(json_build_array(p.entry_id, p.account_id, p.amount, p.party_id, p.cost_centre_id,
                                         p.instalment_id, p.line_id, p.role, p."on") ORDER BY p.entry_id, p.seq)
        INTO postings FROM finance_posting p WHERE p.entry_id > since;
        parts := parts || ARRAY(SELECT instalment_id FROM finance_posting
                                WHERE entry_id > since AND instalment_id IS NOT NULL);
        rows := rows || ARRAY(SELECT line_id FROM finance_posting WHERE entry_id > since AND line_id IS NOT NULL);
    END IF;
    parts := parts || ARRAY(SELECT id FROM finance_instalment WHERE id > titles_since);
    rows := rows || ARRAY(SELECT id FROM finance_statementline WHERE id > lines_since);
    SELECT json_agg(json_build_object('id', i.id, 'amount', i.amount, 'balance', i.balance, 'party', i.party_id,
        'account', t.account_id, 'settled', i.settled_on, 'born', i.id > titles_since,
        'postings', (SELECT sum(p.amount) FROM finance_posting p WHERE p.instalment_id = i.id),
        'issued', EXISTS (SELECT FROM finance_journalentry e WHERE e.id = t.entry_id)) ORDER BY i.id)
    INTO seen_parts FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id WHERE i.id = ANY(parts);
    SELECT json_agg(json_build_object('id', l.id, 'amount', l.amount, 'open', l.open_amount, 'bank', l.bank_account_id,
        'on', l."on", 'void', l.is_void, 'born', l.id > lines_since, 'transit', q.transit, 'ledger', q.bank,
        'matched', q.matched) ORDER BY l.id)
    INTO seen_lines FROM finance_statementline l CROSS JOIN LATERAL (
        SELECT sum(p.amount) FILTER (WHERE p.role = 'transit') AS transit,
               sum(p.amount) FILTER (WHERE p.role = 'bank') AS bank,
               sum(p.amount) FILTER (WHERE p.role = 'transit' AND m.id IS NOT NULL AND r.id IS NULL) AS matched
        FROM finance_posting p LEFT JOIN finance_match m ON m.entry_id = p.entry_id
        LEFT JOIN finance_journalentry r ON r.reverses_id = p.entry_id WHERE p.line_id = l.id
    ) q WHERE l.id = ANY(rows);
    SELECT json_build_object('hash', encode(s.hash, 'hex'), 'chained', encode(sha256(coalesce(before.hash,
        sha256(convert_to('journal ' || j.id || ' ' || j.code, 'UTF8'))) || convert_to(finance_entry_text(e, (
            SELECT string_agg(finance_posting_text(p.seq, p.account_id, p."on", p.amount, p.party_id, p.cost_centre_id,
                p.instalment_id, p.line_id, p.role, p.text), ';' ORDER BY p.seq)
            FROM finance_posting p WHERE p.entry_id = e.id)), 'UTF8')), 'hex'))
    INTO old_one FROM finance_journalentry e JOIN finance_journal j ON j.id = e.journal_id
    LEFT JOIN finance_entryseal s ON s.entry_id = e.id
    LEFT JOIN finance_entryseal before ON before.journal_id = s.journal_id AND before.seq = s.seq - 1
    WHERE e.id = old;
    RETURN json_build_object('entries', entries, 'postings', postings, 'parts', seen_parts, 'lines', seen_lines,
        'old', old_one)::text;
END $$
"""


class Checker:
    def __init__(self, world: World) -> None:
        self.world = world
        self._sealed: dict[int, tuple[int, str]] = {}
        self.bank_of = {bank.account_id for bank in world.banks.values()}
        with connection.cursor() as cursor:
            cursor.execute(_READER)
            cursor.execute(
                "SELECT (SELECT coalesce(max(id), 0) FROM finance_journalentry),"
                " (SELECT coalesce(max(id), 0) FROM finance_instalment),"
                " (SELECT coalesce(max(id), 0) FROM finance_statementline)"
            )
            self.entry, self.part, self.line = cursor.fetchone()  # all up to here were looked at

    def after(self, foretold: list[Effect] | None) -> tuple[list[str], Effect]:
        """What is wrong after a step, and what it did. foretold: effects of which one must have come; None: any."""
        world, wrong = self.world, list[str]()
        parts = sorted({key for effect in foretold or [] for key in effect.parts})
        lines = sorted({key for effect in foretold or [] for key in effect.lines})
        old = world.chance.choice(world.order) if world.order else 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT simulator_look(%s, %s, %s, %s::bigint[], %s::bigint[], %s)",
                [self.entry, self.part, self.line, parts, lines, old],
            )
            seen = json.loads(cursor.fetchone()[0], parse_float=Decimal)
        if seen["old"] and seen["old"]["hash"] != seen["old"]["chained"]:
            wrong.append(f"entry {old}, posted before, is no longer what was sealed")
        done = self._adopt(seen, wrong)
        done.parts_born.sort()
        done.lines_born.sort()
        if foretold is not None and all(effect.moves() != done.moves() for effect in foretold):
            wrong.append(f"did {done}; foretold was {' or '.join(map(str, foretold))}")
        self._totals(wrong)
        return wrong, done

    def _adopt(self, seen: dict[str, Any], wrong: list[str]) -> Effect:
        """Compare what is new with itself and with what was, then make the world like it."""
        world, done = self.world, Effect()
        by_entry: dict[int, list[Line]] = {}
        for entry, account, amount, party, centre, part, line, role, on in seen["postings"] or []:
            by_entry.setdefault(entry, []).append(Line(account, amount, party, centre, part, line, role))
            world.ledger[account] += amount
            done.accounts[account] += amount
            if account in self.bank_of and line is None:
                world.documents[account] += amount  # an opening, or money moved without a statement
            if world.month_of(date.fromisoformat(on)).state == "closed":
                wrong.append(f"entry {entry} was posted into {on[:7]}, which is closed")
        for row in seen["entries"] or []:
            lines = by_entry.get(row["id"], [])
            self._entry(row, lines, wrong)
            done.entries += 1
            self.entry = max(self.entry, row["id"])
            world.entries[row["id"]] = Entry(
                row["id"],
                date.fromisoformat(row["on"]),
                lines,
                match=row["match"],
                batch=row["batch"],
                is_reversal=row["reverses"] is not None,
                by_two=row["kind"] == "manual",
            )
            world.order.append(row["id"])
            if row["batch"]:
                world.batches[row["batch"]].append(world.entries[row["id"]])
            if row["reverses"] in world.entries:
                world.entries[row["reverses"]].reversed = True
        for row in seen["parts"] or []:
            self._part(row, done, wrong)
        for row in seen["lines"] or []:
            self._line(row, done, wrong)
        return done

    def _entry(self, row: dict[str, Any], lines: list[Line], wrong: list[str]) -> None:
        world, name = self.world, f"entry {row['id']}"
        if len(lines) < 2 or sum(line.amount for line in lines) != 0:
            wrong.append(f"{name} does not balance")
        if row["seq"] is None or row["hash"] != row["chained"]:
            wrong.append(f"{name} is not sealed, or not as it is")
        place, _hash = world.heads.get(row["journal"], (0, ""))
        if row["seq"] != place + 1:
            wrong.append(f"{name} is at place {row['seq']} of its chain, after {place}")
        if row["number"] != world.numbers[row["journal"], row["year"]] + 1:
            wrong.append(f"{name} has number {row['number']} after {world.numbers[row['journal'], row['year']]}")
        world.heads[row["journal"]] = (row["seq"], row["hash"])
        world.numbers[row["journal"], row["year"]] = row["number"]

    def _part(self, row: dict[str, Any], done: Effect, wrong: list[str]) -> None:
        world, name = self.world, f"instalment {row['id']}"
        part = world.parts.get(row["id"])
        if row["born"]:
            part = world.parts[row["id"]] = Part(row["id"], row["amount"], row["party"], row["account"])
            self.part = max(self.part, row["id"])
            if not row["issued"]:
                wrong.append(f"{name} has no entry")
        assert part is not None
        if row["balance"] != (row["postings"] or 0):
            wrong.append(f"{name} is open by {row['balance']}, its postings say {row['postings']}")
        if not within(row["balance"], row["amount"]):
            wrong.append(f"{name} is open by {row['balance']} of {row['amount']}")
        if (row["settled"] is not None) != (row["balance"] == 0):
            wrong.append(f"{name} is open by {row['balance']} and settled on {row['settled']}")
        world.documents[part.account] += row["balance"] - part.balance
        if row["born"]:
            done.parts_born.append(row["balance"])
        else:
            done.parts[part.id] += row["balance"] - part.balance
        if row["balance"] and not part.balance:
            world.open_parts.append(part.id)
        part.balance = row["balance"]

    def _line(self, row: dict[str, Any], done: Effect, wrong: list[str]) -> None:
        world, name = self.world, f"line {row['id']}"
        line = world.lines.get(row["id"])
        if row["born"]:
            line = world.lines[row["id"]] = BankLine(
                row["id"], row["amount"], row["bank"], date.fromisoformat(row["on"])
            )
            world.stands(line, 1)
            self.line = max(self.line, row["id"])
        assert line is not None
        if row["open"] != -(row["transit"] or 0):
            wrong.append(f"{name} is open by {row['open']}, transit holds {row['transit']}")
        if not within(row["open"], row["amount"]):
            wrong.append(f"{name} is open by {row['open']} of {row['amount']}")
        if (row["ledger"] or 0) != (0 if row["void"] else row["amount"]):
            wrong.append(f"{name} of {row['amount']} stands in the bank's ledger with {row['ledger']}")
        if not row["void"] and (row["matched"] or 0) != row["amount"] - row["open"]:
            wrong.append(f"{name}: live matches claim {row['matched']} of {row['amount']}, open is {row['open']}")
        bank = world.banks[line.bank]
        world.documents[bank.transit_id] -= row["open"] - line.open
        if row["born"]:
            done.lines_born.append(row["open"])
            world.documents[bank.account_id] += row["amount"]
        else:
            done.lines[line.id] += row["open"] - line.open
        if row["void"] and not line.void:
            line.void = True
            world.stands(line, -1)
            world.documents[bank.account_id] -= row["amount"]
        if row["open"] and not line.open:
            world.open_lines.append(line.id)
        line.open = row["open"]

    def _totals(self, wrong: list[str]) -> None:
        world = self.world
        for account, told in world.documents.items():
            if world.ledger[account] != told:
                wrong.append(f"account {account} holds {world.ledger[account]}, its documents {told}")
        if sum(world.ledger.values()) != 0:
            wrong.append("the ledger does not sum to zero")

    def everything(self) -> list[str]:
        """Plain questions about the whole books, each answered by rows that should not be there."""
        world, wrong = self.world, list[str]()
        proved = proof.verify()
        if not proved.ok:
            wrong.append(f"the proof of the books: {proved.first_bad}")
        with connection.cursor() as cursor:
            for name, question in QUESTIONS.items():
                cursor.execute(question)
                for row in cursor.fetchmany(3):
                    wrong.append(f"{name}: {', '.join(map(str, row))}")
            cursor.execute("SELECT account_id, sum(amount) FROM finance_posting GROUP BY 1")
            real = dict(cursor.fetchall())
            for account in sorted(set(real) | set(world.ledger)):
                if real.get(account, 0) != world.ledger[account]:
                    wrong.append(f"account {account} holds {real.get(account)}, told {world.ledger[account]}")
            cursor.execute("SELECT id, balance FROM finance_instalment")
            wrong += [
                f"instalment {key} is open by {balance}, told {world.parts[key].balance}"
                for key, balance in cursor.fetchall()
                if world.parts[key].balance != balance
            ]
            cursor.execute("SELECT id, open_amount FROM finance_statementline")
            wrong += [
                f"line {key} is open by {opened}, told {world.lines[key].open}"
                for key, opened in cursor.fetchall()
                if world.lines[key].open != opened
            ]
            for journal, (place, hashed) in self._sealed.items():
                cursor.execute(
                    "SELECT encode(hash, 'hex') FROM finance_entryseal WHERE journal_id = %s AND seq = %s",
                    [journal, place],
                )
                if cursor.fetchone() != (hashed,):
                    wrong.append(f"the history of journal {journal} up to {place} was written anew")
        self._sealed = dict(world.heads)
        return wrong + reports.disagreements(world)


# name → rows that should not be there
QUESTIONS = {
    "sealed": """
        SELECT e.id FROM finance_journalentry e LEFT JOIN finance_entryseal s ON s.entry_id = e.id
        WHERE s.entry_id IS NULL""",
    "heads": """
        SELECT h.journal_id FROM finance_journalhead h LEFT JOIN finance_entryseal s USING (journal_id, seq)
        WHERE h.seq <> (SELECT count(*) FROM finance_entryseal c WHERE c.journal_id = h.journal_id)
            OR (h.seq > 0 AND h.hash IS DISTINCT FROM s.hash)""",
    "balanced": """
        SELECT entry_id, sum(amount) FROM finance_posting GROUP BY 1 HAVING sum(amount) <> 0 OR count(*) < 2""",
    "instalments": """
        SELECT i.id, i.balance, sum(p.amount) FROM finance_instalment i
        LEFT JOIN finance_posting p ON p.instalment_id = i.id GROUP BY i.id
        HAVING i.balance <> coalesce(sum(p.amount), 0) OR (i.balance = 0) <> (i.settled_on IS NOT NULL)""",
    "titles": """
        SELECT t.id FROM finance_title t LEFT JOIN finance_journalentry e ON e.id = t.entry_id
        WHERE e.id IS NULL OR t.amount <> (SELECT sum(i.amount) FROM finance_instalment i WHERE i.title_id = t.id)""",
    "lines": """
        SELECT l.id, l.open_amount, sum(p.amount) FROM finance_statementline l
        LEFT JOIN finance_posting p ON p.line_id = l.id AND p.role = 'transit'
        GROUP BY l.id HAVING l.open_amount <> -coalesce(sum(p.amount), 0)""",
    "one amount, one live match": """
        SELECT l.id, l.amount, l.open_amount, m.claimed FROM finance_statementline l CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.amount), 0) AS claimed FROM finance_posting p
            JOIN finance_match m ON m.entry_id = p.entry_id
            LEFT JOIN finance_journalentry r ON r.reverses_id = p.entry_id
            WHERE p.line_id = l.id AND p.role = 'transit' AND r.id IS NULL) m
        WHERE NOT l.is_void AND m.claimed <> l.amount - l.open_amount""",
    "control accounts": """
        SELECT a.code, a.sum, b.sum FROM (
            SELECT c.id, c.code, coalesce(sum(p.amount), 0) FROM finance_account c
            LEFT JOIN finance_posting p ON p.account_id = c.id WHERE c.is_control GROUP BY 1) a (id, code, sum)
        LEFT JOIN (SELECT t.account_id, sum(i.balance) FROM finance_instalment i
                   JOIN finance_title t ON t.id = i.title_id GROUP BY 1) b (id, sum) USING (id)
        WHERE a.sum <> coalesce(b.sum, 0)""",
    "bank ledger": """
        SELECT b.id, p.ledger, l.lines FROM finance_bankaccount b
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE line_id IS NOT NULL), 0) AS ledger
                            FROM finance_posting WHERE account_id = b.account_id) p
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS lines FROM finance_statementline
                            WHERE bank_account_id = b.id AND NOT is_void) l
        WHERE p.ledger <> l.lines""",
    "transit": """
        SELECT b.id, p.ledger, l.waiting FROM finance_bankaccount b
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS ledger
                            FROM finance_posting WHERE account_id = b.transit_id) p
        CROSS JOIN LATERAL (SELECT coalesce(sum(open_amount), 0) AS waiting FROM finance_statementline
                            WHERE bank_account_id = b.id) l
        WHERE p.ledger <> -l.waiting""",
    "one line, one import": """
        SELECT bank_account_id, key, occurrence FROM finance_statementline WHERE NOT is_void
        GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    "closed months": """
        SELECT q.starts_on, account_id, centre, frozen, posted FROM (
            SELECT m.starts_on, coalesce(f.account_id, p.account_id) AS account_id,
                   coalesce(f.centre, p.centre) AS centre, f.amount AS frozen, p.amount AS posted
            FROM finance_period m
            CROSS JOIN LATERAL (
                SELECT account_id, coalesce(cost_centre_id, 0) AS centre, debit - credit AS amount
                FROM finance_periodbalance WHERE period_id = m.id) f
            FULL JOIN (
                SELECT date_trunc('month', "on")::date AS starts_on, account_id, coalesce(cost_centre_id, 0) AS centre,
                       sum(amount) AS amount
                FROM finance_posting JOIN finance_period c ON c.state = 'closed'
                    AND "on" >= c.starts_on AND "on" < c.ends_on GROUP BY 1, 2, 3) p
            ON (p.starts_on, p.account_id, p.centre) = (m.starts_on, f.account_id, f.centre)
        ) q WHERE coalesce(frozen, 0) <> coalesce(posted, 0)""",
    "reversals": """
        SELECT o.id FROM finance_journalentry r JOIN finance_journalentry o ON o.id = r.reverses_id
        JOIN finance_posting p ON p.entry_id IN (r.id, o.id)
        GROUP BY o.id, p.account_id, p.instalment_id, p.line_id, p.role HAVING sum(p.amount) <> 0""",
    "second person": """
        SELECT e.id FROM finance_journalentry e LEFT JOIN finance_journalentry o ON o.id = e.reverses_id
        WHERE e.made_by_id = e.approved_by_id OR (e.approved_by_id IS NULL AND 'manual' IN (e.kind, o.kind))""",
}
