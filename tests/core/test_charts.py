"""Drawings: well-formed, light, honest about gaps, safe with any text."""

import gzip
import re
from decimal import Decimal
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from backoffice.core.charts import Point, Series, bars, line, ranked, scale_for, shares, sparkline
from backoffice.core.templatetags.display import number

values = st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=2), min_size=1, max_size=40)


def points(count: int, url: str = "") -> list[Point]:
    return [Point(f"{n} Nov", Decimal(n * 37 % 101), url and f"{url}{n}") for n in range(count)]


def test_four_hundred_points_weigh_less_than_five_kilobytes():
    svg = line([Series("now", points(400)), Series("previous", points(400))], title="Orders", text=number)

    assert len(gzip.compress(svg.encode())) < 5_000


def test_ninety_linked_points_still_weigh_less_than_five_kilobytes():
    svg = line([Series("now", points(90, "/orders/?day="))], title="Orders", text=number)

    assert svg.count('class="hit"') == 90
    assert len(gzip.compress(svg.encode())) < 5_000


def test_a_day_without_data_breaks_the_line_and_is_no_zero():
    gap = [Point("1", 5), Point("2", 6), Point("3", None), Point("4", 7), Point("5", 8)]

    svg = line([Series("now", gap)], title="Orders", text=number)

    assert len(re.findall(r'<polyline class="now"', svg)) == 2


def test_text_is_escaped_wherever_it_stands():
    rude = [Point('<script>"', Decimal(3), '/?a=1&b="x"'), Point("b", Decimal(4), "/b")]

    drawings = [
        line([Series("now", rude, "<i>")], title="<b>", desc="<u>", text=number, target=Decimal(2), target_label="<s>"),
        bars(rude, title="<b>", text=number),
        ranked(rude, title="<b>", text=number),
        shares(rude, title="<b>", text=number),
    ]

    for svg in drawings:
        ElementTree.fromstring(svg)
        assert not re.search(r"<(script|b|i|u|s)>", svg)


def test_no_drawing_carries_style_or_script():
    for svg in (
        line([Series("now", points(30, "/"))], title="A", text=number),
        bars(points(9, "/"), title="B", text=number),
    ):
        assert "style=" not in svg
        assert not re.search(r"\son\w+=", svg)


@given(values)
def test_the_scale_holds_every_value_and_has_few_round_ticks(numbers):
    scale = scale_for(numbers)

    assert scale.low <= min(*numbers, 0) <= max(*numbers, 0) <= scale.high
    assert 2 <= len(scale.ticks) <= 6
    assert scale.ticks[0] == scale.low
    assert scale.ticks[-1] == scale.high


@given(values)
def test_any_values_make_a_well_formed_drawing(numbers):
    row = [Point(str(n), value, "/x") for n, value in enumerate(numbers)]

    for svg in (line([Series("now", row)], title="A", text=number), bars(row, title="A", text=number)):
        ElementTree.fromstring(svg)


def test_links_are_reached_by_keyboard_so_the_drawing_is_a_group_and_else_a_picture():
    assert 'role="group"' in line([Series("now", points(5, "/"))], title="A", text=number)
    assert 'role="img"' in line([Series("now", points(5))], title="A", text=number)


def test_parts_differ_by_pattern_as_well_as_by_colour():
    svg = shares([Point("a", 3), Point("b", 2), Point("c", 1)], title="Mix", text=number)

    assert len(set(re.findall(r'fill="url\(#([^)]+)\)"', svg))) == 3


def test_a_sparkline_marks_its_last_known_point():
    svg = sparkline([1, 3, None, 2, None])

    assert re.search(r'class="last" d="M75 ', svg)
    assert sparkline([None, 4]) == ""
