from django.urls import path

from .views import catalogue, exceptions, orders

app_name = "logistics"
urlpatterns = [
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/<int:pk>/", orders.detail, name="order"),
    path("orders/<int:pk>/edit/", orders.edit, name="order_edit"),
    path("orders/<int:pk>/move/", orders.move, name="order_move"),
    path("exceptions/", exceptions.ExceptionList.as_view(), name="exceptions"),
    path("exceptions/<int:pk>/", exceptions.detail, name="exception"),
    path("exceptions/<int:pk>/waive/", exceptions.waive, name="exception_waive"),
    path("exceptions/<int:pk>/assign/", exceptions.assign, name="exception_assign"),
    path("exceptions/<int:pk>/reopen/", exceptions.reopen, name="exception_reopen"),
    path("exceptions/<int:pk>/check/", exceptions.check, name="exception_check"),
    path("products/", catalogue.ProductList.as_view(), name="products"),
    path("products/<int:pk>/", catalogue.product, name="product"),
    path("reviews/", catalogue.ReviewList.as_view(), name="reviews"),
]
