"""What waits in finance, for the home page."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from backoffice.core.queue import QueueLine, Waiting, queue_item

from .models import Bill, DraftEntry, IgnoredLine, Instalment, StatementLine
from .services import setup


@queue_item("finance.setup", right="finance.bank_account.create", order=1)
def books_to_set_up(user: User) -> QueueLine | None:
    """There until the set-up is finished: how many steps are left."""
    row = setup.current()
    if row.finished_at is not None:
        return None
    left = max(1, len(setup.STEPS) - len(row.done))
    label, url = _("Set up the books, steps left"), reverse("finance:setup")
    return QueueLine(label, left, None, None, url, key="finance.setup", department="finance")


@queue_item("finance.open_lines", right="finance.match.post", order=5)
def lines_to_reconcile(user: User) -> Waiting:
    """Bank lines with something open that nobody set aside."""
    aside = IgnoredLine.objects.filter(line=OuterRef("pk"))
    rows = StatementLine.objects.filter(is_void=False).exclude(open_amount=0).exclude(Exists(aside))
    url = reverse("finance:bank_lines") + "?state=open"
    return Waiting(_("Bank lines to reconcile"), rows, url, oldest="on", done=_("Every bank line is matched."))


@queue_item("finance.drafts", right="finance.entry.submit", order=30)
def drafts_to_send(user: User) -> Waiting:
    """Entries by hand that nobody sent yet, also those that came back."""
    rows = DraftEntry.objects.filter(state=DraftEntry.State.DRAFT)
    url = reverse("finance:drafts") + "?state=draft"
    return Waiting(_("Entries in draft"), rows, url, oldest="made_at", done=_("No draft waits to be sent."))


@queue_item("finance.payables_due", right="finance.title.submit", order=7)
def payables_due(user: User) -> Waiting:
    """What falls due to suppliers within a week, or did."""
    until = timezone.localdate() + timedelta(days=7)
    rows = Instalment.objects.filter(title__direction="payable", balance__lt=0, due_on__lt=until)
    url = reverse("finance:payables") + f"?state=open&due_to={(until - timedelta(days=1)).isoformat()}"
    return Waiting(_("Payables due this week"), rows, url, oldest="due_on", done=_("Nothing falls due this week."))


@queue_item("finance.receivables_overdue", right="finance.title.submit", order=8)
def receivables_overdue(user: User) -> Waiting:
    """What customers should have paid."""
    rows = Instalment.objects.filter(title__direction="receivable", balance__gt=0, due_on__lt=timezone.localdate())
    url = reverse("finance:receivables") + "?state=overdue"
    return Waiting(_("Receivables overdue"), rows, url, oldest="due_on", done=_("No customer is late."))


@queue_item("finance.bill_drafts", right="finance.bill.submit", order=9)
def bill_drafts(user: User) -> Waiting:
    """Bills that somebody began or that came back, not sent yet."""
    rows = Bill.objects.filter(state=Bill.State.DRAFT)
    url = reverse("finance:bills") + "?state=draft"
    return Waiting(_("Bills to complete"), rows, url, oldest="made_at", done=_("No bill waits to be completed."))
