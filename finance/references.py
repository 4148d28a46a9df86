"""How finance's records are named from outside."""

from backoffice.core import lists, refs

from .models import Payment

refs.register(
    Payment,
    right="finance.payment.read",
    page=lambda payment: lists.url_for("finance.payments", order_number=payment.order_key),
)
