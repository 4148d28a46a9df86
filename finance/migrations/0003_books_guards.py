"""Let the database keep the books: whole balanced entries, numbers without gaps, a hash chain, closed months.

Two triggers, each run once a statement, do it. Postings come first, all of an entry in one INSERT: the first trigger checks
them and carries them to the instalments and statement lines they name. Then their entries come: the second one checks month
and number and seals them into their journals' chains, with the postings as they stand. What is sealed is never changed. So
the journal's head, for which all who post to it wait, is held from the numbering to the commit and no longer.

What must hold when a transaction ends is proved then, a whole statement's rows at a time: that each INSERT of postings was
followed by one of just their entries (`finance_newposting`), that a new statement line is open by what is posted of it
(`finance_newline`). Both tables hold notes of transactions that are still going on, and are empty to everybody else.

Locks are taken in one order everywhere: periods, statement lines, instalments, heads of journals; each by rising key. A
batch that locked its lines and instalments says so by `finance.rows_locked`; whoever says so falsely risks a deadlock only.
"""

from django.db import migrations

# Each body twice: plpgsql keeps a plan per function, and one made for a click is ruinous for a batch. For a batch, loops
# are ruled out where the planner, who cannot see how many entries a transition table names, would loop over all of them.
TAKE = r"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    bad record;
    documents boolean;
    lines boolean;
    locked boolean := coalesce(current_setting('finance.rows_locked', true), '') = 'on';
    born boolean;
    low bigint;  -- entries of this statement lie between these: reading the range keeps a batch from reading the books
    high bigint;
    entries bigint;
    wanted bigint;
    met bigint;
