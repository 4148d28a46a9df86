# ruff: noqa: S608
"""The SQL of one bucket, in one place: rollup, nightly proof, command line and bench all say it the same way.

Every text here is put together from constants; values travel as parameters.
"""

from .series import Quantity, Series

COLUMNS = "n, hits, sum, low, high, p50, p90"

# quantity → (column of the fact, both percentiles of it as an array)
_READINGS = {
    Quantity.MONEY: ("f.amount", "percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.amount)"),
    Quantity.SCORE: ("f.score", "percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.score)"),
    Quantity.DURATION: ("f.seconds", "percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.seconds::float8)"),
    Quantity.NONE: ("NULL::numeric", "NULL::numeric[]"),
}


def readings(series: Series, *, wall: bool = False) -> str:
    """The select list `n, hits, sum, low, high, two` over facts named `f`; `two` holds p50 and p90.

    wall: read durations by the stamps as written instead of by the instants.
    """
    column, two = _READINGS[series.quantity]
    if wall:
        column, two = column.replace("f.seconds", "f.wall_seconds"), two.replace("f.seconds", "f.wall_seconds")
    return (
        f"count(*) AS n, count(*) FILTER (WHERE f.hit) AS hits, sum({column})::numeric AS sum, "
        f"min({column})::numeric AS low, max({column})::numeric AS high, {two} AS two"
    )


UNPACKED = "n, hits, sum, low, high, round(two[1]::numeric, 6) AS p50, round(two[2]::numeric, 6) AS p90"


def dims(series: Series) -> str:
    """A lateral list `d (dim, value)` of each fact `f`: all (0), and one row for each dim of the series."""
    rows = ["(0, '')", *(f"({place}, f.dim{place})" for place in range(1, len(series.dims) + 1))]
    return f"CROSS JOIN LATERAL (VALUES {', '.join(rows)}) AS d (dim, value)"


# Civil days of the company's zone → the start of a bucket and the start of the next one.
STARTS = {
    "hour": ("date_bin('1 hour', {at}, '2000-01-01 00:00:00+00')", "interval '1 hour'"),
    "day": ("({at} AT TIME ZONE %(zone)s)::date", "1"),
    "week": ("date_trunc('week', {at} AT TIME ZONE %(zone)s)::date", "7"),
    "month": ("date_trunc('month', {at} AT TIME ZONE %(zone)s)::date", "interval '1 month'"),
}


def label(grain: str, at: str) -> str:
    """What facts of one bucket have in common: its UTC hour, or the civil date of its first day."""
    return STARTS[grain][0].format(at=at)


def start(grain: str, name: str) -> str:
    """The first instant of the bucket whose label is `name`."""
    return name if grain == "hour" else f"kpis_day_start({name}, %(zone)s)"


def end(grain: str, name: str) -> str:
    """The first instant after it."""
    step = STARTS[grain][1]
    return f"{name} + {step}" if grain == "hour" else f"kpis_day_start(({name} + {step})::date, %(zone)s)"


# The buckets an hour touches: its own, and those of the civil days at its two ends (a zone may cut an hour in two).
TARGETS = f"""
    SELECT 'hour' AS grain, hour AS start, hour + interval '1 hour' AS "end" FROM hours
    {
    "".join(
        f'''
    UNION SELECT '{grain}', {start(grain, "day")}, {end(grain, "day")}
    FROM (SELECT DISTINCT {label(grain, "at")} AS day FROM ends) {grain}s'''
        for grain in ("day", "week", "month")
    )
}
"""
ENDS = """
    SELECT at FROM hours
    CROSS JOIN LATERAL (VALUES (hour), (hour + interval '1 hour' - interval '1 microsecond')) AS edge (at)
"""
