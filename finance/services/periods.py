"""Months of the books."""

from datetime import date

from django.db import connection

_ENSURE = """
INSERT INTO finance_period (starts_on, ends_on, state, version)
SELECT month::date, (month + interval '1 month')::date,
       CASE WHEN month::date < (SELECT max(starts_on) FROM finance_period WHERE state = 'closed')
            THEN 'closed' ELSE 'open' END, 1
FROM generate_series(date_trunc('month', %s::date), date_trunc('month', %s::date), interval '1 month') AS month
WHERE NOT EXISTS (SELECT 1 FROM finance_period WHERE starts_on = month::date)
ORDER BY month
ON CONFLICT DO NOTHING
"""


def ensure(first: date, last: date) -> None:
    """Have a period for every month from `first` to `last`; months before a closed one come into being closed."""
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE, [first, last])