BEGIN
    SELECT count(instalment_id) > 0 AS documents, count(line_id) > 0 AS lines, count(*) AS rows, min(entry_id) AS low,
           max(entry_id) AS high INTO bad FROM fresh;
    IF {other} THEN
        RETURN NULL;
    END IF;
    documents := bad.documents;
    lines := bad.lines;
    low := bad.low;
    high := bad.high;
    {plan_off}
    SELECT entry_id, sum(amount) AS total, count(*) AS rows INTO bad FROM fresh
    GROUP BY entry_id HAVING sum(amount) <> 0 OR count(*) < 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not balance: its % postings sum to %, not to 0', bad.entry_id, bad.rows, bad.total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_balances';
    END IF;

    SELECT count(DISTINCT entry_id) INTO entries FROM fresh;
    INSERT INTO finance_newposting (low, high, entries) VALUES (low, high, entries);
    SELECT s.entry_id INTO bad FROM finance_entryseal s
    WHERE s.entry_id BETWEEN low AND high AND s.entry_id IN (SELECT entry_id FROM fresh) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % is posted; correct it by a reversal', bad.entry_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'finance_entry_posted';
    END IF;

    SELECT f.entry_id, f.account_id, a.code, a.is_group, a.is_active, a.is_control, b.id AS transit_of INTO bad
    FROM (SELECT entry_id, account_id, instalment_id IS NOT NULL AS titled, role = 'transit' AS transit FROM fresh) f
    LEFT JOIN finance_account a ON a.id = f.account_id
    LEFT JOIN finance_bankaccount b ON b.transit_id = f.account_id
    WHERE a.id IS NULL OR a.is_group OR NOT a.is_active OR a.is_control <> f.titled OR (b.id IS NOT NULL) <> f.transit
    LIMIT 1;
    IF FOUND THEN
        IF bad.code IS NULL THEN
            RAISE EXCEPTION 'entry % names account %, which is not there', bad.entry_id, bad.account_id
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'finance_posting_account_there';
        ELSIF bad.is_group OR NOT bad.is_active THEN
            RAISE EXCEPTION 'account % is a group or not active and takes no posting', bad.code
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_account_takes_postings';
        ELSIF bad.transit_of IS NOT NULL THEN
            RAISE EXCEPTION 'account % is a transit account: its postings name a statement line', bad.code
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_posting_transit';
        END IF;
        RAISE EXCEPTION 'account %: postings name an instalment if it is a control account, and only then', bad.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_posting_control';
    END IF;

    -- Months: whoever closes one waits for us, or we for them.
    PERFORM 1 FROM finance_period
    WHERE starts_on IN (SELECT DISTINCT date_trunc('month', "on")::date FROM fresh) ORDER BY starts_on FOR SHARE;
    SELECT m.month, p.state INTO bad
    FROM (SELECT DISTINCT date_trunc('month', "on")::date AS month FROM fresh) m
    LEFT JOIN finance_period p ON p.starts_on = m.month WHERE p.state IS NULL OR p.state = 'closed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period % is %', to_char(bad.month, 'YYYY-MM'), coalesce(bad.state, 'not there')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_open', DETAIL = to_char(bad.month, 'YYYY-MM-DD');
    END IF;

    -- Lines and instalments are found one by one, by their keys.
    {plan_on}
    IF lines THEN
        born := EXISTS (SELECT 1 FROM finance_newline);
        IF NOT locked THEN
            PERFORM 1 FROM finance_statementline
            WHERE id IN (SELECT line_id FROM fresh WHERE role = 'transit') ORDER BY id FOR NO KEY UPDATE;
        END IF;
        -- The first postings of lines that came in this transaction move nothing: they are compared at its end.
        WITH first AS (
            SELECT f.line_id FROM fresh f JOIN finance_newline n ON f.line_id BETWEEN n.low AND n.high
            JOIN finance_statementline l ON l.id = f.line_id AND l.amount = f.amount
            WHERE born AND f.role = 'bank'
        ), moved AS MATERIALIZED (
            SELECT line_id, account_id, role, sum(amount) AS amount FROM fresh
            WHERE line_id IS NOT NULL AND NOT (born AND line_id IN (SELECT line_id FROM first))
            GROUP BY line_id, account_id, role ORDER BY line_id
        ), placed AS (
            SELECT count(*) AS rows FROM moved m JOIN finance_statementline l ON l.id = m.line_id
            JOIN finance_bankaccount b ON b.id = l.bank_account_id AND b.account_id = m.account_id
            WHERE m.role = 'bank'
        ), changed AS (
            UPDATE finance_statementline l SET open_amount = l.open_amount - m.amount
            FROM moved m, finance_bankaccount b
            WHERE m.role = 'transit' AND l.id = m.line_id AND b.id = l.bank_account_id AND b.transit_id = m.account_id
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM moved), (SELECT rows FROM placed) + (SELECT count(*) FROM changed) INTO wanted, met;
        IF met <> wanted THEN
            RAISE EXCEPTION 'a statement line is posted to an account that is not its bank''s'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_posting_bank';
        END IF;
    END IF;
    IF documents THEN
        IF NOT locked THEN
            PERFORM 1 FROM finance_instalment
            WHERE id IN (SELECT instalment_id FROM fresh WHERE instalment_id IS NOT NULL) ORDER BY id FOR NO KEY UPDATE;
        END IF;
        SELECT count(*) INTO wanted
        FROM (SELECT DISTINCT instalment_id, account_id, party_id FROM fresh WHERE instalment_id IS NOT NULL) f;
        UPDATE finance_instalment i SET balance = i.balance + m.moved,
            settled_on = CASE WHEN i.balance + m.moved = 0 THEN m.last END
        FROM (SELECT instalment_id, account_id, party_id, sum(amount) AS moved, max("on") AS last FROM fresh
              WHERE instalment_id IS NOT NULL GROUP BY instalment_id, account_id, party_id ORDER BY instalment_id) m,
             finance_title t
        WHERE i.id = m.instalment_id AND t.id = i.title_id AND t.account_id = m.account_id AND i.party_id = m.party_id;
        GET DIAGNOSTICS met = ROW_COUNT;
        IF met <> wanted THEN
            RAISE EXCEPTION 'an instalment is posted to another account or party than its title''s'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_posting_title';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER {name} AFTER INSERT ON finance_posting REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""

SEAL = r"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    bad record;
    low bigint;
    high bigint;
