"""Products and what customers said."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import duration

from .. import selectors
from ..filters import ProductFilters, ReviewFilters
from ..models import Product, Review


@entrance("logistics.product.read")
class ProductList(lists.ListPage):
    key = "logistics.products"
    url_name = "logistics:products"
    detail_url = "logistics:product"
    title = gettext_lazy("Products")
    filters = ProductFilters
    search_fields = ("code", "name")
    search_label = gettext_lazy("Code or name")
    default_order = "code"
    export_right = "logistics.product.export"
    empty_text = gettext_lazy("No product yet. They come with the orders of your shop.")
    columns = (
        lists.Column("code", gettext_lazy("Code"), kind="code", order=("code", "pk")),
        lists.Column("name", gettext_lazy("Name")),
        lists.Column("category", gettext_lazy("Category"), value=lambda p: str(p.category) if p.category else ""),
        lists.Column("weight_g", gettext_lazy("Weight, g"), kind="number"),
        lists.Column("length_cm", gettext_lazy("Length, cm"), kind="number", optional=True),
        lists.Column("height_cm", gettext_lazy("Height, cm"), kind="number", optional=True),
        lists.Column("width_cm", gettext_lazy("Width, cm"), kind="number", optional=True),
        lists.Column("photo_count", gettext_lazy("Photos"), kind="number"),
        lists.Column("source", gettext_lazy("Channel"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Product]:
        return Product.objects.select_related("category")

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return selectors.products_with(queryset, text)


@entrance("logistics.product.read")
def product(request: PersonRequest, pk: int) -> HttpResponse:
    page = selectors.product_page(pk)
    if page is None:
        raise Http404
    context = {
        "page": page,
        "product": page.product,
        "may_see_orders": request.user.may("logistics.order.read"),
        "crumbs": [(str(page.product), "")],
        "activity": activity(page.product.ref, request.user),
    }
    return render(request, "logistics/products/detail.html", context)


def _answer_time(review: Review) -> timedelta | None:
    return review.answered_at - review.created_at if review.answered_at and review.created_at else None


@entrance("logistics.order.read")
class ReviewList(lists.ListPage):
    key = "logistics.reviews"
    url_name = "logistics:reviews"
    title = gettext_lazy("Reviews")
    lead = gettext_lazy("What customers said, and how long they waited for an answer.")
    filters = ReviewFilters
    search_fields = ("external_id",)
    search_label = gettext_lazy("Order or review number")
    default_order = "-created_at"
    export_right = "logistics.order.export"
    has_personal_data = True
    empty_text = gettext_lazy("No review yet. They come with the orders of your shop.")
    tabs = (lists.Tab("bad", gettext_lazy("One star"), {"score": "1"}),)
    columns = (
        lists.Column("order", gettext_lazy("Order"), value="order.number", kind="code"),
        lists.Column("created_at", gettext_lazy("Written"), kind="stamp", order=("created_at", "pk")),
        lists.Column("score", gettext_lazy("Score"), kind="number"),
        lists.Column("title", gettext_lazy("Title")),
        lists.Column("message", gettext_lazy("Message"), cell=lambda r: _short(r.message)),
        lists.Column("answered_at", gettext_lazy("Answered"), kind="stamp"),
        lists.Column(
            "took",
            gettext_lazy("Answer took"),
            value=_answer_time,
            cell=lambda r: duration(_answer_time(r)) if _answer_time(r) is not None else "–",
        ),
        lists.Column("external_id", gettext_lazy("Review"), kind="code", optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Review]:
        return Review.objects.select_related("order")

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return selectors.reviews_of(queryset, text)

    def row_url(self, row: Review) -> str:
        return selectors.order_url(row.order_id)


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + _("…")
