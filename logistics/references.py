"""How logistics' records are named from outside, and what the palette and the timelines say of them."""

from django.utils.translation import gettext_lazy as _

from backoffice.core import refs, search, sentences

from . import selectors
from .models import Order, OrderException, Product, Review

refs.register(Order, "logistics:order", right="logistics.order.read")
refs.register(Product, "logistics:product", right="logistics.product.read")
refs.register(
    OrderException,
    "logistics:exception",
    right="logistics.exception.read",
    label=lambda exception: f"{exception.get_code_display()} · {exception.order.number}",
    carer="owner_id",
    related=("order",),
)
refs.register(Review, right="logistics.order.read", page=lambda review: selectors.order_url(review.order_id))

search.searchable(
    "logistics.orders", label=_("Orders"), icon="package", right="logistics.order.read", find=selectors.find_orders
)

sentences.register(
    {
        "logistics.order_moved": _("moved this order on"),
        "logistics.order_edited": _("changed this order"),
        "logistics.exception_waived": _("waived this exception: %(reason)s"),
        "logistics.exception_reopened": _("opened this exception again"),
        "logistics.exception_assigned": _("changed who sees to this exception"),
    }
)
