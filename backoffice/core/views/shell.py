"""Doors of the frame: language, theme, shortcuts, help."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ..access import public, signed_in
from ..models import User

YEAR = 365 * 24 * 3600


def back(request: HttpRequest) -> HttpResponse:
    """Return to the page that the form names, never to another host."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe and target.startswith("/") else "home")


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("language", "")
    response = back(request)
    if chosen in dict(settings.LANGUAGES):
        translation.activate(chosen)
        remember(response, settings.LANGUAGE_COOKIE_NAME, chosen, request)
        keep(request, language=chosen)
    return response


@public
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    response = back(request)
    if chosen in User.Theme.values:
        remember(response, "theme", chosen, request)
        keep(request, theme=chosen)
    return response


@signed_in
@require_POST
def shortcuts(request: HttpRequest) -> HttpResponse:
    keep(request, shortcuts=request.POST.get("shortcuts") == "on")
    return back(request)


def keep(request: HttpRequest, **choice: str | bool) -> None:
    """Let a signed-in person find the choice on every machine."""
    if request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(**choice)


def remember(response: HttpResponse, name: str, value: str, request: HttpRequest) -> None:
    """Keep a choice where the server reads it before the first byte, so that no page flashes."""
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure())


@signed_in
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "core/help.html", {"crumbs": [(_("Help"), "")]})
