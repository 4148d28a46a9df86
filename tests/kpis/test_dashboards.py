"""Dashboards: every number opens the list whose total it is, says what it is, and fits on one sheet."""

import datetime as dt
import re
from decimal import Decimal
from html import unescape
from io import BytesIO

import pypdf
import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from backoffice.core import jobs
from backoffice.core.calendar import Period
from backoffice.core.models import Job
from finance.services import ledger, periods, plan
from kpis import chosen, paper, reading, rows, selectors
from kpis.boards import BOARDS, Split
from kpis.definitions import MEASURES, Unit
from kpis.models import MeasureAlert, MeasureSetting
from kpis.services import facts, rollup
from logistics.models import Review
from tests.factories import shop
from tests.factories.activity import deal, lead
from tests.factories.bank_lines import bank_line, engine_match
from tests.factories.books import document
from tests.factories.people import person

pytestmark = pytest.mark.django_db
MARCH = "period=month&day=2026-03-01"
ASKED = chosen.Chosen(Period.of("month", dt.date(2026, 3, 1)), "month")
TODAY = dt.date(2026, 5, 15)


def at(day: int, hour: int = 10, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=shop.SAO_PAULO)


@pytest.fixture
def a_shop():
    """Two months of orders: late and in time, paid rightly and wrongly, with cents; leads and deals beside them."""
    for day in range(1, 29):
        bought = at(day, hour=day % 24)
        made = shop.order(
            items=f"{100 + day}.{day:02}",
            freight="7.77",
            paid=f"{107 + day + (day == 9)}.{(day + 77) % 100:02}" if day % 7 else None,
            purchased_at=bought,
            approved_at=bought + dt.timedelta(hours=1),
            handed_over_at=bought + dt.timedelta(hours=day * 2),
            delivered_at=bought + dt.timedelta(days=day % 12),
            promised_on=(bought + dt.timedelta(days=8)).date(),
            status="delivered",
            customer_state="SP" if day % 3 else "RJ",
        )
        Review.objects.create(
            order=made, source="test", external_id=f"r{day}", score=1 + day % 5,
            created_at=at(day), answered_at=at(day) + dt.timedelta(hours=day),
        )  # fmt: skip
        shop.order(purchased_at=at(day, month=2), status="cancelled" if day % 5 == 0 else "paid")
    for n in range(40):
        made = lead(first_contact_on=dt.date(2026, 3, 1 + n % 28), origin=["social", None, "unknown"][n % 3])
        if n % 4 == 0:
            deal(made, won_on=dt.date(2026, 3, 28), segment="pet")
    a_bank()
    facts.sync_everything()
    rollup.roll_up()


