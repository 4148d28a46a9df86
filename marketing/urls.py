from django.urls import path

from . import views

app_name = "marketing"
urlpatterns = [
    path("leads/", views.LeadList.as_view(), name="leads"),
    path("leads/<int:pk>/", views.lead, name="lead"),
    path("deals/", views.DealList.as_view(), name="deals"),
]
