"""One act on many rows: first told row by row what would happen and what is refused, then done."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise

from ..forms import Form
from ..models import User

CHUNK = 500
DIRECT_ROWS = 500  # more than this runs as a job
MOST_ROWS = 50_000


class BulkAction:
    """Base of an act on many rows of a list.

    `form` asks for what the act needs (a reason, an owner); its cleaned values arrive as keyword arguments.
    """

    key: ClassVar[str]
    label: ClassVar[str | Promise]  # the button: a verb and what, "Waive exceptions"
    right: ClassVar[str]
    form: ClassVar[type[forms.Form] | None] = None
    is_danger: ClassVar[bool] = False

    def refusals(self, rows: Sequence[Any], *, by: User, **answers: Any) -> dict[Any, str]:
        """Why rows cannot be acted on, by key; what is not named here can."""
        return {}

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        """Act on rows that were just found fit; one transaction, through the owning service."""
        raise NotImplementedError


@dataclass
class Outcome:
    """What a run did or would do."""

    fit: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[str, str]] = field(default_factory=list)  # row in words, reason; the first hundred

    def add(self, rows: Sequence[Any], refusals: dict[Any, str]) -> None:
        self.fit += len(rows) - len(refusals)
        self.refused += len(refusals)
        for row in rows:
            reason = refusals.get(key_of(row))
            if reason is not None:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
                if len(self.examples) < 100:
                    self.examples.append((str(row), reason))


def form_of(action: BulkAction, data: QueryDict | None = None) -> forms.Form:
    """The action's questions, its own or none."""
    return (action.form or Form)(data)


def answers_of(form: forms.Form) -> dict[str, Any]:
    return {name: value for name, value in form.cleaned_data.items() if name != "once"}


def key_of(row: Any) -> Any:
    return row["pk"] if isinstance(row, dict) else row.pk


def chunks(queryset: QuerySet[Any]) -> Iterator[list[Any]]:
    """The rows in order of their key, five hundred at a time, each from a short query of its own."""
    last: Any = None
    while True:
        part = queryset if last is None else queryset.filter(pk__gt=last)
        rows = list(part.order_by("pk")[:CHUNK])
        if rows:
            yield rows
            last = key_of(rows[-1])
        if len(rows) < CHUNK:
            return


def run(
    action: BulkAction,
    queryset: QuerySet[Any],
    *,
    by: User,
    answers: dict[str, Any],
    act: bool,
    seen: Callable[[int], None] | None = None,
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic,
) -> Outcome:
    """Try (`act=False`) or do the act on every row; `seen(n)` is told the rows passed.

    Each five hundred rows are one transaction from `writing`. Running again is harmless where `refusals` names what is
    already done.
    """
    outcome = Outcome()
    for rows in islice(chunks(queryset), MOST_ROWS // CHUNK):
        with writing() if act else nullcontext():
            refusals = action.refusals(rows, by=by, **answers)
            fit = [key_of(row) for row in rows if key_of(row) not in refusals]
            if act and fit:
                action.apply(fit, by=by, **answers)
        outcome.add(rows, refusals)
        if seen is not None:
            seen(outcome.fit + outcome.refused)
    return outcome
