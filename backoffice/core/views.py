from django.http import HttpRequest, HttpResponse

from .access import public, signed_in


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Retaguarda")


@public
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
