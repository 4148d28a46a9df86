"""A whole trial balance of another program, as opening balances."""

from datetime import date, timedelta
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core.imports import Column, Source, Table
from backoffice.core.models import ImportBatch, User
from finance.services import opening, second_person

KEY = "finance.trial_balance"

NOTHING = gettext_noop("The row has neither debit, credit nor balance.")
BOTH = gettext_noop("The row has a debit and a credit; write its balance in one of them.")
BELOW = gettext_noop("“%(found)s” is below zero. Write it in the other column.")
SIDE = gettext_noop("“%(found)s” is neither D nor C.")

COLUMNS = [
    Column(
        "code",
        title=_("Account code"),
        required=True,
        max_length=30,
        aliases=("account", "account code", "conta", "código", "código da conta", "conta contábil", "classificação"),
    ),
    Column(
        "name",
        title=_("Account name"),
        max_length=120,
        aliases=("description", "nome", "nome da conta", "descrição", "descrição da conta"),
    ),
    Column("debit", "money", title=_("Debit"), aliases=("débito", "saldo devedor", "devedor", "debit balance")),
    Column("credit", "money", title=_("Credit"), aliases=("crédito", "saldo credor", "credor", "credit balance")),
    Column(
        "balance",
        "money",
        title=_("Balance"),
        aliases=("saldo", "saldo atual", "saldo final", "closing balance"),
    ),
    Column("side", title=_("D or C"), max_length=12, aliases=("d/c", "natureza", "nature", "d ou c", "tipo de saldo")),
    Column("on", "date", title=_("Date"), aliases=("data", "data do saldo", "date")),
]

_WRONG = [
    ("side", SIDE, "s.side IS NOT NULL AND NOT upper(left(trim(s.side), 1)) IN ('D', 'C')"),
    ("debit", BELOW, "s.debit < 0"),
    ("credit", BELOW, "s.credit < 0"),
    ("debit", BOTH, "coalesce(s.debit, 0) <> 0 AND coalesce(s.credit, 0) <> 0"),
    ("code", NOTHING, "s.debit IS NULL AND s.credit IS NULL AND s.balance IS NULL"),
]

# A balance without a side is signed: debit above zero.
_INCOMING = """
INSERT INTO incoming_balance (file, line, code, name, "on", amount)
SELECT file, line, trim(code), name, coalesce("on", %(on)s), CASE
    WHEN debit IS NULL AND credit IS NULL
        THEN CASE upper(left(trim(side), 1)) WHEN 'C' THEN -abs(balance) WHEN 'D' THEN abs(balance) ELSE balance END
    ELSE coalesce(debit, 0) - coalesce(credit, 0) END
FROM stage_balances WHERE problem IS NULL
"""
_ANSWER = """
UPDATE stage_balances s SET action = i.action, problem = i.problem, problem_column = i.problem_column
FROM incoming_balance i WHERE i.file = s.file AND i.line = s.line
"""


class TrialBalance(Source):
    key = KEY
    title = _("Opening balances from a trial balance")
    help = _(
        "One row per account: code and debit, credit or balance with D or C. Rows of groups are skipped, accounts that"
        " are missing are added below their group. Without a date the balances are of 31 December of last year. What"
        " customers and suppliers owe comes title by title."
    )
    right_create = "finance.entry.create"
    right_post = "finance.entry.approve"
    mapped = True
    tables = (Table("balances", _("Balances"), COLUMNS),)

    def result_url(self, batch: ImportBatch) -> str:
        return f"{reverse('finance:entries')}?batch={batch.pk}"

    def why_not_by(self, batch: ImportBatch, by: User | None) -> str:
        return second_person.sent_it(self.right_post, batch.received_by_id, by)

    def check(self, cursor: CursorWrapper) -> None:
        for column, reason, wrong in _WRONG:
            cursor.execute(
                "UPDATE stage_balances s SET problem = %s, problem_column = %s"  # noqa: S608
                f" WHERE problem IS NULL AND ({wrong})",
                [reason, column],
            )
        cursor.execute(opening.INCOMING)
        cursor.execute(_INCOMING, {"on": default_day(timezone.localdate())})
        opening.check(cursor, source=KEY)
        cursor.execute(_ANSWER)

    def write(self, cursor: CursorWrapper, batch: ImportBatch | None) -> dict[str, Any]:
        writer = batch.job.asked_by if batch and batch.job else None
        return opening.take(cursor, batch=batch, by=batch.received_by if batch else None, approved_by=writer)

    def obstacles(self, cursor: CursorWrapper, batch: ImportBatch) -> list[str]:
        today = timezone.localdate()
        if all(opening.undo_day(entry, today=today) for entry in opening.live_entries(batch)):
            return []
        return [translated("Its month is closed, and so is this one. Open one of them first.")]

    def undone(self, cursor: CursorWrapper, batch: ImportBatch) -> None:
        opening.take_back(batch, by=batch.job.asked_by if batch.job else None, today=timezone.localdate())


def default_day(today: date) -> date:
    """31 December of last year."""
    return date(today.year, 1, 1) - timedelta(days=1)
