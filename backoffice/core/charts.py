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

WIDTH, HEIGHT = 640, 240
TOP, BOTTOM, SIDE = 26, 24, 8
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


def grid(scale: Scale, text: Text) -> str:
    lines = []
    for tick in scale.ticks:
        y = scale.y(tick)
        lines.append(f'<path class="{"axis" if tick == 0 else "grid"}" d="M0 {y}H{WIDTH}"/>')
        if tick != scale.ticks[0]:
            lines.append(f'<text x="0" y="{place(Decimal(y) - 4)}">{escape(text(tick))}</text>')
    return "".join(lines)


def x_labels(points: Sequence[Point], xs: Sequence[Decimal], height: int) -> str:
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
        anchor = "start" if n == 0 and count > 1 else "end" if n == count - 1 and count > 1 else "middle"
        narrow = "" if n in (0, count - 1) else ' class="narrow-off"'
        x = ZERO if anchor == "start" else Decimal(WIDTH) if anchor == "end" else xs[n]
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
        anchor = "start" if x < WIDTH / 3 else "end" if x > WIDTH * 2 / 3 else "middle"
        mark = f'<circle class="spot" cx="{place(x)}" cy="{scale.y(point.value)}" r="4"/>' if spot else ""
        marks.append(
            f'<a class="hit" href="{escape(point.url)}">'
            f'<rect x="{place(left)}" y="{TOP}" width="{place(min(wide, WIDTH - left))}"'
            f' height="{height - TOP - BOTTOM}"/>{mark}'
            f'<text class="tip" x="{place(x)}" y="12" text-anchor="{anchor}">'
            f"{escape(point.label)}: {escape(text(Decimal(point.value)))}</text></a>"
        )
    return "".join(marks)


def target_line(scale: Scale, target: Decimal | None, label: str) -> str:
    if target is None:
        return ""
    y = scale.y(target)
    return (
        f'<path class="target" d="M0 {y}H{WIDTH}"/>'
        f'<text class="target halo" x="{WIDTH}" y="{place(Decimal(y) - 5)}" text-anchor="end">{escape(label)}</text>'
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
    xs = [SIDE + Decimal(WIDTH - 2 * SIDE) * n / max(1, count - 1) for n in range(count)]
    main = next((one for one in series if one.kind == "now"), None)
    body = [grid(scale, text), target_line(scale, target, target_label)]
    for one in sorted(series, key=lambda one: one.kind == "now"):
        body += [f'<polyline class="{one.kind}" points="{run}"/>' for run in runs(one.points, xs, scale)]
        body.append(ending(one, xs, scale, text, main))
    if main:
        body += [x_labels(main.points, xs, height), hits(main.points, xs, scale, text, height, spot=True)]
    return drawing("line", title, desc, "".join(body), height=height, linked='class="hit"' in body[-1])


def ending(one: Series, xs: Sequence[Decimal], scale: Scale, text: Text, main: Series | None) -> str:
    """The name of a line stands at its end; the line of now also shows its last value."""
    last = next((n for n in range(len(one.points) - 1, -1, -1) if one.points[n].value is not None), None)
    value = one.points[last].value if last is not None else None
    if last is None or value is None:
        return ""
    y = Decimal(scale.y(value))
    x = xs[last]
    anchor = "end" if x > WIDTH / 2 else "start"
    if one is main:
        return (
            f'<circle class="last" cx="{place(x)}" cy="{place(y)}" r="4"/>'
            f'<text class="now halo" x="{place(x)}" y="{place(max(Decimal(TOP), y - 9))}" text-anchor="{anchor}">'
            f"{escape(text(Decimal(value)))}</text>"
        )
    if not one.name:
        return ""
    first = next((n for n, point in enumerate(one.points) if point.value is not None), last)
    start = one.points[first].value
    at = Decimal(scale.y(start)) if start is not None else y
    return f'<text class="{one.kind} halo" x="{place(xs[first] + 44)}" y="{place(at - 6)}">{escape(one.name)}</text>'


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
    count = max(1, len(points))
    slot = Decimal(WIDTH) / count
    xs = [slot * n + slot / 2 for n in range(count)]
    wide = min(slot * Decimal("0.68"), Decimal(56))
    body = [grid(scale, text)]
    for kind, row, share in (("previous", previous, Decimal("1.25")), ("now", points, Decimal(1))):
        for x, point in zip(xs, row, strict=False):
            if point.value is None:
                continue
            top, floor = sorted((Decimal(scale.y(point.value)), Decimal(scale.y(0))))
            body.append(
                f'<rect class="bar {kind}" x="{place(x - wide * share / 2)}" y="{place(top)}"'
                f' width="{place(wide * share)}" height="{place(max(floor - top, Decimal("0.5")))}" rx="1.5"/>'
            )
    body += [
        target_line(scale, target, target_label),
        x_labels(points, xs, height),
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
