"""Scenes made to mislead a matcher, each with its truth."""

from typing import Any

from backoffice.core.bench import Say


def run(scenes: int, say: Say) -> dict[str, Any]:
    return {}
