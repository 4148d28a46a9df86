"""The palette's answers, and the same as a page of its own. Texts are posted: a CPF must not stand in an address."""

from django.http import HttpResponse
from django.shortcuts import render

from .. import search
from ..access import signed_in
from ..http import PersonRequest


@signed_in
def palette(request: PersonRequest) -> HttpResponse:
    typed = request.POST.get("q", "")[: search.LONGEST]
    context = {"groups": search.results(request.user, typed), "query": typed}
    is_part = bool(request.headers.get("HX-Request"))
    return render(request, "components/palette_results.html" if is_part else "core/palette.html", context)
