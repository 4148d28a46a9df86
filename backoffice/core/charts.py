"""Charts drawn on the server: values in, safe SVG out. No script, no style attribute; the stylesheet gives colour.

    svg = line([Series("now", points), Series("previous", before)], title="Orders a day", text=number, target=goal)
    chart = Chart(finding=_("Orders rose to 95 a day"), svg=svg, headings=["Day", "Orders"], rows=[("1 Nov", "95")])

Points carry the address of their rows, so that a click opens what is behind them; hover and focus show the value.
Kinds differ in dash and pattern, not in colour alone. Values are Decimal; only the place on the page is rounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from .templatetags.display import compact

WIDTH, HEIGHT = 640, 240
TOP, BOTTOM, SIDE = 26, 24, 8
LETTER = Decimal("8.4")  # width of one figure at 12 px
LONGEST = 7  # an axis label with more letters is written short: 1,2 mil
LINKED_POINTS = 190  # above it single points are too narrow to hit and the links too heavy to send
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
ZERO = Decimal(0)

Kind = Literal["now", "previous", "year"]
Text = Callable[[Decimal], str]


@dataclass(frozen=True)
class Point:
    label: str
    value: Decimal | int | None  # None leaves a gap: no data is not zero
    url: str = ""


@dataclass(frozen=True)
class Series:
    kind: Kind
    points: Sequence[Point]
    name: str = ""


@dataclass(frozen=True)
class Chart:
    """What `components/chart.html` shows: the finding as title, the drawing, and the same values as a table."""

    finding: str
    svg: SafeString | str = ""
    question: str = ""
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""
    empty: str = ""
    empty_url: str = ""
    empty_label: str = ""

    @property
    def body(self) -> SafeString:
        """The rows of the table; written here and not in a template, since a quarter has a hundred of them."""
        lines = []
        for first, *rest in self.rows:
            cells = "".join(f'<td class="num">{escape(cell)}</td>' for cell in rest)
            lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
        return mark_safe("".join(lines))  # every cell went through escape()


@dataclass(frozen=True)
class Scale:
    """From values to places: `low` sits on the floor of the plot, `high` under its ceiling."""

    low: Decimal
    high: Decimal
    ticks: list[Decimal] = field(default_factory=list)
    height: int = HEIGHT

    def y(self, value: Decimal | int) -> str:
        share = (Decimal(value) - self.low) / (self.high - self.low)
        return place(self.height - BOTTOM - share * (self.height - TOP - BOTTOM))


def place(value: Decimal | float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def scale_for(values: Sequence[Decimal], *, from_zero: bool = True, height: int = HEIGHT) -> Scale:
    """Round ends and three or four round ticks around `values`."""
    low, high = min(values, default=ZERO), max(values, default=ZERO)
    if from_zero:
        low, high = min(low, ZERO), max(high, ZERO)
    if low == high:
        high = low + (abs(low) or 1)
    rough = (high - low) / 3
    magnitude = Decimal(1).scaleb(rough.adjusted())
    step = next(magnitude * step for step in STEPS if magnitude * step >= rough)
    first = (low / step).to_integral_value(ROUND_FLOOR)
    last = (high / step).to_integral_value(ROUND_CEILING)
    return Scale(first * step, last * step, [step * n for n in range(int(first), int(last) + 1)], height)


def known(series: Sequence[Series]) -> list[Decimal]:
    return [Decimal(point.value) for line_ in series for point in line_.points if point.value is not None]


def drawing(kind: str, title: str, desc: str, body: str, *, height: int = HEIGHT, linked: bool) -> SafeString:
    role = "group" if linked else "img"
    said = f"<title>{escape(title)}</title>" + (f"<desc>{escape(desc)}</desc>" if desc else "")
    label = escape(f"{title}. {desc}" if desc else title)
    return mark_safe(  # every text above and in `body` went through escape()
        f'<svg class="chart {kind}" viewBox="0 0 {WIDTH} {height}" role="{role}" aria-label="{label}">'
        f"{said}{body}</svg>"
    )


def grid(scale: Scale, text: Text) -> tuple[Decimal, str]:
    """Horizontal lines with their values in a gutter at the left, whose width comes first."""
    labels = [text(tick) for tick in scale.ticks]
    if max(map(len, labels)) > LONGEST:
        labels = [compact(tick) for tick in scale.ticks]
    gutter = LETTER * max(map(len, labels)) + 6
    lines = []
    for tick, label in zip(scale.ticks, labels, strict=True):
        y = scale.y(tick)
        lines.append(f'<path class="{"axis" if tick == 0 else "grid"}" d="M{place(gutter)} {y}H{WIDTH}"/>')
        lines.append(
            f'<text x="{place(gutter - 6)}" y="{place(Decimal(y) + 4)}" text-anchor="end">{escape(label)}</text>'
        )
    return gutter, "".join(lines)


def legend(series: Sequence[Series]) -> str:
    """The names of the lines at the top right, each behind a piece of its own dash."""
    x, marks = Decimal(WIDTH), []
    for one in reversed([one for one in series if one.name and one.points]):
        x -= LETTER * len(one.name)
        marks.append(
            f'<path class="{one.kind}" d="M{place(x - 26)} 8h20"/>'
            f'<text class="narrow-off" x="{place(x)}" y="12">{escape(one.name)}</text>'
        )
        x -= 42
    return f'<g class="key">{"".join(marks)}</g>' if len(marks) > 1 else ""


def x_labels(points: Sequence[Point], xs: Sequence[Decimal], height: int, left: Decimal) -> str:
    """First, last and a few between; those between step aside on narrow pages."""
    count = len(points)
    if not count:
        return ""
    widest = max(len(point.label) for point in points)
    room = max(2, min(7, 90 // max(8, widest)))
    step = max(1, -(-(count - 1) // room)) if count > 1 else 1
    shown = [n for n in range(0, count, step) if n == 0 or count - 1 - n >= step * 0.7]
    if count > 1:
        shown.append(count - 1)
    marks = []
    for n in dict.fromkeys(shown):
        edge = count > 1 and (n == 0 or n == count - 1) and xs[0] - left < SIDE * 2
        anchor = "middle" if not edge else "start" if n == 0 else "end"
        narrow = "" if n in (0, count - 1) else ' class="narrow-off"'
        x = left if anchor == "start" else min(Decimal(WIDTH), xs[n] + SIDE) if anchor == "end" else xs[n]
        marks.append(
            f'<text x="{place(x)}" y="{height - 6}" text-anchor="{anchor}"{narrow}>{escape(points[n].label)}</text>'
        )
    return "".join(marks)


def runs(points: Sequence[Point], xs: Sequence[Decimal], scale: Scale) -> list[str]:
    """The coordinates of each stretch without a gap."""
    stretches: list[list[str]] = [[]]
    for x, point in zip(xs, points, strict=False):
        if point.value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{place(x)},{scale.y(point.value)}")
    return [" ".join(stretch if len(stretch) > 1 else stretch * 2) for stretch in stretches if stretch]


def hits(points: Sequence[Point], xs: Sequence[Decimal], scale: Scale, text: Text, height: int, *, spot: bool) -> str:
    """One column a point: hover or focus shows the value at the top, a click opens its rows."""
    if len(points) > LINKED_POINTS or not any(point.url for point in points):
        return ""
    wide = (xs[1] - xs[0]) if len(xs) > 1 else Decimal(WIDTH)
    marks = []
    for x, point in zip(xs, points, strict=True):
        if not point.url or point.value is None:
            continue
        left = max(ZERO, x - wide / 2)
        mark = f'<circle class="spot" cx="{place(x)}" cy="{scale.y(point.value)}" r="4"/>' if spot else ""
        marks.append(
            f'<a class="hit" href="{escape(point.url)}">'
            f'<rect x="{place(left)}" y="{TOP}" width="{place(min(wide, WIDTH - left))}"'
            f' height="{height - TOP - BOTTOM}"/>{mark}'
            '<text class="tip" x="0" y="12">'
            f"{escape(point.label)}: {escape(text(Decimal(point.value)))}</text></a>"
        )
    return "".join(marks)


def target_line(scale: Scale, target: Decimal | None, label: str, left: Decimal) -> str:
    if target is None:
        return ""
    y = scale.y(target)
    return (
        f'<path class="target" d="M{place(left)} {y}H{WIDTH}"/>'
        f'<text class="target halo" x="{place(left + 4)}" y="{place(Decimal(y) - 5)}">{escape(label)}</text>'
    )


def line(
    series: Sequence[Series],
    *,
    title: str,
    text: Text,
    desc: str = "",
    target: Decimal | None = None,
    target_label: str = "",
    from_zero: bool = True,
    height: int = HEIGHT,
) -> SafeString:
    """One line a series over the same places; that of `now` carries the links, its last point is marked and named."""
    values = known(series)
    scale = scale_for([*values, target] if target is not None else values, from_zero=from_zero, height=height)
    count = max((len(one.points) for one in series), default=0)
    left, lines = grid(scale, text)
    main = next((one for one in series if one.kind == "now"), None)
    room = WIDTH - left - 2 * SIDE - (LETTER * len(last_value(main, text)) if main else 0)
    xs = [left + SIDE + room * n / max(1, count - 1) for n in range(count)]
    body = [lines, target_line(scale, target, target_label, left), legend(series)]
    for one in sorted(series, key=lambda one: one.kind == "now"):
        body += [f'<polyline class="{one.kind}" points="{run}"/>' for run in runs(one.points, xs, scale)]
    if main:
        body += [ending(main, xs, scale, text), x_labels(main.points, xs, height, left)]
        body += [hits(main.points, xs, scale, text, height, spot=True)]
    return drawing("line", title, desc, "".join(body), height=height, linked='class="hit"' in body[-1])


def fan(
    middle: Sequence[Point],
    low: Sequence[Point],
    high: Sequence[Point],
    *,
    title: str,
    text: Text,
    desc: str = "",
    names: tuple[str, str, str] = ("", "", ""),
    height: int = HEIGHT,
) -> SafeString:
    """A line inside the band of what may be, both edges named at their end (names: of middle, low and high)."""
    main = Series("now", middle)
    edges = [Series("previous", low, names[1]), Series("previous", high, names[2])]
    values = known([main, *edges])
    is_flat = 2 * min(values) > max(values)  # far above zero a band would look like a line
    scale = scale_for(values, from_zero=not is_flat, height=height)
    left, lines = grid(scale, text)
    room = WIDTH - left - 2 * SIDE - LETTER * max(len(last_value(main, text)), *map(len, names))
    xs = [left + SIDE + room * n / max(1, len(middle) - 1) for n in range(len(middle))]
    over, under = (runs(points, xs, scale) for points in (high, low))
    band = " ".join([*over, *(" ".join(reversed(run.split())) for run in reversed(under))])
    body = [lines, f'<polygon class="band" points="{band}"/>']
    body += [f'<polyline class="{one.kind}" points="{run}"/>' for one in edges for run in runs(one.points, xs, scale)]
    ends = [Decimal(scale.y(points[-1].value or 0)) for points in (middle, low, high)]
    for name, y in zip(names[1:], ends[1:], strict=True):
        if abs(y - ends[0]) >= 14:
            body.append(f'<text x="{place(xs[-1] + 8)}" y="{place(y + 4)}">{escape(name)}</text>')
    body += [f'<polyline class="now" points="{run}"/>' for run in runs(middle, xs, scale)]
    body += [ending(main, xs, scale, text), x_labels(middle, xs, height, left)]
    return drawing("line", title, desc, "".join(body), height=height, linked=False)


def last_value(one: Series, text: Text) -> str:
    return next((text(Decimal(point.value)) for point in reversed(one.points) if point.value is not None), "")


def ending(one: Series, xs: Sequence[Decimal], scale: Scale, text: Text) -> str:
    """The last known point, marked and with its value beside it."""
    for x, point in zip(reversed(xs[: len(one.points)]), reversed(one.points), strict=True):
        if point.value is not None:
            y = Decimal(scale.y(point.value))
            return (
                f'<circle class="last" cx="{place(x)}" cy="{place(y)}" r="4"/>'
                f'<text class="now halo" x="{place(x + 8)}" y="{place(y + 4)}">{escape(last_value(one, text))}</text>'
            )
    return ""


def bars(
    points: Sequence[Point],
    *,
    title: str,
    text: Text,
    desc: str = "",
    previous: Sequence[Point] = (),
    target: Decimal | None = None,
    target_label: str = "",
    height: int = HEIGHT,
) -> SafeString:
    """One bar a point; the previous period stands behind it as an outline."""
    series = [Series("now", points), Series("previous", previous)]
    values = known(series)
    scale = scale_for([*values, target] if target is not None else values, height=height)
    left, lines = grid(scale, text)
    slot = (WIDTH - left) / max(1, len(points))
    xs = [left + slot * n + slot / 2 for n in range(len(points))]
    wide = min(slot * Decimal("0.64"), Decimal(56))
    body = [lines]
    for kind, row, share in (("previous", previous, Decimal("1.3")), ("now", points, Decimal(1))):
        for x, point in zip(xs, row, strict=False):
            if point.value is None:
                continue
            top, floor = sorted((Decimal(scale.y(point.value)), Decimal(scale.y(0))))
            body.append(
                f'<rect class="bar {kind}" x="{place(x - wide * share / 2)}" y="{place(top)}"'
                f' width="{place(wide * share)}" height="{place(max(floor - top, Decimal("0.5")))}" rx="1.5"/>'
            )
    body += [
        target_line(scale, target, target_label, left),
        x_labels(points, xs, height, left),
        hits(points, xs, scale, text, height, spot=False),
    ]
    return drawing("bars", title, desc, "".join(body), height=height, linked='class="hit"' in body[-1])


def ranked(points: Sequence[Point], *, title: str, text: Text, desc: str = "") -> SafeString:
    """Bars lying down, one a name, the label above its bar and the value at its end."""
    top = max((Decimal(point.value or 0) for point in points), default=ZERO) or Decimal(1)
    rise, rows = 38, []
    for n, point in enumerate(points):
        y = n * rise
        wide = place(max(Decimal(point.value or 0) / top * WIDTH, Decimal(1)))
        value = escape(text(Decimal(point.value))) if point.value is not None else "–"
        row = (
            f'<text class="bar-label" x="0" y="{y + 14}">{escape(point.label)}</text>'
            f'<text x="{WIDTH}" y="{y + 14}" text-anchor="end">{value}</text>'
            f'<rect class="bar" x="0" y="{y + 20}" width="{wide}" height="8" rx="2"/>'
        )
        ground = f'<rect x="0" y="{y}" width="{WIDTH}" height="{rise - 4}"/>'
        rows.append(f'<a class="hit" href="{escape(point.url)}">{ground}{row}</a>' if point.url else row)
    return drawing(
        "ranked", title, desc, "".join(rows), height=max(1, len(points)) * rise, linked=any(p.url for p in points)
    )


def shares(points: Sequence[Point], *, title: str, text: Text, desc: str = "") -> SafeString:
    """One bar cut into the parts of a whole, six at most, each with its own weave; names and values beneath."""
    whole = sum((Decimal(point.value or 0) for point in points), ZERO)
    if whole <= 0:
        return mark_safe("")
    x, name, parts = ZERO, f"weave-{sum(title.encode()) % 9973}", []
    for n, point in enumerate(points[:6]):
        part = Decimal(point.value or 0)
        y = 52 + 26 * n
        slice_ = f'x="{place(x)}" y="0" width="{place(max(part / whole * WIDTH - 2, Decimal("0.5")))}" height="28"'
        key = f'x="0" y="{y - 11}" width="14" height="14"'
        mark = "".join(f'<rect class="p{n}" {box}/><rect {box} fill="url(#{name}-{n})"/>' for box in (slice_, key))
        mark += f'<text class="bar-label" x="22" y="{y}">{escape(point.label)}</text>'
        mark += f'<text x="{WIDTH}" y="{y}" text-anchor="end">{escape(text(part))}</text>'
        parts.append(f'<a class="part" href="{escape(point.url)}">{mark}</a>' if point.url else mark)
        x += part / whole * WIDTH
    body = weaves(name) + "".join(parts)
    return drawing("shares", title, desc, body, height=44 + 26 * len(parts), linked=any(p.url for p in points))


def weaves(name: str) -> str:
    """Six patterns laid over the fills, so that parts differ in grey print too."""
    turns = ["M0 0", "M0 8 8 0", "M0 4H8", "M0 0 8 8", "M4 0V8", "M0 8 8 0M0 0 8 8"]
    patterns = [
        f'<pattern id="{name}-{n}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path class="weave" d="{turn}"/></pattern>'
        for n, turn in enumerate(turns)
    ]
    return f"<defs>{''.join(patterns)}</defs>"


def sparkline(values: Sequence[Decimal | int | None], *, title: str = "") -> SafeString:
    """A grey line without axes, its last known point marked; with `title` it speaks, without it is decoration."""
    points = [Point("", value) for value in values]
    seen = known([Series("now", points)])
    if len(seen) < 2:
        return mark_safe("")
    low, high = min(seen), max(seen)
    span = (high - low) or Decimal(1)
    step = Decimal(100) / max(1, len(values) - 1)
    spots = [(step * n, 28 - (Decimal(v) - low) / span * 24) for n, v in enumerate(values) if v is not None]
    path = " ".join(f"{place(x)},{place(y)}" for x, y in spots)
    x, y = place(spots[-1][0]), place(spots[-1][1])
    said = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return mark_safe(  # numbers and one escaped title
        f'<svg class="sparkline" viewBox="0 0 100 32" preserveAspectRatio="none" {said}>'
        f'<polyline points="{path}"/><path class="last" d="M{x} {y}h.01"/></svg>'
    )
