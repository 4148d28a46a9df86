"""What a person opened last: a convenience kept in the cache only, so that reading a page writes no row."""

from contextlib import suppress

from django.core.cache import caches
from redis.exceptions import RedisError

KEPT = 12
DAYS = 30


def visited(user_id: int, ref: str) -> None:
    """Put `ref` first; without a cache nothing is remembered and nothing breaks."""
    refs = [ref, *(kept for kept in of(user_id) if kept != ref)][:KEPT]
    with suppress(RedisError):
        caches["short"].set(_key(user_id), refs, DAYS * 24 * 3600)


def of(user_id: int) -> list[str]:
    """References, newest first."""
    with suppress(RedisError):
        kept: list[str] = caches["short"].get(_key(user_id)) or []
        return kept
    return []


def _key(user_id: int) -> str:
    return f"recent:{user_id}"
