"""What `manage.py check` adds to Django's own: every door declared; and for production what Django does not look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import ResolverMatch

from .access import entrance_of
from .roles import rights

_FORBIDDEN_IN_CSP = {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:"}
_CSP_CLOSED = ("object-src", "base-uri", "frame-ancestors")


def doors(resolver: URLResolver | None = None, prefix: str = "", apps: tuple[str, ...] = ()) -> Iterator[Any]:
    """Every URL pattern there is, as (route, match without arguments)."""
    resolver = resolver or get_resolver()
    names = (*apps, resolver.app_name) if resolver.app_name else apps
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern, route, names)
        elif isinstance(pattern, URLPattern):
            yield route, ResolverMatch(pattern.callback, (), {}, pattern.name, list(names), list(names), route)


@register(Tags.urls)
def every_door_is_declared(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    """A URL that does not say who may enter refuses everybody; better to hear it here."""
    known, problems = set(rights()), list[CheckMessage]()
    for route, match in doors():
        declared = entrance_of(match)
        if declared is None:
            problems.append(Error(f"/{route} does not say who may enter.", id="core.E001"))
        elif unknown := set(declared.rights.values()) - known:
            problems.append(Error(f"/{route} asks for {', '.join(unknown)}, which no role has.", id="core.E002"))
    return problems


@register(Tags.security, deploy=True)
def policy_is_strict(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    problems = list[CheckMessage]()
    for name in ("default-src", "script-src", "style-src"):
        if loose := _FORBIDDEN_IN_CSP & {str(source) for source in directives.get(name, ["*"])}:
            problems.append(Error(f"CSP {name} allows {', '.join(sorted(loose))}.", id="core.E010"))
    for name in _CSP_CLOSED:
        if [str(source) for source in directives.get(name, [])] != ["'none'"]:
            problems.append(Error(f"CSP {name} must be 'none'.", id="core.E011"))
    return problems


@register(Tags.security, deploy=True)
def cookies_are_bound_to_this_host(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "KNOWN_BROWSER_COOKIE")
    return [
        Error(f"{name} must begin with __Host-.", id="core.E012")
        for name in names
        if not getattr(settings, name).startswith("__Host-")
    ]


@register(Tags.security, deploy=True)
def uploads_are_never_served(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    kept, served = Path(settings.MEDIA_ROOT).resolve(), Path(settings.STATIC_ROOT).resolve()
    if kept.is_relative_to(served) or served.is_relative_to(kept):
        return [Error("Uploaded files lie inside the static files and would be served as they are.", id="core.E013")]
    return []


@register(Tags.security, deploy=True)
def second_factor_is_required(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    if settings.MFA_REQUIRED:
        return []
    return [Error("MFA_REQUIRED is off: who can approve signs in with a password alone.", id="core.E014")]
