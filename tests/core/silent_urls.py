"""The product's URLs, and one that forgot to say who may enter."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from backoffice.urls import handler400, handler403, handler404, handler500
from backoffice.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def silent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


urlpatterns = [path("silent/", silent, name="silent"), *product]