BEGIN
    SELECT count(*) AS rows, min(id) AS low, max(id) AS high INTO bad FROM fresh;
    IF {other} THEN
        RETURN NULL;
    END IF;
    low := bad.low;
    high := bad.high;
    -- These entries are just those of one INSERT of postings in this transaction.
    DELETE FROM finance_newposting WHERE id = (
        SELECT min(n.id) FROM finance_newposting n WHERE (n.low, n.high, n.entries) = (bad.low, bad.high, bad.rows));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entry % comes without its postings, which come first', low
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'finance_entry_is_posted';
    END IF;
    {plan_off}
    SELECT e.id INTO bad
    FROM fresh e LEFT JOIN (
        SELECT entry_id, min("on") AS first, max("on") AS last FROM finance_posting
        WHERE entry_id BETWEEN low AND high GROUP BY entry_id
    ) p ON p.entry_id = e.id
    WHERE (p.first, p.last) IS DISTINCT FROM (e."on", e."on") LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % has no postings of its date', bad.id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'finance_posting_entry';
    END IF;
    SELECT m.month, p.state INTO bad
    FROM (SELECT DISTINCT date_trunc('month', "on")::date AS month, made_by_id, approved_by_id FROM fresh) m
    JOIN finance_period p ON p.starts_on = m.month
    WHERE p.state = 'soft' AND NOT EXISTS (
        SELECT 1 FROM finance_periodexception x
        WHERE x.period_id = p.id AND x.person_id IN (m.made_by_id, m.approved_by_id)
              AND x.expires_at > statement_timestamp())
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period % is %', to_char(bad.month, 'YYYY-MM'), bad.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_open', DETAIL = to_char(bad.month, 'YYYY-MM-DD');
    END IF;

    -- A reversal is the mirror of one entry that is no reversal itself.
    IF EXISTS (SELECT 1 FROM fresh WHERE reverses_id IS NOT NULL) THEN
        {plan_on}
        WITH turned AS (
            SELECT id, reverses_id FROM fresh WHERE reverses_id IS NOT NULL
        ), mirror AS (
            SELECT t.id, p.seq, p.account_id, -p.amount AS amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id,
                   p.role
            FROM turned t JOIN finance_posting p ON p.entry_id = t.reverses_id
        ), made AS (
            SELECT f.entry_id, f.seq, f.account_id, f.amount, f.party_id, f.cost_centre_id, f.instalment_id, f.line_id,
                   f.role
            FROM turned t JOIN finance_posting f ON f.entry_id = t.id
        )
        SELECT id INTO bad FROM ((SELECT * FROM mirror EXCEPT ALL SELECT * FROM made)
                                 UNION ALL (SELECT * FROM made EXCEPT ALL SELECT * FROM mirror)
                                 UNION ALL (SELECT m.* FROM mirror m JOIN turned t USING (id)
                                            JOIN finance_journalentry o ON o.id = t.reverses_id WHERE o.kind = 'reversal')
                                ) differ LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'entry % is no mirror of the entry it reverses', bad.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_reversal_mirrors';
        END IF;
        {plan_off}
    END IF;

    -- The seal: numbers go on without a gap, each hash takes the one before it in.
    PERFORM 1 FROM finance_journalhead WHERE journal_id IN (SELECT journal_id FROM fresh) ORDER BY journal_id FOR UPDATE;
    SELECT n.id, n.number, n.wanted INTO bad FROM (
        SELECT e.id, e.number, coalesce(y.last, 0)
               + row_number() OVER (PARTITION BY e.journal_id, e.year ORDER BY e.number) AS wanted
        FROM fresh e LEFT JOIN finance_journalyear y ON y.journal_id = e.journal_id AND y.year = e.year
    ) n WHERE n.number <> n.wanted LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % has number %, the next of its journal is %', bad.id, bad.number, bad.wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_numbers_go_on';
    END IF;
    WITH body AS (
        SELECT entry_id, string_agg(finance_posting_text(seq, account_id, "on", amount, party_id, cost_centre_id,
                                                         instalment_id, line_id, role, text), ';' ORDER BY seq) AS postings
        FROM finance_posting WHERE entry_id BETWEEN low AND high AND entry_id IN (SELECT id FROM fresh) GROUP BY entry_id
    ), sealed AS (
        INSERT INTO finance_entryseal (entry_id, journal_id, seq, hash)
        SELECT e.id, e.journal_id, h.seq + row_number() OVER w,
               finance_chain(finance_entry_text(e, b.postings), h.hash) OVER w
        FROM body b JOIN finance_journalentry e ON e.id = b.entry_id AND e.id BETWEEN low AND high
        JOIN finance_journalhead h ON h.journal_id = e.journal_id
        WINDOW w AS (PARTITION BY e.journal_id ORDER BY e.year, e.number)
        RETURNING journal_id, seq, hash
    )
    UPDATE finance_journalhead h SET seq = s.seq, hash = s.hash
    FROM (SELECT DISTINCT ON (journal_id) journal_id, seq, hash FROM sealed ORDER BY journal_id, seq DESC) s
    WHERE s.journal_id = h.journal_id;
    INSERT INTO finance_journalyear AS y (journal_id, year, last)
    SELECT journal_id, year, max(number) FROM fresh GROUP BY journal_id, year ORDER BY 1, 2
    ON CONFLICT (journal_id, year) DO UPDATE SET last = excluded.last;
    {plan_on}
    RETURN NULL;
