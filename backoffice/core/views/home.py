"""Home: what needs this person now."""

from django.http import HttpRequest, HttpResponse

from ..access import signed_in


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Retaguarda")
