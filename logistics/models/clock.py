"""A stamp exactly as a shop wrote it on its own wall clock, without a zone.

The instant beside it answers when something happened; this one answers what the clock on the wall said. They differ
where daylight saving moved the clock, and durations are asked both ways.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    Base = models.Field[datetime | str | None, datetime | None]
else:
    Base = models.Field


class WallClockField(Base):
    description = "Wall-clock date and time without a zone"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "timestamp without time zone"

    def get_prep_value(self, value: Any) -> datetime | None:
        value = super().get_prep_value(value)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"{self.name} takes a stamp without a zone, as written: {value!r}")
        return value  # type: ignore[no-any-return]

    def to_python(self, value: Any) -> datetime | None:
        return self.get_prep_value(value)
