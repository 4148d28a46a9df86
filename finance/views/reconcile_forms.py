"""Acts that ask something first: titles and differences, an account, the other side, a reason."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from finance.models import StatementLine

POST = "finance.match.post"


@entrance(POST)
def match(request: PersonRequest, pk: int) -> HttpResponse:
    get_object_or_404(StatementLine, pk=pk)
    return HttpResponse()


entry = transfer = ignore = code = match
