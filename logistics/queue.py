"""What waits in logistics, for the home page and for one person's inbox."""

from django.db.models import QuerySet, Value
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core.inbox import Needs, inbox_source
from backoffice.core.models import User
from backoffice.core.queue import Waiting, queue_item

from .models import OrderException


def _open(**which: str) -> QuerySet[OrderException]:
    return OrderException.objects.filter(closed_at=None, waived_at=None, **which)


@queue_item("finance.open_exceptions", right="logistics.exception.read", order=10)
def money_exceptions(user: User) -> Waiting:
    url = reverse("logistics:exceptions") + "?state=open&department=finance"
    done = _("Every payment fits its order.")
    return Waiting(_("Order payments to check"), _open(department="finance"), url, "opened_at", "due_at", done)


@queue_item("logistics.open_exceptions", right="logistics.exception.read", order=20)
def order_exceptions(user: User) -> Waiting:
    url = reverse("logistics:exceptions") + "?state=open&department=logistics"
    done = _("No order is late or lacks its items.")
    return Waiting(_("Orders that need a look"), _open(department="logistics"), url, "opened_at", "due_at", done)


@inbox_source("logistics.exceptions", _("Exception"), right="logistics.exception.edit")
def my_exceptions(user: User) -> Needs:
    rows = _open().filter(owner=user)
    number = JSONObject(number="order__number")
    return Needs(
        rows, ref="logistics.orderexception", text=Value("%(number)s"), at="opened_at", due="due_at", data=number
    )
