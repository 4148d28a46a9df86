"""What waits in finance, for the home page."""

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from backoffice.core.queue import QueueLine, Waiting, queue_item

from .models import IgnoredLine, StatementLine
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
