"""Everything a dashboard shows, in seven statements whatever stands on it: tiles (3), comparisons, splits, alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from backoffice.core import charts
from backoffice.core.calendar import Period
from backoffice.core.templatetags import display

from . import cells, selectors, words
from .boards import Board, Split, Trend
from .cells import Ask
from .chosen import Chosen
from .definitions import MEASURES, Cell, Measure, Reading, dim_title
from .models import Grain, MeasureAlert
from .periods import spark_grain
from .selectors import Point, Tile
from .series import SERIES


@dataclass(frozen=True)
class Slice:
    """One value of a dim."""

    value: str
    reading: Reading
    url: str


@dataclass(frozen=True)
class Shown:
    """A board over a period, ready to draw."""

    tiles: list[Tile]
    charts: list[charts.Chart]
    alerts: list[MeasureAlert]

    @property
    def is_empty(self) -> bool:
        return all(tile.is_empty for tile in self.tiles)

    def last_day(self) -> date | None:
        """The latest day with data, to offer when this period has none."""
        return max((tile.last_day for tile in self.tiles if tile.last_day), default=None)


def board(board: Board, chosen: Chosen, *, today: date) -> Shown:
    tiles = selectors.tiles(board.tiles, chosen.period, today=today)
    by_key = {tile.measure.key: tile for tile in tiles}
    trends = [by_key[chart.measure] for chart in board.charts if isinstance(chart, Trend)]
    others = compared(trends, chosen)
    split = splits([chart for chart in board.charts if isinstance(chart, Split)], chosen.period)
    drawn = [
        trend(by_key[chart.measure], others.get(chart.measure, []), chosen)
        if isinstance(chart, Trend)
        else split_chart(chart, split[chart])
        for chart in board.charts
    ]
    return Shown(tiles, drawn, alerts(board.tiles))


def alerts(keys: Sequence[str]) -> list[MeasureAlert]:
    """Thresholds that are crossed now."""
    found = MeasureAlert.objects.filter(closed_at=None, setting__measure__in=keys).select_related("setting")
    return list(found.order_by("-level", "opened_at", "pk"))


def compared(tiles: Sequence[Tile], chosen: Chosen) -> dict[str, list[Point]]:
    """The lines of the other period, one statement for all."""
    if not tiles:
        return {}
    other = _other(tiles[0], chosen)
    keys = dict.fromkeys(key for tile in tiles for key in tile.measure.series)
    grain = spark_grain(chosen.period)
    points = cells.read([(key, 0) for key in keys], [Ask(other, points=grain, totals=False)])[0].points
    lines: dict[str, list[Point]] = {}
    for tile in tiles:
        found = {start: row for (start, _value), row in points.items()}
        lines[tile.measure.key] = [
            Point(start, start.astimezone(cells.zone()).date(), tile.measure.read(found.get(start, {})))
            for start in cells.starts(other, grain)
        ]
    return lines


def splits(wanted: Sequence[Split], period: Period) -> dict[Split, list[Slice]]:
    """Every split of a board in one statement, the largest value first."""
    axes = [(key, SERIES[key].dim(one.by)) for one in wanted for key in MEASURES[one.measure].series]
    if len(dict(axes)) != len(axes):
        raise ValueError("a series stands in two splits of one board")
    totals = cells.read(axes, [Ask(period)])[0].totals if axes else {}
    found: dict[Split, list[Slice]] = {}
    for one in wanted:
        measure = MEASURES[one.measure]
        rows = {value: row for value, by_series in totals.items() if (row := _only(by_series, measure))}
        whole = _whole(rows, measure) if measure.share_of else None
        slices = [
            Slice(value, measure.read(row, whole), selectors.drill_url(measure, period, by=one.by, value=value))
            for value, row in rows.items()
        ]
        slices.sort(key=lambda row: (row.reading.value is None, -(row.reading.value or 0), row.value))
        many = [row for row in slices if row.reading.n >= one.least]
        found[one] = (many or slices)[: one.at_most]
    return found


def trend(tile: Tile, other: Sequence[Point], chosen: Chosen) -> charts.Chart:
    """A line over the period, each point the door to its rows."""
    measure, grain = tile.measure, spark_grain(chosen.period)
    if tile.is_empty:
        return empty(tile, chosen)
    points = [
        charts.Point(words.point_name(point, grain), point.value, _bucket_url(measure, point, grain, chosen.period))
        for point in tile.points
    ]
    to_come = [start for start in cells.starts(chosen.period, grain) if start > tile.points[-1].start]
    points += [charts.Point(words.start_name(start, grain), None) for start in to_come]
    behind = [charts.Point(words.point_name(point, grain), point.value) for point in other][: len(points)]
    other_name = words.period_name(_other(tile, chosen))
    series = [charts.Series("now", points, words.period_name(chosen.period))]
    if any(point.value is not None for point in behind):
        series.append(charts.Series("year" if chosen.against == "year" else "previous", behind, other_name))
    rows = [
        [point.label, _cell(measure, point.value), _cell(measure, behind[n].value if n < len(behind) else None)]
        for n, point in enumerate(points[: len(tile.points)])
    ]
    return charts.Chart(
        finding=words.finding(tile),
        svg=charts.line(
            series,
            title=str(measure.title),
            text=lambda value: words.short(measure.unit, value),
            desc=words.period_name(chosen.period),
            target=_level(tile),
            target_label=_("target %(value)s") % {"value": words.short(measure.unit, tile.target or 0)},
        ),
        question=str(measure.sentence),
        headings=[str(Grain(grain).label), words.period_name(chosen.period), other_name],
        rows=rows,
    )


def long_line(measure: Measure, points: Sequence[Point], grain: str, tile: Tile) -> charts.Chart:
    """One measure in whole days, weeks or months, with what each point is made of."""
    named = [
        charts.Point(words.point_name(point, grain), point.value, selectors.drill_url(measure, _bucket(point, grain)))
        for point in points
    ]
    rows = [
        [label.label, _cell(measure, point.value), *_made_of(point.reading), display.number(point.reading.n)]
        for label, point in zip(named, points, strict=True)
    ]
    spread = (
        [_("p50"), _("p90")] if points and points[0].reading.numerator is None else [_("Numerator"), _("Denominator")]
    )
    return charts.Chart(
        finding=words.finding(tile),
        svg=charts.line(
            [charts.Series("now", named, str(measure.title))],
            title=str(measure.title),
            text=lambda value: words.short(measure.unit, value),
            target=_level(tile),
            target_label=_("target %(value)s") % {"value": words.short(measure.unit, tile.target or 0)},
        ),
        headings=[str(Grain(grain).label), str(measure.title), *spread, _("Facts")],
        rows=rows,
    )


def split_chart(split: Split, slices: Sequence[Slice]) -> charts.Chart:
    measure = MEASURES[split.measure]
    if not slices:
        return charts.Chart(finding=str(measure.title), question=str(split.question))
    first = slices[0]
    points = [charts.Point(words.dim_value(split.by, row.value), row.reading.value, row.url) for row in slices]
    draw = charts.shares if split.shape == "shares" else charts.ranked
    name = words.dim_value(split.by, first.value)
    return charts.Chart(
        finding=str(split.finding) % {"name": name, "value": words.value_of(measure.unit, first.reading.value)},
        svg=draw(points, title=str(measure.title), text=lambda value: words.value_of(measure.unit, value)),
        question=str(split.question),
        headings=[str(dim_title(split.by)), str(measure.title), _("Facts")],
        rows=[
            [words.dim_value(split.by, row.value), _cell(measure, row.reading.value), display.number(row.reading.n)]
            for row in slices
        ],
        note=_("Values with fewer than %(n)s facts are left out.") % {"n": split.least}
        if split.least > 1 and first.reading.n >= split.least
        else "",
    )


def empty(tile: Tile, chosen: Chosen) -> charts.Chart:
    """A chart without data says so and offers the last period that has some."""
    last = tile.last_period()
    return charts.Chart(
        finding=str(tile.measure.title),
        question=str(tile.measure.sentence),
        empty=_("No data in %(period)s.") % {"period": words.period_name(chosen.period)},
        empty_url=f"?{chosen.moved(last)}" if last else "",
        empty_label=words.period_name(last) if last else "",
    )


def _level(tile: Tile) -> Decimal | None:
    """The target as a line: only of a measure whose single days are on the same scale as the whole period."""
    return tile.target if tile.measure.denominator or tile.measure.middle else None


def _other(tile: Tile, chosen: Chosen) -> Period:
    return chosen.period.last_year() if chosen.against == "year" else chosen.period.previous()


def _only(by_series: dict[str, Cell], measure: Measure) -> dict[str, Cell]:
    return {key: cell for key, cell in by_series.items() if key in measure.series}


def _whole(rows: dict[str, dict[str, Cell]], measure: Measure) -> dict[str, Cell]:
    """All values of a mix together: every fact has exactly one value, so their cells add up to the whole."""
    total = {key: Cell() for key in measure.series}
    for row in rows.values():
        for key, cell in row.items():
            kept = total[key]
            total[key] = Cell(
                kept.n + cell.n, kept.hits + cell.hits, (kept.sum or Decimal(0)) + (cell.sum or Decimal(0))
            )
    return total


def _cell(measure: Measure, value: Decimal | int | None) -> str:
    return words.value_of(measure.unit, value)


def _made_of(reading: Reading) -> list[str]:
    if reading.numerator is None:
        return [display.number(reading.p50, 2), display.number(reading.p90, 2)]
    return [display.number(reading.numerator), display.number(reading.denominator)]


def _bucket(point: Point, grain: str) -> Period:
    return Period.of("day" if grain == "hour" else grain, point.day)  # type: ignore[arg-type]


def _bucket_url(measure: Measure, point: Point, grain: str, period: Period) -> str:
    """The facts of one point, as far as they lie in the period; an hour opens its day."""
    bucket = _bucket(point, grain)
    inside = Period(max(bucket.start, period.start), min(bucket.end, period.end))
    return selectors.drill_url(measure, inside)
