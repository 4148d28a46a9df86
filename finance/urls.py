from django.urls import path

from . import views

app_name = "finance"
urlpatterns = [
    path("payments/", views.PaymentList.as_view(), name="payments"),
]