def a_bank():
    """March at the bank: matched, undone, forgotten; and a rent."""
    periods.ensure(dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    bank = plan.open_bank_account(name="Banco")
    lines = [bank_line(bank, "10.00", on=dt.date(2026, 3, day)) for day in (2, 3, 4)]
    engine_match(lines[0], at=at(9))
    undone = engine_match(lines[1], at=at(10))
    ledger.reverse(entry=undone.entry_id, on=lines[1].on)
    found = plan.accounts_for("salaries", "cash")
    rent = [ledger.Line(found["salaries"], Decimal(90)), ledger.Line(found["cash"], Decimal(-90))]
    ledger.post(journal="general", on=dt.date(2026, 3, 5), text="Rent", lines=rent, origin=document())


@pytest.fixture
def director(client):
    who = person("director")
    client.force_login(who)
    return client


def figures(text: str) -> list[str]:
    return re.findall(r"[−-]?(?:R\$)?[\d,]+(?:\.\d+)?", unescape(re.sub(r"<[^>]+>", "", text)))


@pytest.mark.parametrize("key", sorted(MEASURES))
def test_the_list_behind_a_tile_adds_up_to_it(a_shop, key):
    measure = MEASURES[key]
    tile = selectors.tile(measure, ASKED.period, today=TODAY)

    behind = rows.total(measure, ASKED.period)

    if not measure.share_of:
        assert behind.value == tile.value
        assert tile.value is not None
    assert (behind.numerator, behind.denominator, behind.n) == (tile.now.numerator, tile.now.denominator, tile.now.n)


@pytest.mark.parametrize("key", ["finance.gmv", "finance.payments_received", "logistics.orders", "marketing.leads"])
def test_every_row_of_the_list_is_counted_and_no_other(a_shop, key):
    measure, reader = MEASURES[key], person("director")
    amounts, count, after = Decimal(0), 0, ""
    while True:
        page = rows.facts(measure, ASKED.period, reader, after=after)
        amounts += sum((row.amount or Decimal(0) for row in page.rows), Decimal(0))
        count += len(page.rows)
        after = page.after
        if not after:
            break

    tile = selectors.tile(measure, ASKED.period, today=TODAY)
    assert tile.value == (amounts if measure.unit is Unit.MONEY else count)


def test_the_page_behind_a_tile_says_the_same_number_to_the_cent(director, a_shop):
    page = director.get(f"/numbers/finance/?{MARCH}").content.decode()

    tiles = re.findall(
        r'<h2 class="tile-label"><a href="([^"]+)">([^<]+)</a></h2>\s*<p class="tile-value[^"]*">(.*?)</p>', page
    )
    assert len(tiles) == 3 + len(BOARDS["finance"].tiles)
    for address, label, value in tiles[3:]:  # after the position, whose doors are reports
        behind = director.get(unescape(address)).content.decode()
        (shown,) = figures(value)[:1]
        assert shown in figures(re.search(r'<p class="sum">.*?</p>', behind, re.S).group(0)), label


def test_a_value_of_a_split_opens_exactly_its_rows(a_shop):
    split = next(chart for chart in BOARDS["directors"].charts if isinstance(chart, Split) and chart.by == "method")
    (slice_,) = reading.splits([split], ASKED.period)[split]

    behind = rows.total(MEASURES[split.measure], ASKED.period, by="method", value=slice_.value)

    assert slice_.value == "pix"
    assert behind.value == slice_.reading.value == 1
    late = MEASURES["logistics.late_by_date"]
    parts = [rows.total(late, ASKED.period, by="state", value=state) for state in ("SP", "RJ")]
    assert sum(part.denominator for part in parts) == rows.total(late, ASKED.period).denominator


def test_leads_without_an_origin_stand_apart_from_unknown(director, a_shop):
    page = unescape(director.get("/numbers/measures/marketing.leads/?" + MARCH).content.decode())

    assert "not given" in page
    assert "Unknown" in page
    without = rows.total(MEASURES["marketing.leads"], ASKED.period, by="origin", value="")
    assert without.n == 13


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_a_board_costs_at_most_ten_queries_and_few_bytes(director, a_shop, board):
    director.get(f"/numbers/{board}/?{MARCH}")

    with CaptureQueriesContext(connection) as queries:
        page = director.get(f"/numbers/{board}/?{MARCH}", headers={"accept-encoding": "gzip"})

    assert page.status_code == 200
    assert len(queries) <= 10, [query["sql"][:90] for query in queries]
    assert len(page.content) <= 60_000


@pytest.mark.parametrize("address", ["measures/logistics.late_by_date/", "measures/logistics.processing_time/rows/"])
def test_a_number_at_length_costs_at_most_ten_queries(director, a_shop, address):
    director.get(f"/numbers/{address}?{MARCH}")

    with CaptureQueriesContext(connection) as queries:
        assert director.get(f"/numbers/{address}?{MARCH}").status_code == 200

    assert len(queries) <= 10, [query["sql"][:90] for query in queries]


def test_each_tile_has_value_target_two_changes_as_of_definition_and_owner(director, a_shop):
    owner = person("director", name="Olga Dona")
    MeasureSetting.objects.create(measure="finance.gmv", owner=owner, target=Decimal(1000))

    page = director.get(f"/numbers/finance/?{MARCH}").content.decode()

    tile = next(one for one in re.findall(r'<article class="tile.*?</article>', page, re.S) if "finance.gmv" in one)
    assert "target R$1,000.00" in unescape(re.sub(r"<[^>]+>", "", tile)).replace("\n", " ")
    assert tile.count('class="change') == 2
    assert "as of" in tile
    assert "Olga Dona" in tile
    assert str(MEASURES["finance.gmv"].sentence) in unescape(tile)


def test_each_chart_has_its_table_and_its_finding(director, a_shop):
    page = director.get(f"/numbers/directors/?{MARCH}").content.decode()

    charts = re.findall(r'<figure class="chart-card">.*?</figure>', page, re.S)
    assert len(charts) == 4
    for chart in charts:
        assert "<table" in chart
        assert 'class="hit"' in chart or 'class="part"' in chart
    assert re.search(r"<h2>GMV (rose|fell|stayed)", page)


def test_a_period_without_data_says_so_and_offers_the_last_that_has(director, a_shop):
    page = unescape(director.get("/numbers/directors/?period=month&day=2019-01-01").content.decode())

    assert "No data in January 2019" in page
    offered = re.search(r'href="(\?period=month&day=[\d-]+)"[^>]*>Go to', page).group(1)
    assert "Go to" not in director.get("/numbers/directors/" + offered).content.decode()


def test_with_no_data_at_all_the_board_says_how_numbers_come(director):
    assert "No numbers yet" in director.get("/numbers/directors/").content.decode()


@pytest.mark.parametrize(
    "query",
    ["period=month&day=2018-13-01", "period=aeon", "from=2018-02-01", "from=2018-03-01&to=2018-02-01",
     "from=0001-01-01&to=9999-12-31", "day=x", "period=month&day=%00", "by=%F0%9F&period=90d&day=9999-12-31"],
)  # fmt: skip
def test_an_address_that_is_no_period_shows_a_month_and_no_error(director, query):
    assert director.get(f"/numbers/directors/?{query}").status_code == 200
    assert director.get(f"/numbers/measures/logistics.orders/rows/?{query}&after=x~y").status_code in (200, 404)


@pytest.mark.parametrize("kind", ["month", "quarter", "90d", "year", "custom"])
def test_a_choice_survives_its_own_address(kind):
    asked = chosen.Chosen(chosen.around(kind, dt.date(2018, 8, 20)), kind, "year")

    assert chosen.read(QueryDict(asked.query), TODAY) == asked


def test_an_open_alert_is_on_the_board_with_a_door_to_its_rows(director, a_shop):
    setting = MeasureSetting.objects.create(measure="logistics.late_by_date", alarm=Decimal("0.05"))
    MeasureAlert.objects.create(
        setting=setting, level="alarm", start=at(1, 0), value=Decimal("0.25"), threshold=Decimal("0.05")
    )

    page = unescape(director.get(f"/numbers/logistics/?{MARCH}").content.decode())

    assert "25.00\xa0% in March 2026, past the alarm of 5.00\xa0%" in page
    assert "/numbers/measures/logistics.late_by_date/rows/?from=2026-03-01&to=2026-03-31" in page


ROLES = {
    "director": {"directors", "logistics", "finance", "marketing"},
    "auditor": {"directors", "logistics", "finance", "marketing"},
    "logistics_clerk": {"logistics"},
    "finance_clerk": {"finance"},
    "marketing_analyst": {"marketing"},
    "employee": set(),
    "admin": set(),
}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_board_and_its_numbers_are_for_who_may_read_the_area(client, role):
    client.force_login(person(role))

    for board in BOARDS:
        expected = 200 if board in ROLES[role] else 403
        assert client.get(f"/numbers/{board}/").status_code == expected
        assert client.post(f"/numbers/{board}/pdf/").status_code == (302 if expected == 200 else 403)
    for key in ("finance.gmv", "logistics.orders", "marketing.leads"):
        expected = 200 if MEASURES[key].area in ROLES[role] else 403
        assert client.get(f"/numbers/measures/{key}/").status_code == expected
        assert client.get(f"/numbers/measures/{key}/rows/").status_code == expected
    assert client.get("/numbers/hr/").status_code == 404


def test_a_board_becomes_one_sheet_of_a4(a_shop, settings, tmp_path, client):
    settings.MEDIA_ROOT = tmp_path
    who = person("director")
    client.force_login(who)
    client.post("/numbers/logistics/pdf/", {"period": "month", "day": "2026-03-01"})
    job = Job.objects.get(kind=paper.KIND)
    work = jobs.Quiet()
    work.job = job

    with translation.override("en"):
        result = paper.board_pdf(work, **job.args)
    job.state, job.result = Job.State.DONE, result
    job.save()

    sheet = client.get(result["url"])
    document = pypdf.PdfReader(BytesIO(b"".join(sheet.streaming_content)))
    assert len(document.pages) == 1
    width, height = (float(side) for side in document.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)
    text = document.pages[0].extract_text()
    assert "March 2026" in text
    assert "Late deliveries" in text
    client.force_login(person("director"))
    assert client.get(result["url"]).status_code == 404


def test_who_lost_the_right_gets_no_sheet(a_shop):
    job = Job.objects.create(kind=paper.KIND, asked_by=person("employee"))
    work = jobs.Quiet()
    work.job = job

    with pytest.raises(jobs.Unworkable):
        paper.board_pdf(work, board="directors", query="", language="en")
