"""`manage.py kpi KEY --from 2018-01-01 --to 2018-01-31 --grain day [--by state] [--clock wall] --json`."""

import argparse
import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.core.calendar import DAY, Period
from kpis import cells, selectors
from kpis.definitions import MEASURES, Measure, Part, Unit
from kpis.selectors import Point
from kpis.series import SERIES, Quantity
from kpis.services.catching_up import catch_up

GRAINS = ["hour", "day", "week", "month", "total"]


class Command(BaseCommand):
    requires_system_checks = []
    help = (
        "Print one indicator in each hour, day, week (from Monday) or month that has facts. Both days of the range are "
        "inside; a week or month that it cuts counts only its days inside."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", metavar="KEY", help="one of: " + ", ".join(MEASURES))
        parser.add_argument("--from", dest="first", type=day, required=True, metavar="D", help="first day, inside")
        parser.add_argument("--to", dest="last", type=day, required=True, metavar="D", help="last day, inside")
        parser.add_argument("--grain", choices=GRAINS, default="day", help="total: the whole range as one row")
        parser.add_argument("--by", default="", metavar="DIM", help="one row for each value of a dim")
        parser.add_argument("--clock", choices=["zone", "wall"], default="zone", help="how durations are measured")
        parser.add_argument("--as-is", action="store_true", help="do not wait for facts that are not counted yet")
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        measure = MEASURES.get(options["key"])
        if measure is None:
            raise CommandError(f"No indicator {options['key']}. There are: {', '.join(MEASURES)}.", returncode=2)
        by = options["by"] or measure.share_of
        if by and by not in measure.dims:
            raise CommandError(
                f"{measure.key} cannot be split by {by}. It has: {', '.join(measure.dims) or 'no dims'}.", returncode=2
            )
        if options["last"] < options["first"]:
            raise CommandError("--to lies before --from.", returncode=2)
        if not options["as_is"]:
            catch_up()
        period = Period(options["first"], options["last"] + DAY)
        points = selectors.series(measure, period, options["grain"], by=by, wall=options["clock"] == "wall")
        as_of = min(fresh.as_of for fresh in cells.freshness(measure.series).values())
        rows = [row(measure, point, grain=options["grain"], by=by) for point in points]
        if options["json"]:
            answer = {"key": measure.key, "unit": measure.unit.value, "rows": rows, "as_of": as_of.isoformat()}
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"{measure.title}: {measure.sentence}")
        for one in rows:
            self.stdout.write("  ".join(f"{name} {value}" for name, value in one.items()))


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2018-01-31") from problem


def row(measure: Measure, point: Point, *, grain: str, by: str) -> dict[str, object]:
    """One row; what has no meaning for the measure, or no value there, is left out."""
    start = point.start.astimezone(cells.zone())
    reading = point.reading
    found: dict[str, object] = {"start": start.isoformat() if grain == "hour" else point.day.isoformat()}
    if by:
        found["dim"] = point.dim
    if reading.value is not None:
        found["value"] = plain(reading.value, measure.unit)
    for name, part, figure in (
        ("numerator", measure.numerator, reading.numerator),
        ("denominator", measure.denominator, reading.denominator),
    ):
        if part is not None and figure is not None:
            found[name] = exact(figure, part)
    found["n"] = reading.n
    for name, percentile in (("p50", reading.p50), ("p90", reading.p90)):
        if percentile is not None:
            found[name] = plain(percentile, measure.unit)
    return found


def plain(value: Decimal, unit: Unit) -> object:
    """Money as text with cents (an average with six digits), counts whole, all else as a number."""
    if unit is Unit.MONEY:
        rounded = value.quantize(Decimal("0.000001"))
        return str(rounded.quantize(Decimal("0.01")) if rounded == rounded.quantize(Decimal("0.01")) else rounded)
    return int(value) if unit is Unit.COUNT else float(value)


def exact(figure: Decimal | int, part: Part) -> object:
    if part.reads == "sum" and SERIES[part.series].quantity is Quantity.MONEY:
        return str(figure)
    return int(figure)
