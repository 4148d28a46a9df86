"""Acts on many instalments at once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.lists import BulkAction
from backoffice.core.models import User

from .forms.titles import BulkDueForm, BulkSettleForm
from .models import Instalment, Period, Title
from .services import concessions, second_person, settlement, titles
from .terms import ZERO


class Settle(BulkAction):
    """Each with what is due on that day, fine and interest in it."""

    key = "settle"
    label = gettext_lazy("Settle in full")
    right = "finance.title.submit"
    form = BulkSettleForm

    def refusals(self, rows: Sequence[Instalment], *, by: User, **answers: Any) -> dict[Any, str]:
        month = Period.objects.filter(starts_on=answers["on"].replace(day=1)).first()
        is_open = month is not None and month.state == Period.State.OPEN
        refused: dict[Any, str] = {}
        said: dict[int, Decimal] = {}  # party → what this act settles before
        for row in rows:
            if not row.balance:
                refused[row.pk] = _("Nothing of it is open any more.")
            elif row.title.kind == Title.Kind.CREDIT:
                refused[row.pk] = _("A credit is settled with what its party owes.")
            elif answers["on"] > timezone.localdate():
                refused[row.pk] = _("The day of payment has not come yet.")
            elif not is_open:
                refused[row.pk] = _("The month is closed for postings.")
            else:
                due = settlement.owed(row, on=answers["on"])
                before = said.get(row.party_id, ZERO)
                try:
                    settlement.check_given_up(row, due, by=by)
                    settlement.check_acquirer(row.title, account=answers["account"].pk, paid=due.total)
                    settlement.check_word(row.party_id, due.total, before=before)
                except (settlement.GivesUp, settlement.NotAMeans) as problem:
                    refused[row.pk] = str(problem)
                except settlement.NeedsSecond as problem:
                    refused[row.pk] = f"{problem} {_('Settle it on its page to ask one.')}"
                else:
                    said[row.party_id] = before + due.total
        return refused

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        found = titles.lock(pks)
        second_person.hold_words(row.party_id for row in found.values())
        for pk in sorted(found):
            due = settlement.owed(found[pk], on=answers["on"])
            settlement.settle(instalment_id=pk, paid=due.total, on=answers["on"], account=answers["account"].pk, by=by)


class MoveDue(BulkAction):
    key = "move_due"
    label = gettext_lazy("Move the due date")
    right = "finance.title.edit"
    form = BulkDueForm

    def refusals(self, rows: Sequence[Instalment], *, by: User, **answers: Any) -> dict[Any, str]:
        refused = {row.pk: _("Nothing of it is open any more.") for row in rows if not row.balance}
        asked = set(second_person.subjects_waiting(concessions.TERMS))
        for row in rows:
            if row.balance and concessions.gives_up(
                row.title, settlement.terms_of(row.title), [(row.due_on, answers["due_on"])]
            ):
                if row.title.ref in asked:
                    refused[row.pk] = _("A second person is asked already.")
                asked.add(row.title.ref)
        return refused

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        for pk, row in titles.lock(pks).items():
            row.title.refresh_from_db(fields=["version"])
            concessions.change_due(instalment_id=pk, due_on=answers["due_on"], version=row.title.version, by=by)
