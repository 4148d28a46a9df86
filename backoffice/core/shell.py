"""What every page's frame needs: navigation for this person, counts, theme, language."""

from typing import Any

from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, Any]:
    return {}
