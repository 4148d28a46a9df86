"""Home: what needs this person now. The inbox: the same, thing by thing."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .. import inbox, queue, selectors
from ..access import signed_in
from ..http import PersonRequest


@signed_in
@require_GET
def home(request: PersonRequest) -> HttpResponse:
    lines = queue.lines_for(request.user)
    context = {
        "waiting": [line for line in lines if line.count],
        "done": [line for line in lines if not line.count],
        "recent": selectors.recent_cards(request.user),
    }
    return render(request, "core/home.html", context)


@signed_in
@require_GET
def needs_me(request: PersonRequest) -> HttpResponse:
    lines, are_more = inbox.lines_for(request.user)
    return render(request, "core/inbox.html", {"lines": lines, "are_more": are_more})
