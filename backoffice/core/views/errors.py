"""Pages for when something is in the way: what happened, who can help, which number to name."""

import sys

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from psycopg_pool import PoolTimeout

from ..access import Refused
from ..models import User
from ..roles import roles_with
from ..selectors import who_gives_roles


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, with the roles that grant the missing right and the people who can give them."""
    right = exception.right if isinstance(exception, Refused) else ""
    roles = [role.name for role in roles_with(right)]
    givers = who_gives_roles(request.user) if roles and isinstance(request.user, User) else []
    return _page(request, "403", 403, right=right, roles=roles, givers=givers)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404", 404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; 413 for more data than is taken; a host that is not ours has no pages at all."""
    if isinstance(exception, RequestDataTooBig):
        return _bare(request, "413", 413, most=settings.MAX_UPLOAD_BYTES // 1024**2)
    return _bare(request, "400", 404 if isinstance(exception, DisallowedHost) else 400)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    response = _bare(request, "429", 429)
    response["Retry-After"] = "60"
    return response


def not_from_here(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: an old tab, or another site."""
    return _bare(request, "csrf", 403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the incident's number and nothing else; 503 while the database is away."""
    if isinstance(sys.exc_info()[1], OperationalError | PoolTimeout):
        response = _bare(request, "503", 503)
        response["Retry-After"] = "5"
        return response
    try:
        return _bare(request, "500", 500)
    except Exception:  # what broke may be what draws pages
        return HttpResponse(f"500 · {getattr(request, 'id', '')}", status=500, content_type="text/plain")


def _page(request: HttpRequest, name: str, status: int, **context: object) -> HttpResponse:
    """Inside the frame, for a person who can go on from there."""
    response = render(request, f"errors/{name}.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _bare(request: HttpRequest, name: str, status: int, **context: object) -> HttpResponse:
    """Outside the frame: asks neither the database nor the session."""
    text = render_to_string(f"errors/{name}.html", {"incident": getattr(request, "id", ""), **context})
    return HttpResponse(text, status=status, headers={"Cache-Control": "no-store"})
