"""What wraps every request: an id, a stopwatch, the reader's language and person."""

import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from . import metrics
from .services import audit

Next = Callable[[HttpRequest], HttpResponse]

# The product asks a browser for none of these.
_UNUSED = ["camera", "microphone", "geolocation", "payment", "usb", "serial", "midi", "display-capture"]
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _UNUSED)


class RequestIdMiddleware:
    """Give each request an id; logs, audit rows and error pages carry it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        with audit.acting(source="web", request_id=request.id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class MetricsMiddleware:
    """Server time of each answer, in the `Server-Timing` header and in the histogram of its route."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - began
        response["Server-Timing"] = f"app;dur={seconds * 1000:.1f}"
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        metrics.observe(request, response, seconds)
        return response


class LanguageMiddleware:
    """The person's language once known (`PersonMiddleware`), else the cookie's, else the browser's."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        translation.activate(language)
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or language)
        return response


class PersonMiddleware:
    """Speak the signed-in person's language."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.language:
            translation.activate(request.user.language)
        return self.get_response(request)
