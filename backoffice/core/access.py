"""Every door says who may enter. A view without `@entrance`, `@signed_in` or `@public` lets nobody in, fails the tests.

    @entrance("logistics.order.read")                      # every method
    @entrance(get="core.task.read", post="core.task.edit") # by method; a method not named answers 405
    @signed_in                                             # any person, their own things
    @public                                                # nobody needs to be known

Doors of other packages (sign-in pages, the configuration) are declared in `settings.FOREIGN_DOORS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from . import second_factor

if TYPE_CHECKING:
    pass

Kind = Literal["public", "signed_in", "staff", "right", "token"]
View = TypeVar("View", bound=Callable[..., Any])

METHODS = ("GET", "HEAD", "OPTIONS", "POST")


@dataclass(frozen=True)
class Entrance:
    """kind: what is asked at the door.   rights: method → right, "*" for every method."""

    kind: Kind
    rights: dict[str, str] = field(default_factory=dict)

    def right_for(self, method: str) -> str | None:
        method = "GET" if method in ("HEAD", "OPTIONS") else method
        return self.rights.get(method, self.rights.get("*"))

    def methods(self) -> tuple[str, ...]:
        """The methods that have a right, or all where the door does not tell them apart."""
        if self.kind != "right" or "*" in self.rights:
            return METHODS
        return tuple(method for method in METHODS if self.right_for(method))


class Refused(PermissionDenied):
    """The person is known and lacks `right`; the 403 page names the roles that grant it."""

    def __init__(self, right: str) -> None:
        super().__init__(right)
        self.right = right


def entrance(right: str | None = None, *, get: str | None = None, post: str | None = None) -> Callable[[View], View]:
    """Let in who holds `right`, or the right of the request's method."""
    rights = {method: name for method, name in (("*", right), ("GET", get), ("POST", post)) if name}
    return _marker(Entrance("right", rights))


def signed_in(view: View) -> View:
    """Let in any person who signed in; the view shows them their own things only."""
    return _marker(Entrance("signed_in"))(view)


def public(view: View) -> View:
    """Let in anybody."""
    return _marker(Entrance("public"))(view)


def token_only(view: View) -> View:
    """For machines: the view itself compares a token."""
    return _marker(Entrance("token"))(view)


def _marker(declared: Entrance) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.entrance = declared  # type: ignore[attr-defined]
        return view

    return mark


def entrance_of(match: ResolverMatch) -> Entrance | None:
    """What the door behind a resolved URL declares, or None."""
    ours = getattr(match.func, "entrance", None) or getattr(getattr(match.func, "view_class", None), "entrance", None)
    declared: Entrance | None = ours or import_string(settings.FOREIGN_DOORS)(match)
    return declared


class AccessMiddleware:
    """Ask at the door, once, for every URL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        door = entrance_of(match) if match else None
        if door is None or match is None:
            raise PermissionDenied("undeclared")
        if request.method not in door.methods():
            return HttpResponseNotAllowed(door.methods())
        if door.kind in ("public", "token"):
            return None
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        if second_factor.owes(request, match):
            return _go(request, resolve_url("mfa_activate_totp"))
        if door.kind == "staff" and not request.user.is_staff:
            raise Refused("core.person.edit")
        if door.kind == "right":
            right = door.right_for(request.method or "GET")
            if right is None or not request.user.may(right):
                raise Refused(right or "")
        return None


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and back to where the person is: the page around a swapped part, not the part."""
    if request.headers.get("HX-Request"):
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = urlencode({"next": page._replace(scheme="", netloc="").geturl()}, safe="/")
        return _go(request, f"{resolve_url(settings.LOGIN_URL)}?{back}")
    if "text/html" not in request.headers.get("Accept", "text/html, */*") and "*/*" not in request.headers["Accept"]:
        return JsonResponse({"error": "sign in first"}, status=401)
    return redirect_to_login(request.get_full_path())


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """Send the whole page to `url`, also from a request that would swap a part of it."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return redirect(url)
