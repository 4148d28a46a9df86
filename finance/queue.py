"""What waits in finance, for the home page."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from backoffice.core.queue import QueueLine, queue_item

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
