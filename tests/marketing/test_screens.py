"""The lists of leads and deals, and one lead."""

import datetime as dt

import pytest

from backoffice.core import lists
from tests.factories.activity import deal, lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client):
    who = person("marketing_analyst")
    client.force_login(who)
    return client


def test_leads_without_an_origin_are_told_from_those_of_the_origin_unknown(reader):
    lead(key="zz-gap", origin=None)
    lead(key="zz-asked", origin="unknown")

    without = reader.get(lists.url_for("marketing.leads", origin="-")).content.decode()
    unknown = reader.get(lists.url_for("marketing.leads", origin="unknown")).content.decode()

    assert ("zz-gap" in without, "zz-asked" in without) == (True, False)
    assert ("zz-gap" in unknown, "zz-asked" in unknown) == (False, True)


def test_won_leads_show_their_days_and_open_ones_do_not(reader):
    deal(lead(key="zz-won"), won_on=dt.date(2018, 3, 20), seller_key="s1")
    lead(key="zz-open")

    page = reader.get(lists.url_for("marketing.leads", won=True)).content.decode()

    assert "zz-won" in page
    assert ">15<" in page
    assert "zz-open" not in page
    rest = reader.get(lists.url_for("marketing.leads", won=False)).content.decode()
    assert ("zz-won" in rest, "zz-open" in rest) == (False, True)


def test_the_deals_add_up_what_they_declared(reader):
    deal(lead(), won_on=dt.date(2018, 3, 20), declared_revenue="1000.10")
    deal(lead(), won_on=dt.date(2018, 4, 20), declared_revenue="2000.20")

    assert "3,000.30" in reader.get("/marketing/deals/").content.decode().replace("</span>", "")
    april = reader.get(lists.url_for("marketing.deals", won_from="2018-04-01", won_to="2018-04-30")).content.decode()
    assert "3,000.30" not in april.replace("</span>", "")


def test_one_lead_tells_what_became_of_it(reader, django_assert_max_num_queries):
    record = lead(origin=None, landing_page="p1")
    deal(record, won_on=dt.date(2018, 3, 1), segment="pet")

    with django_assert_max_num_queries(10):
        page = reader.get(f"/marketing/leads/{record.pk}/").content.decode()

    assert "before its first contact" in page
    assert "origin not given" in page


def test_marketing_is_closed_to_others(client):
    record = lead()
    client.force_login(person("logistics_clerk"))

    for address in ("/marketing/leads/", "/marketing/deals/", f"/marketing/leads/{record.pk}/"):
        assert client.get(address).status_code == 403


def test_the_palette_finds_a_lead_by_the_beginning_of_its_key(reader):
    lead(key="zz9f-lead")

    page = reader.post("/search/", {"q": "zz9f"}).content.decode()

    assert "zz9f-lead" in page


def test_fifty_won_leads_cost_as_many_queries_as_one(reader, django_assert_max_num_queries):
    for n in range(50):
        deal(lead(), won_on=dt.date(2018, 3, 1 + n % 28))

    with django_assert_max_num_queries(10):
        reader.get("/marketing/leads/?won=true")
