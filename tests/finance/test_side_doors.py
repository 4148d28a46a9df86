"""Around the page: SQL as the application's database role, which whoever took the application over would have."""

from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from finance.models import Period
from finance.services import periods
from tests.conftest import Application
from tests.factories.books import MAY, accounts, approval, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db

REFUSED = (InsufficientPrivilege, psycopg.IntegrityError)
ENTRY = """
WITH made AS (
    INSERT INTO finance_journalentry (journal_id, year, number, "on", kind, text, origin, made_by_id, approved_by_id)
    SELECT j.id, extract(year FROM %(on)s::date),
           1 + coalesce((SELECT last FROM finance_journalyear y WHERE y.journal_id = j.id
                         AND y.year = extract(year FROM %(on)s::date)), 0),
           %(on)s, %(kind)s, 'x', %(origin)s, %(by)s, %(approved_by)s
    FROM finance_journal j WHERE kind = 'general' RETURNING id, "on"
)
SELECT id FROM made
"""
PAIR = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, role, text)
SELECT %(entry)s, side, (%(accounts)s::bigint[])[side], %(on)s, (3 - 2 * side) * 10, '', ''
FROM generate_series(1, 2) side
"""
# A trigger of the session's own: what it does is done by a trigger, at depth two.
BELOW = """
CREATE TEMP TABLE door (id int);
CREATE FUNCTION pg_temp.act() RETURNS trigger LANGUAGE plpgsql AS $do$ BEGIN {act}; RETURN NULL; END $do$;
CREATE TRIGGER act AFTER INSERT ON door FOR EACH ROW EXECUTE FUNCTION pg_temp.act();
"""


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def put(
    application: Application, *, on: date = MAY, kind: str = "automatic", origin: str = "",
    by: int | None = None, approved_by: int | None = None, against: list[int] | None = None,
) -> int:  # fmt: skip
    """Post fees against sales by SQL; the entry."""
    facts: dict[str, Any] = {"on": on, "kind": kind, "origin": origin, "by": by, "approved_by": approved_by}
    with application.transaction():
        row = application.execute(ENTRY, facts).fetchone()
        assert row is not None
        application.execute(PAIR, {"entry": row[0], "accounts": against or list(accounts()), "on": on})
    return int(row[0])


def close_may() -> None:
    for period in Period.objects.filter(starts_on__lte=MAY).order_by("starts_on"):
        periods.close(period_id=period.pk, by=person("finance_manager"))


# Forged tables --------------------------------------------------------------------------------------------------------


def test_a_forged_month_opens_nothing(application: Application) -> None:
    part = receivable()
    close_may()
    application.execute("CREATE TEMP TABLE finance_period AS SELECT * FROM public.finance_period")
    application.execute("UPDATE pg_temp.finance_period SET state = 'open'")
    application.execute("GRANT ALL ON pg_temp.finance_period TO PUBLIC")

    with pytest.raises(CheckViolation, match="is closed"):
        put(application, origin=part.ref)


def test_a_forged_plan_opens_no_account_of_titles(application: Application) -> None:
    part = receivable()
    control, (_fees, sales) = part.title.account_id, accounts()
    application.execute("CREATE TEMP TABLE finance_account AS SELECT * FROM public.finance_account")
    application.execute("UPDATE pg_temp.finance_account SET is_control = false")
    application.execute("GRANT ALL ON pg_temp.finance_account TO PUBLIC")

    with pytest.raises(CheckViolation, match="control account"):
        put(application, origin=part.ref, against=[control, sales])


def test_a_forged_role_approves_nothing(application: Application) -> None:
    clerk, other = person("finance_clerk"), person("finance_clerk")
    question = approval("finance.bill:1", by=clerk)
    application.execute("CREATE TEMP TABLE core_user_groups AS SELECT 1::bigint AS id, %s::bigint AS user_id, id AS"
                        " group_id FROM auth_group", [other.pk])  # fmt: skip

    with pytest.raises(CheckViolation, match="may not decide"):
        application.execute(
            "UPDATE core_approval SET state = 'approved', decided_by_id = %s, decided_at = now() WHERE id = %s",
            [other.pk, question.pk],
        )