END $$;

CREATE TRIGGER {name} AFTER INSERT ON finance_journalentry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def twice(text: str, name: str, few: int) -> list[str]:
    """The body for up to `few` rows, and the one for more."""
    off, on = ("PERFORM set_config('enable_nestloop', '%s', true);" % word for word in ("off", "on"))
    small = text.replace("{name}", f"{name}_few").replace("{other}", f"bad.rows = 0 OR bad.rows > {few}")
    large = text.replace("{name}", f"{name}_many").replace("{other}", f"bad.rows <= {few}")
    small = small.replace("    {plan_off}\n", "").replace("    {plan_on}\n", "").replace("        {plan_on}\n", "")
    small = small.replace("        {plan_off}\n", "")
    return [small, large.replace("{plan_off}", off).replace("{plan_on}", on)]


FORWARD = r"""
-- Texts and links of the chain ------------------------------------------------------------------------------------

-- A posting as text: days since 2000, empty for none, the free text with its length so that no two postings share a text.
CREATE FUNCTION finance_posting_text(seq smallint, account bigint, day date, amount numeric, party bigint, centre bigint,
                                     instalment bigint, line bigint, role text, words text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT seq::text || ',' || account::text || ',' || (day - date '2000-01-01')::text || ',' || amount::text || ','
        || coalesce(party::text, '') || ',' || coalesce(centre::text, '') || ',' || coalesce(instalment::text, '') || ','
        || coalesce(line::text, '') || ',' || role || ',' || length(words)::text || ':' || words
$$;

CREATE FUNCTION finance_entry_text(e finance_journalentry, postings text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT e.id::text || '|' || e.journal_id::text || '|' || e.year::text || '|' || e.number::text || '|'
        || (e."on" - date '2000-01-01')::text || '|' || e.kind || '|' || length(e.text)::text || ':' || e.text || '|'
        || length(e.origin)::text || ':' || e.origin || '|' || coalesce(e.reverses_id::text, '') || '|'
        || coalesce(e.made_by_id::text, '') || '|' || coalesce(e.approved_by_id::text, '') || '|'
        || coalesce(e.batch_id::text, '') || '|' || extract(epoch FROM e.posted_at)::text || '|' || postings
$$;

CREATE FUNCTION finance_link(state bytea, body text, head bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(coalesce(state, head) || convert_to(body, 'UTF8'))
$$;

-- finance_chain(text of the entry, hash before the first one) OVER (PARTITION BY journal ORDER BY place in the chain)
CREATE AGGREGATE finance_chain(text, bytea) (SFUNC = finance_link, STYPE = bytea);

-- Posting ---------------------------------------------------------------------------------------------------------

-- Postings of a transaction, a row for each statement that wrote some: their entries are sealed before it ends.
CREATE TABLE finance_newposting (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, low bigint NOT NULL, high bigint NOT NULL, entries bigint NOT NULL
);
CREATE FUNCTION finance_posting_sealed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM finance_newposting WHERE id = NEW.id) THEN
        RAISE EXCEPTION 'postings name entry %, which did not come', NEW.low
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'finance_posting_entry';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER finance_posting_sealed AFTER INSERT ON finance_newposting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION finance_posting_sealed();

CREATE FUNCTION finance_begin_journal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO finance_journalhead (journal_id, seq, hash)
    VALUES (NEW.id, 0, sha256(convert_to('journal ' || NEW.id || ' ' || NEW.code, 'UTF8')));
    RETURN NULL;
END $$;
CREATE TRIGGER finance_journal_begin AFTER INSERT ON finance_journal
    FOR EACH ROW EXECUTE FUNCTION finance_begin_journal();

-- What is posted stays ----------------------------------------------------------------------------------------------

CREATE TRIGGER finance_journalentry_refuse BEFORE UPDATE OR DELETE ON finance_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_journalentry_keep BEFORE TRUNCATE ON finance_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_posting_refuse BEFORE UPDATE OR DELETE ON finance_posting
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_posting_keep BEFORE TRUNCATE ON finance_posting
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_entryseal_refuse BEFORE UPDATE OR DELETE ON finance_entryseal
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_entryseal_keep BEFORE TRUNCATE ON finance_entryseal
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

-- Written by our own triggers only: a statement of anybody else comes at depth one.
CREATE FUNCTION finance_refuse_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% of % follows from postings and is never written by hand', TG_ARGV[0], TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_newposting_made BEFORE INSERT OR UPDATE OR DELETE ON finance_newposting
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the note');
CREATE TRIGGER finance_entryseal_made BEFORE INSERT ON finance_entryseal
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the seal');
CREATE TRIGGER finance_journalhead_made BEFORE INSERT OR UPDATE OR DELETE ON finance_journalhead
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the head');
CREATE TRIGGER finance_journalyear_made BEFORE INSERT OR UPDATE OR DELETE ON finance_journalyear
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the last number');
CREATE TRIGGER finance_periodbalance_made BEFORE INSERT OR UPDATE OR DELETE ON finance_periodbalance
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the frozen balance');
CREATE TRIGGER finance_instalment_moved BEFORE UPDATE OF balance, settled_on ON finance_instalment
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the balance');
CREATE TRIGGER finance_line_moved BEFORE UPDATE OF open_amount ON finance_statementline
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the open amount');

CREATE FUNCTION finance_instalment_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh WHERE balance <> 0 OR settled_on IS NOT NULL) THEN
        RAISE EXCEPTION 'an instalment gets its balance by a posting' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_instalment_begins AFTER INSERT ON finance_instalment REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION finance_instalment_begins();

-- A new line may say its whole amount as open. It is noted here until its transaction ends, and compared with its postings.
CREATE TABLE finance_newline (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, low bigint NOT NULL, high bigint NOT NULL
);
CREATE TRIGGER finance_newline_made BEFORE INSERT OR UPDATE OR DELETE ON finance_newline
    FOR EACH STATEMENT EXECUTE FUNCTION finance_refuse_by_hand('the note');
CREATE FUNCTION finance_line_begins() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh WHERE open_amount NOT IN (0, amount)) THEN
        RAISE EXCEPTION 'a statement line gets its open amount by a posting' USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO finance_newline (low, high)
    SELECT min(id), max(id) FROM fresh WHERE open_amount <> 0 HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE FUNCTION finance_line_posted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    bad record;
BEGIN
    SELECT l.id, l.open_amount, p.waits INTO bad
    FROM finance_statementline l JOIN finance_bankaccount b ON b.id = l.bank_account_id
    LEFT JOIN (
        SELECT line_id, -sum(amount) FILTER (WHERE role = 'transit') AS waits,
               min(account_id) FILTER (WHERE role = 'bank') AS bank, max(account_id) FILTER (WHERE role = 'bank') AS last_bank,
               min(account_id) FILTER (WHERE role = 'transit') AS transit,
               max(account_id) FILTER (WHERE role = 'transit') AS last_transit
        FROM finance_posting WHERE line_id BETWEEN NEW.low AND NEW.high GROUP BY line_id
    ) p ON p.line_id = l.id
    WHERE l.id BETWEEN NEW.low AND NEW.high
          AND (p.waits, p.bank, p.last_bank, p.transit, p.last_transit)
              IS DISTINCT FROM (l.open_amount, b.account_id, b.account_id, b.transit_id, b.transit_id)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'statement line % has % open, but % is posted on its transit account', bad.id, bad.open_amount,
                        coalesce(bad.waits, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_posting_bank';
    END IF;
    DELETE FROM finance_newline WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER finance_line_posted AFTER INSERT ON finance_newline DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION finance_line_posted();
CREATE TRIGGER finance_line_begins AFTER INSERT ON finance_statementline REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION finance_line_begins();

CREATE TRIGGER finance_title_facts
    BEFORE UPDATE OF direction, number, party_id, account_id, issued_on, amount, entry_id ON finance_title
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_title_stays BEFORE DELETE OR TRUNCATE ON finance_title
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_instalment_facts BEFORE UPDATE OF title_id, seq, party_id, amount ON finance_instalment
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_instalment_stays BEFORE DELETE OR TRUNCATE ON finance_instalment
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_line_facts
    BEFORE UPDATE OF bank_account_id, statement_id, "on", valued_on, amount, text, payer, payer_tax_id, kind, reference,
                     key, occurrence ON finance_statementline
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_line_stays BEFORE DELETE OR TRUNCATE ON finance_statementline
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_match_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON finance_match
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER finance_ruleversion_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON finance_matchruleversion
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

-- Accounts: what has postings keeps its nature.
CREATE FUNCTION finance_account_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.kind, NEW.is_group, NEW.is_control) = (OLD.kind, OLD.is_group, OLD.is_control) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM finance_posting WHERE account_id = OLD.id) THEN
        RAISE EXCEPTION 'account % has postings: its kind stays and it is not removed', OLD.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'finance_account_posted';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER finance_account_guard BEFORE UPDATE OR DELETE ON finance_account
    FOR EACH ROW EXECUTE FUNCTION finance_account_guard();

-- Months close in order, and closing freezes what they moved.
CREATE FUNCTION finance_period_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND (NEW.starts_on, NEW.ends_on) <> (OLD.starts_on, OLD.ends_on)) THEN
        RAISE EXCEPTION 'a period stays where it is' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.ends_on <> (NEW.starts_on + interval '1 month')::date THEN
        RAISE EXCEPTION 'a period is one month' USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_is_a_month';
    ELSIF NEW.state = 'closed' AND EXISTS (
            SELECT 1 FROM finance_period WHERE starts_on < NEW.starts_on AND state <> 'closed') THEN
        RAISE EXCEPTION 'an earlier period is not closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_in_order';
    ELSIF NEW.state <> 'closed' AND EXISTS (
            SELECT 1 FROM finance_period WHERE starts_on > NEW.starts_on AND state = 'closed') THEN
        RAISE EXCEPTION 'a later period is closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_period_guard BEFORE INSERT OR UPDATE OR DELETE ON finance_period
    FOR EACH ROW EXECUTE FUNCTION finance_period_guard();

CREATE FUNCTION finance_freeze_period() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'closed' AND NEW.state <> 'closed' THEN
        DELETE FROM finance_periodbalance WHERE period_id = NEW.id;
    ELSIF NEW.state = 'closed' AND (TG_OP = 'INSERT' OR OLD.state <> 'closed') THEN
        INSERT INTO finance_periodbalance (period_id, account_id, cost_centre_id, debit, credit)
        SELECT NEW.id, a.id, p.cost_centre_id, sum(greatest(p.amount, 0)), -sum(least(p.amount, 0))
        FROM finance_account a JOIN finance_posting p
            ON p.account_id = a.id AND p."on" >= NEW.starts_on AND p."on" < NEW.ends_on
        GROUP BY a.id, p.cost_centre_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_period_freeze AFTER INSERT OR UPDATE OF state ON finance_period
    FOR EACH ROW EXECUTE FUNCTION finance_freeze_period();

-- Proof: walks every journal's chain in order and tells the first entry that is not what was sealed.
CREATE FUNCTION finance_first_broken() RETURNS TABLE (entry_id bigint, reason text) LANGUAGE sql STABLE AS $$
    WITH body AS (
        SELECT p.entry_id, count(*) AS rows, sum(p.amount) AS total, bool_and(a.id IS NOT NULL) AS placed,
               string_agg(finance_posting_text(p.seq, p.account_id, p."on", p.amount, p.party_id, p.cost_centre_id,
                                               p.instalment_id, p.line_id, p.role, p.text), ';' ORDER BY p.seq) AS postings
        FROM finance_posting p LEFT JOIN finance_account a ON a.id = p.account_id GROUP BY p.entry_id
    ), walked AS (
        SELECT coalesce(e.id, s.entry_id) AS entry_id, e.id IS NOT NULL AS there, b.rows, b.total, b.placed, s.hash, s.seq,
               row_number() OVER w AS place, s.journal_id,
               e.number, row_number() OVER (PARTITION BY e.journal_id, e.year ORDER BY e.number) AS wanted,
               finance_chain(coalesce(finance_entry_text(e, coalesce(b.postings, '')), ''),
                             sha256(convert_to('journal ' || j.id || ' ' || j.code, 'UTF8'))) OVER w AS chained
        FROM finance_entryseal s JOIN finance_journal j ON j.id = s.journal_id
        LEFT JOIN finance_journalentry e ON e.id = s.entry_id
        LEFT JOIN body b ON b.entry_id = s.entry_id
        WINDOW w AS (PARTITION BY s.journal_id ORDER BY s.seq)
    )
    SELECT w.entry_id, CASE
        WHEN NOT w.there THEN 'entry missing' WHEN w.rows IS NULL THEN 'postings missing'
        WHEN w.total <> 0 THEN 'does not balance' WHEN NOT w.placed THEN 'account missing'
        WHEN w.number <> w.wanted THEN 'gap in the numbers' WHEN w.seq <> w.place THEN 'gap in the chain'
        ELSE 'hash differs' END
    FROM walked w
    WHERE NOT w.there OR w.rows IS NULL OR w.total <> 0 OR NOT w.placed OR w.number <> w.wanted OR w.seq <> w.place
          OR w.hash <> w.chained
    ORDER BY w.journal_id, w.seq LIMIT 1
$$;
"""

