"""Records to talk about: a lead that marketing may read."""

import datetime as dt
import itertools

from marketing.models import Deal, Lead

_numbers = itertools.count(1)
A_DAY = dt.date(2018, 3, 5)


def lead(**fields: object) -> Lead:
    fields.setdefault("source", "test")
    fields.setdefault("key", f"lead-{next(_numbers)}")
    fields.setdefault("first_contact_on", A_DAY)
    return Lead.objects.create(**fields)  # type: ignore[arg-type]


def deal(lead: Lead, *, won_on: dt.date, **fields: object) -> Deal:
    won_at = dt.datetime.combine(won_on, dt.time(15), dt.UTC)
    return Deal.objects.create(lead=lead, won_on=won_on, won_at=won_at, **fields)  # type: ignore[arg-type]
