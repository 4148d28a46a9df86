"""The nouns of logistics, one family per file."""

from .clock import WallClockField
from .exceptions import OrderException
from .orders import Order, OrderEvent, OrderItem
from .products import Product, ProductCategory
from .reviews import Review

__all__ = [
    "Order",
    "OrderEvent",
    "OrderException",
    "OrderItem",
    "Product",
    "ProductCategory",
    "Review",
    "WallClockField",
]
