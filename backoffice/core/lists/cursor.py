"""Keyset paging: a page begins where the last one ended, so page two thousand costs what page one does.

A cursor is the ordering values of one row, typed and checked on the way back in. Rows whose leading value is null come
last in both directions; they are read as a second segment, which keeps each query a plain range over one index.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db import connection
from django.db.models import BooleanField, F, Field, Func, IntegerField, QuerySet, Value


class BadCursor(ValueError):
    """The text is not a cursor of this ordering."""


class RowIsBeyond(Func):
    """`(a, b) > (x, y)` as PostgreSQL reads it: one range over an index on (a, b)."""

    conditional = True

    def __init__(self, paths: list[str], values: list[Any], fields: "list[Field[Any, Any]]", operator: str) -> None:
        self.operator = operator
        right = [Value(value, output_field=field) for value, field in zip(values, fields, strict=True)]
        super().__init__(*[F(path) for path in paths], *right, output_field=BooleanField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts, params = [], []
        for expression in self.get_source_expressions():
            sql, values = compiler.compile(expression)
            parts.append(sql)
            params += values
        half = len(parts) // 2
        return f"({', '.join(parts[:half])}) {self.operator} ({', '.join(parts[half:])})", params


@dataclass(frozen=True)
class Slice:
    rows: list[Any]
    before: str | None  # cursor of the page before, or None at the start
    after: str | None


class Ordering:
    """One direction over paths that end in the primary key."""

    def __init__(self, queryset: QuerySet[Any], paths: tuple[str, ...], *, descending: bool) -> None:
        self.paths = [path for path in paths if path != "pk"] + ["pk"]
        self.descending = descending
        found = [_field(queryset, path) for path in self.paths]
        self.fields = [field for field, _ in found]
        self.nullable = found[0][1]
        if any(null for _, null in found[1:]):
            raise ImproperlyConfigured(f"only the first of {self.paths} may be null")

    def order_by(self) -> list[Any]:
        """For reading everything in one go, nulls last."""
        return [
            F(path).desc(nulls_last=True if i == 0 and self.nullable else None)
            if self.descending
            else F(path).asc(nulls_last=True if i == 0 and self.nullable else None)
            for i, path in enumerate(self.paths)
        ]

    def page(self, queryset: QuerySet[Any], size: int, *, after: str = "", before: str = "") -> Slice:
        """`size` rows after or before a cursor. Raises BadCursor."""
        backwards = bool(before)
        start = self._decode(after or before) if after or before else None
        rows = self._fetch(queryset, size + 1, start, backwards)
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        earlier = more if backwards else start is not None
        later = more or (backwards and start is not None)
        if not backwards:
            later = more
        return Slice(
            rows,
            self._encode(rows[0]) if rows and earlier else None,
            self._encode(rows[-1]) if rows and later else None,
        )

    def _fetch(self, queryset: QuerySet[Any], limit: int, start: list[Any] | None, backwards: bool) -> list[Any]:
        down = self.descending != backwards
        segments = ["filled", "null"] if self.nullable else ["all"]
        if backwards:
            segments.reverse()
        if start is not None and self.nullable:
            first = "null" if start[0] is None else "filled"
            segments = segments[segments.index(first) :]
        rows: list[Any] = []
        for segment in segments:
            skip = 1 if segment == "null" else 0
            part = queryset
            if segment != "all":
                part = part.filter(**{f"{self.paths[0]}__isnull": segment == "null"})
            if start is not None:
                part = part.filter(
                    RowIsBeyond(self.paths[skip:], start[skip:], self.fields[skip:], "<" if down else ">")
                )
            part = part.order_by(*[f"-{path}" if down else path for path in self.paths[skip:]])
            rows += part[: limit - len(rows)]
            if len(rows) >= limit:
                break
            start = None
        return rows

    def _encode(self, row: Any) -> str:
        values = [_plain(_walk(row, path)) for path in self.paths]
        text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _decode(self, text: str) -> list[Any]:
        try:
            values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError, RecursionError) as problem:
            raise BadCursor(text) from problem
        if not isinstance(values, list) or len(values) != len(self.paths):
            raise BadCursor(text)
        return [self._typed(i, value) for i, value in enumerate(values)]

    def _typed(self, i: int, value: Any) -> Any:
        field = self.fields[i]
        if value is None:
            if i == 0 and self.nullable:
                return None
            raise BadCursor("null")
        if isinstance(value, bool | list | dict | float):
            raise BadCursor(str(value))
        try:
            typed = field.to_python(value)
        except (ValidationError, ValueError, TypeError, OverflowError) as problem:
            raise BadCursor(str(value)) from problem
        if isinstance(typed, str) and ("\x00" in typed or len(typed) > 2000):
            raise BadCursor("text")
        if isinstance(typed, Decimal) and (not typed.is_finite() or abs(typed.adjusted()) > 40):
            raise BadCursor("number")
        if isinstance(field, IntegerField):
            low, high = connection.ops.integer_field_range(field.get_internal_type())
            if (low is not None and typed < low) or (high is not None and typed > high):
                raise BadCursor("number")
        return typed


def _field(queryset: QuerySet[Any], path: str) -> "tuple[Field[Any, Any], bool]":
    """The field at the end of a path, and whether it can be null there."""
    annotation = queryset.query.annotations.get(path)
    if annotation is not None:
        return annotation.output_field, True
    model, null = queryset.model, False
    field: Any = None
    for name in path.split("__"):
        try:
            field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        except FieldDoesNotExist as problem:
            raise ImproperlyConfigured(f"{queryset.model.__name__} cannot be ordered by {path}") from problem
        null = null or bool(field.null)
        model = getattr(field, "related_model", None) or model
    while field.is_relation:
        field = field.target_field
    return field, null


def _walk(row: Any, path: str) -> Any:
    if isinstance(row, dict):
        return row[path]
    for name in path.split("__"):
        row = getattr(row, name)
        if row is None:
            return None
    return getattr(row, "pk", row)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
