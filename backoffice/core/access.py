"""Every door says who may enter. A view without `@entrance`, `@signed_in` or `@public` refuses everybody and fails the tests.

    @entrance("logistics.order.read")                      # every method
    @entrance(get="core.task.read", post="core.task.edit") # by method; a method not named answers 405
    @signed_in                                             # any person, their own things
    @public                                                # nobody needs to be known

Doors of other packages (sign-in pages, the configuration) are declared in `backoffice/doors.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import ResolverMatch

Kind = Literal["public", "signed_in", "staff", "right", "token"]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entrance:
    kind: Kind
    rights: dict[str, str] = field(default_factory=dict)  # method → right; "*" for all

    def right_for(self, method: str) -> str | None:
        method = "GET" if method in ("HEAD", "OPTIONS") else method
        return self.rights.get(method, self.rights.get("*"))


class Refused(PermissionDenied):
    """The person is known and lacks `right`; the 403 page names the roles that grant it."""

    def __init__(self, right: str) -> None:
        super().__init__(right)
        self.right = right


def entrance(
    right: str | None = None, *, get: str | None = None, post: str | None = None
) -> Callable[[View], View]:
    """Let in who holds `right`, or the right of the request's method."""
    rights = {"*": right} if right else {}
    rights |= {method: name for method, name in (("GET", get), ("POST", post)) if name}

    def mark(view: View) -> View:
        view.entrance = Entrance("right", rights)  # type: ignore[attr-defined]
        return view

    return mark


def signed_in(view: View) -> View:
    """Let in any person who signed in; the view shows them their own things only."""
    view.entrance = Entrance("signed_in")  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Let in anybody."""
    view.entrance = Entrance("public")  # type: ignore[attr-defined]
    return view


def token_only(view: View) -> View:
    """For machines: the view itself compares a token."""
    view.entrance = Entrance("token")  # type: ignore[attr-defined]
    return view


def entrance_of(match: ResolverMatch) -> Entrance | None:
    """What the door behind a resolved URL declares, or None."""
    from backoffice import doors

    declared = getattr(match.func, "entrance", None) or getattr(
        getattr(match.func, "view_class", None), "entrance", None
    )
    return declared or doors.foreign(match)


class AccessMiddleware:
    """Ask at the door, once, for every URL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        door = entrance_of(match) if match else None
        if door is None:
            raise PermissionDenied("undeclared")
        if door.kind in ("public", "token"):
            return None
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request"):
                response = HttpResponse(status=401)
                response["HX-Redirect"] = f"{settings.SITE_URL and ''}/account/login/"
                return response
            return redirect_to_login(request.get_full_path())
        if door.kind == "signed_in":
            return None
        if door.kind == "staff":
            if not request.user.is_staff:
                raise Refused("configuration")
            return None
        right = door.right_for(request.method or "GET")
        if right is None:
            methods = [method for method in door.rights if method != "*"]
            return HttpResponseNotAllowed(methods)
        if not request.user.may(right):
            raise Refused(right)
        return None
