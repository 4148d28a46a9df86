"""Lines of a file that were set aside: taken in by a person who knows better than the reader."""

from datetime import date

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.core.models import User
from backoffice.core.services import audit
from backoffice.core.templatetags.display import day
from finance.formats.keys import line_key
from finance.formats.tokens import tokens
from finance.models import BankAccount, LineToken, ParkedLine, Posting, StatementLine

from . import ledger, periods, statement_books


class NotTakable(Exception):
    """This line cannot become a movement; the sentence says why."""


def is_announced(parked: ParkedLine) -> bool:
    """Whether the bank announces it for a day that has not come: nothing has moved yet."""
    return bool(
        parked.reason == ParkedLine.Reason.FUTURE
        and parked.line_id is None
        and parked.on
        and parked.on > timezone.localdate()
    )


def is_takable(parked: ParkedLine) -> bool:
    """Whether it says enough to be a movement, its day has come, and it is none yet."""
    return bool(
        parked.line_id is None
        and not is_announced(parked)
        and parked.amount
        and parked.on
        and parked.statement_id
        and parked.reason != ParkedLine.Reason.UNREADABLE
        and parked.statement.undone_at is None  # type: ignore[union-attr]
    )


@transaction.atomic
def take_in(*, parked_id: int, on: date, by: User) -> StatementLine:
    """Make a movement of a parked line, dated `on`, and post it. Raises NotTakable, ledger.Refused."""
    parked = ParkedLine.objects.select_for_update(of=("self",)).select_related("statement").get(pk=parked_id)
    if is_announced(parked):
        raise NotTakable(
            _("The bank announces this line for %(on)s. Until that day nothing has moved, and it is not taken in.")
            % {"on": day(parked.on)}
        )
    if not is_takable(parked):
        raise NotTakable(_("This line says too little to be a movement, or was taken in before."))
    if on > timezone.localdate():
        raise NotTakable(_("A movement is not dated in the future."))
    statement = parked.statement
    assert statement
    assert parked.amount
    assert parked.on
    account = BankAccount.objects.get(pk=statement.bank_account_id)
    if not statement_books.alone_now(account.pk):
        raise NotTakable(_("A statement of this account is being written just now. Try again when it is done."))
    facts: dict[str, str] = parked.facts
    named = {name: facts.get(name, "") for name in ("payer", "kind", "reference")}
    key = line_key(account=str(account.pk), on=parked.on, amount=parked.amount, text=parked.text, **named)
    held = StatementLine.objects.filter(bank_account=account, key=key, is_void=False).order_by("-occurrence").first()
    line = StatementLine.objects.create(
        bank_account=account,
        statement=statement,
        on=on,
        valued_on=facts.get("valued_on"),
        amount=parked.amount,
        open_amount=parked.amount,
        text=parked.text[:500],
        payer=named["payer"][:200],
        payer_tax_id=facts.get("payer_tax_id", "")[:14],
        kind=named["kind"][:20],
        reference=named["reference"][:140],
        key=key,
        occurrence=held.occurrence + 1 if held else 1,
    )
    found = tokens(line.text, line.payer, line.reference)
    if line.payer_tax_id:
        found.add(("tax", line.payer_tax_id))
    LineToken.objects.bulk_create([LineToken(line=line, kind=kind, value=value) for kind, value in sorted(found)])
    periods.ensure(on, on)
    ledger.post(
        journal="bank",
        on=on,
        text=_("Statement of %(account)s") % {"account": account.name},
        lines=[
            ledger.Line(account.account_id, line.amount, line=line.pk, role=Posting.Role.BANK),
            ledger.Line(account.transit_id, -line.amount, line=line.pk, role=Posting.Role.TRANSIT),
        ],
        origin=statement.ref,
        by=by,
        batch=statement.batch_id,
    )
    parked.line = line
    parked.save(update_fields=["line"])
    with connection.cursor() as cursor:  # counted where the others are
        cursor.execute(
            "UPDATE finance_statement SET new = new + 1, parked = greatest(parked - 1, 0) WHERE id = %s", [statement.pk]
        )
    audit.record("finance.parked_line_taken", statement, by=by, line=line.ref, place=parked.place)
    return line