BACKWARD = """
DROP FUNCTION finance_first_broken();
DROP TRIGGER finance_period_freeze ON finance_period;
DROP FUNCTION finance_freeze_period();
DROP TRIGGER finance_period_guard ON finance_period;
DROP FUNCTION finance_period_guard();
DROP TRIGGER finance_account_guard ON finance_account;
DROP FUNCTION finance_account_guard();
DROP TRIGGER finance_ruleversion_refuse ON finance_matchruleversion;
DROP TRIGGER finance_match_refuse ON finance_match;
DROP TRIGGER finance_line_stays ON finance_statementline;
DROP TRIGGER finance_line_facts ON finance_statementline;
DROP TRIGGER finance_instalment_stays ON finance_instalment;
DROP TRIGGER finance_instalment_facts ON finance_instalment;
DROP TRIGGER finance_title_stays ON finance_title;
DROP TRIGGER finance_title_facts ON finance_title;
DROP TRIGGER finance_line_begins ON finance_statementline;
DROP FUNCTION finance_line_begins();
DROP TABLE finance_newline;
DROP FUNCTION finance_line_posted();
DROP TRIGGER finance_instalment_begins ON finance_instalment;
DROP FUNCTION finance_instalment_begins();
DROP TRIGGER finance_line_moved ON finance_statementline;
DROP TRIGGER finance_instalment_moved ON finance_instalment;
DROP TRIGGER finance_periodbalance_made ON finance_periodbalance;
DROP TRIGGER finance_journalyear_made ON finance_journalyear;
DROP TRIGGER finance_journalhead_made ON finance_journalhead;
DROP TRIGGER finance_entryseal_made ON finance_entryseal;
DROP FUNCTION finance_refuse_by_hand();
DROP TRIGGER finance_entryseal_keep ON finance_entryseal;
DROP TRIGGER finance_entryseal_refuse ON finance_entryseal;
DROP TRIGGER finance_posting_keep ON finance_posting;
DROP TRIGGER finance_posting_refuse ON finance_posting;
DROP TRIGGER finance_journalentry_keep ON finance_journalentry;
DROP TRIGGER finance_journalentry_refuse ON finance_journalentry;
DROP TRIGGER finance_journal_begin ON finance_journal;
DROP FUNCTION finance_begin_journal();
DROP TABLE finance_newposting;
DROP FUNCTION finance_posting_sealed();
DROP TRIGGER finance_seal_many ON finance_journalentry;
DROP FUNCTION finance_seal_many();
DROP TRIGGER finance_seal_few ON finance_journalentry;
DROP FUNCTION finance_seal_few();
DROP TRIGGER finance_post_many ON finance_posting;
DROP FUNCTION finance_post_many();
DROP TRIGGER finance_post_few ON finance_posting;
DROP FUNCTION finance_post_few();
DROP AGGREGATE finance_chain(text, bytea);
DROP FUNCTION finance_link(bytea, text, bytea);
DROP FUNCTION finance_entry_text(finance_journalentry, text);
DROP FUNCTION finance_posting_text(smallint, bigint, date, numeric, bigint, bigint, bigint, bigint, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0002_books")]

    operations = [
        migrations.RunSQL([FORWARD, *twice(TAKE, "finance_post", 200), *twice(SEAL, "finance_seal", 80)], BACKWARD)
    ]
