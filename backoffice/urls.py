from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("configuration/", admin.site.urls),
    path("", include("backoffice.core.urls")),
]
