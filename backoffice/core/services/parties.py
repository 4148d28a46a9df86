"""Parties in whole sets: the people and organisations that an import names, made once per source and key."""

from django.db.backends.utils import CursorWrapper

from ..models import ImportBatch

# One row per mention: the same key may stand in many, with different addresses.
INCOMING = """
DROP TABLE IF EXISTS incoming_party;
CREATE TEMP TABLE incoming_party (
    file smallint, line int,    -- where it stood
    source text NOT NULL,       -- whose key it is
    key text NOT NULL,
    kind text NOT NULL,         -- Party.Kind
    role text NOT NULL,         -- PartyRole.Role
    name text NOT NULL,
    city text, state text, postal_code text,
    also_source text, also_key text,  -- another name of the same party
    action "char" NOT NULL DEFAULT 'c'  -- set by compare: c new, u known by other names or places, s known
) ON COMMIT DROP;
"""

FILLED = ("core_party", "core_partykey", "core_partyrole", "core_partyaddress")  # tables that a large import swells

_COMPARE = """
ANALYZE incoming_party;
UPDATE incoming_party i
SET action = CASE WHEN a.id IS NULL AND n.city IS NOT NULL OR o.id IS NULL AND n.also_key IS NOT NULL
    THEN 'u' ELSE 's' END
FROM incoming_party n
JOIN core_partykey k ON k.source = n.source AND k.key = n.key
LEFT JOIN core_partykey o ON o.source = n.also_source AND o.key = n.also_key
LEFT JOIN core_partyaddress a ON a.party_id = k.party_id AND a.street = '' AND a.city = n.city
   AND a.state = coalesce(n.state, '') AND a.postal_code = coalesce(n.postal_code, '')
WHERE i.ctid = n.ctid
"""

_NEW = """
DROP TABLE IF EXISTS new_party;
CREATE TEMP TABLE new_party ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('core_party', 'id')) AS id, source, key, min(kind) AS kind, min(name) AS name
FROM incoming_party i WHERE action = 'c'
GROUP BY source, key;
"""

_PARTIES = """
INSERT INTO core_party (id, kind, name, tax_id, email, phone, version)
SELECT id, kind, name, '', '', '', 1 FROM new_party;
INSERT INTO core_partykey (party_id, source, key) SELECT id, source, key FROM new_party;
"""

_MENTIONS = """
ANALYZE core_partykey;
DROP TABLE IF EXISTS party_mention;
CREATE TEMP TABLE party_mention ON COMMIT DROP AS
SELECT DISTINCT k.party_id, i.role, i.city, i.state, i.postal_code
FROM incoming_party i JOIN core_partykey k ON k.source = i.source AND k.key = i.key WHERE i.action <> 's';
INSERT INTO core_partyrole (party_id, role)
SELECT DISTINCT party_id, role FROM party_mention m
WHERE NOT EXISTS (SELECT FROM core_partyrole r WHERE r.party_id = m.party_id AND r.role = m.role);
INSERT INTO core_partykey (party_id, source, key)
SELECT DISTINCT ON (i.also_source, i.also_key) k.party_id, i.also_source, i.also_key
FROM incoming_party i JOIN core_partykey k ON k.source = i.source AND k.key = i.key
WHERE i.also_key IS NOT NULL AND i.action <> 's'
  AND NOT EXISTS (SELECT FROM core_partykey o WHERE o.source = i.also_source AND o.key = i.also_key);
"""

_ADDRESSES = """
INSERT INTO core_partyaddress (party_id, label, street, district, city, state, postal_code, batch_id)
SELECT DISTINCT party_id, '', '', '', city, coalesce(state, ''), coalesce(postal_code, ''), %s::bigint
FROM party_mention m
WHERE city IS NOT NULL AND NOT EXISTS (
    SELECT FROM core_partyaddress a WHERE a.party_id = m.party_id AND a.street = '' AND a.city = m.city
       AND a.state = coalesce(m.state, '') AND a.postal_code = coalesce(m.postal_code, ''))
"""

_FORGET = """
DROP TABLE IF EXISTS leaving_party;
CREATE TEMP TABLE leaving_party ON COMMIT DROP AS
SELECT DISTINCT a.party_id AS id FROM core_partyaddress a
WHERE a.batch_id = %(batch)s AND {unused} AND NOT EXISTS (
    SELECT FROM core_partyaddress o WHERE o.party_id = a.party_id AND o.batch_id IS DISTINCT FROM %(batch)s);
DELETE FROM core_partyaddress WHERE batch_id = %(batch)s;
DELETE FROM core_partykey WHERE party_id IN (SELECT id FROM leaving_party);
DELETE FROM core_partyrole WHERE party_id IN (SELECT id FROM leaving_party);
DELETE FROM core_party WHERE id IN (SELECT id FROM leaving_party);
"""


def compare(cursor: CursorWrapper) -> None:
    """Set `action` (c, u, s) of the incoming mentions."""
    cursor.execute(_COMPARE)


def take(cursor: CursorWrapper, *, batch: ImportBatch | None) -> None:
    """Make the parties of the compared TEMP `incoming_party` that are new, and their new roles, keys, addresses.

    Runs in the caller's transaction.
    """
    cursor.execute(_NEW)
    cursor.execute(_PARTIES)
    cursor.execute(_MENTIONS)
    cursor.execute(_ADDRESSES, [batch.pk if batch else None])


def forget(cursor: CursorWrapper, *, batch: ImportBatch, unused: str) -> None:
    """Take back the addresses that `batch` brought, and the parties known by nothing else.

    unused: SQL over `a.party_id` that says nobody needs the party.
    """
    cursor.execute(_FORGET.format(unused=unused), {"batch": batch.pk})
