"""The one way to say what was done. The database seals each entry into the chain when the transaction commits.

Call `record` last in a transaction, with the person who acted; where the act came from (page, worker, import, command)
and the request's id are taken from the context that the door has set with `acting`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ..models import AuditEntry, User, ref_of

Changes = Mapping[str, tuple[Any, Any] | list[Any]]


@dataclass(frozen=True)
class Origin:
    source: str = "command"  # web, worker, import, command, admin
    request_id: str = ""


_origin: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039 (frozen)


def origin() -> Origin:
    """Where what happens now comes from."""
    return _origin.get()


def stand_in(*, source: str, request_id: str = "") -> None:
    """Name the origin of what this task does, until the next task of the process names its own."""
    _origin.set(Origin(source, request_id))


@contextmanager
def acting(*, source: str, request_id: str = "") -> Iterator[None]:
    """Name the origin of everything recorded inside; an empty request id keeps the one around it."""
    token = _origin.set(Origin(source, request_id or _origin.get().request_id))
    try:
        yield
    finally:
        _origin.reset(token)


def record(
    action: str,
    record: models.Model | str,
    *,
    by: User | None,
    source: str | None = None,
    changes: Changes | None = None,
    **data: Any,
) -> AuditEntry:
    """Append one entry: `action` in the past tense (`finance.invoice_settled`) on a record or its reference.

    by: who acted, None for the machine itself.   changes: field → (before, after).   data: ids and text.
    """
    here = _origin.get()
    if changes:
        data["changes"] = {name: list(pair) for name, pair in changes.items()}
    return AuditEntry.objects.create(
        action=action,
        subject=record if isinstance(record, str) else ref_of(record),
        actor=by,
        actor_name=str(by)[:120] if by else "",
        source=source or here.source,
        request_id=here.request_id,
        data=_plain(data),
    )


def _plain(data: dict[str, Any]) -> Any:
    """Dates, decimals and lazy text as JSON text; PostgreSQL's JSON cannot hold NUL."""
    return json.loads(json.dumps(data, cls=DjangoJSONEncoder).replace("\\u0000", ""))
