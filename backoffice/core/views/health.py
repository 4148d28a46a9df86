"""Doors for machines that watch this one."""

from django.http import HttpRequest, HttpResponse

from ..access import public


@public
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
