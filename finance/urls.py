from django.urls import path

from .views import payments

app_name = "finance"

PAYMENTS = [
    path("payments/", payments.PaymentList.as_view(), name="payments"),
]

urlpatterns = [*PAYMENTS]
