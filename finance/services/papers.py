"""What invoices and bills do alike on their way into the books: draft, waiting for a second person, booked."""

from datetime import date
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import AuditEntry, User
from backoffice.core.services import approvals, audit
from finance.models import Bill, Invoice, Period, Title
from finance.services import ledger, periods
from finance.terms import Terms

Paper = TypeVar("Paper", Bill, Invoice)

WRITTEN = ("finance.bill_written", "finance.invoice_written")  # in the trail
DRAFT, WAITING, DISCARDED = "draft", "waiting", "discarded"


class NotADraft(ledger.Refused):
    """It waits, is booked or was put away: it is not written any more."""


class NotThere(ledger.Refused):
    """It is not in the state that the act needs."""


class Outdated(ledger.Refused):
    """Somebody changed it since the reader opened it; `current` is what stands now."""

    def __init__(self, current: Bill | Invoice) -> None:
        super().__init__(_("Somebody changed it since you opened it."))
        self.current = current


def write(model: type[Paper], values: dict[str, Any], *, by: User, pk: int | None, version: int) -> Paper:
    """Create a draft, or change the one that the writer saw; its writer is who wrote last."""
    if pk is None:
        return model.objects.create(**values, made_by=by)
    paper = _get(model, pk)
    if paper.state != DRAFT:
        raise NotADraft(_("Only a draft can be changed."))
    if paper.version != version:
        raise Outdated(paper)
    for name, value in values.items():
        setattr(paper, name, value)
    paper.made_by, paper.answer, paper.version = by, "", version + 1
    paper.save()
    return paper


def locked(model: type[Paper], pk: int, state: str) -> Paper:
    """The paper, locked, in this state. Raises NotThere."""
    paper = _get(model, pk)
    if paper.state != state:
        raise NotThere(_("It is “%(state)s” now.") % {"state": paper.get_state_display()})
    return paper


@transaction.atomic
def to_waiting(model: type[Paper], pk: int, *, by: User) -> Paper:
    """Lock a draft and have it wait; who sends it becomes its writer, so that they cannot approve it."""
    paper = _get(model, pk)
    if paper.state != DRAFT:
        raise NotADraft(_("Only a draft can be sent for approval."))
    model.objects.filter(pk=pk).update(state=WAITING, made_by=by, answer="", version=F("version") + 1)
    paper.state, paper.made_by = WAITING, by
    return paper


def back_to_draft(paper: Bill | Invoice, answer: str) -> None:
    type(paper).objects.filter(pk=paper.pk).update(state=DRAFT, answer=answer[:2000], version=F("version") + 1)


def check_writers(paper: Bill | Invoice, approved_by: User | None) -> None:
    """Whoever wrote any part of it, not only the last hand, does not approve it. Raises approvals.NotTheirs."""
    wrote = AuditEntry.objects.filter(subject=paper.ref, action__in=WRITTEN, actor=approved_by)
    if approved_by is not None and wrote.exists():
        raise approvals.NotTheirs


def booked(paper: Bill | Invoice, state: str, *, title: Title, approved_by: User | None, **more: Any) -> None:
    """The paper became a title; from here on the database keeps its facts."""
    type(paper).objects.filter(pk=paper.pk).update(
        state=state, title=title, approved_by=approved_by, version=F("version") + 1, **more
    )


@transaction.atomic
def discard(model: type[Paper], pk: int, *, by: User) -> None:
    if not model.objects.filter(pk=pk, state=DRAFT).update(state=DISCARDED, version=F("version") + 1):
        raise NotADraft(_("Only a draft can be put away."))
    audit.record("finance.paper_discarded", model.objects.get(pk=pk), by=by)


def open_day(day: date, *, today: date) -> date:
    """The day of competence: `day` where its month is open, else `today`."""
    periods.ensure(min(day, today), max(day, today))
    month = Period.objects.filter(starts_on=day.replace(day=1)).first()
    return day if month is None or month.state == Period.State.OPEN else today


def terms_of(paper: Bill | Invoice) -> Terms:
    return Terms(paper.discount_rate, paper.discount_days, paper.fine_rate, paper.interest_rate)


def _get(model: type[Paper], pk: int) -> Paper:
    return model.objects.select_for_update(of=("self",)).select_related("party", "cost_centre", "made_by").get(pk=pk)
