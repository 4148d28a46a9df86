"""Leads and deals come in once, with their gaps as they are, and can be taken back."""

import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from backoffice.core.imports import mapping, sources, work
from backoffice.core.jobs import Quiet
from backoffice.core.models import Event, ImportBatch, ImportFailure
from backoffice.core.services import activity
from marketing.models import Deal, Lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db(transaction=True)

LEADS = """mql_id,first_contact_date,landing_page_id,origin
a1,2018-02-01,p1,social
a2,2018-02-03,p1,
a3,2018-02-05,,unknown
a4,2018-02-07,p2,paid_search
"""
DEALS = (
    "mql_id,seller_id,sdr_id,sr_id,won_date,business_segment,lead_type,lead_behaviour_profile,has_company,has_gtin,"
    """average_stock,business_type,declared_product_catalog_size,declared_monthly_revenue
a1,s1,d1,r1,2018-02-26 19:58:54,pet,online_medium,cat,,,,reseller,,0.0
a3,s3,d1,r1,2018-02-01 23:30:00,books,industry,"cat, wolf",True,False,5-20,manufacturer,100.0,12500.5
"""
)


@pytest.fixture(autouse=True)
def files_go_to_a_folder_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "kept"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "funnel"
    place.mkdir()
    (place / "leads.csv.gz").write_bytes(gzip.compress(LEADS.encode()))
    (place / "deals.csv").write_text(DEALS)
    return place


def imported(folder, source="olist_funnel"):
    out = StringIO()
    call_command("import_leads", folder, source=source, json=True, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_funnel_comes_in_once(folder):
    first = imported(folder)
    again = imported(folder)

    assert {key: first[key] for key in ("created", "updated", "unchanged", "failed", "deals_created")} == {
        "created": 4, "updated": 0, "unchanged": 0, "failed": 0, "deals_created": 2,
    }  # fmt: skip
    assert (again["created"], again["updated"], again["unchanged"], again["deals_created"]) == (0, 0, 4, 0)
    assert Event.objects.filter(name="marketing.leads_changed").exists()


def test_no_origin_is_not_the_origin_unknown(folder):
    imported(folder)

    assert Lead.objects.get(key="a2").origin is None
    assert Lead.objects.get(key="a3").origin == "unknown"


def test_a_deal_won_before_its_first_contact_stays_as_written(folder):
    counts = imported(folder)

    deal = Deal.objects.select_related("lead").get(lead__key="a3")
    assert (deal.won_on - deal.lead.first_contact_on).days == -4
    assert counts["won_before_first_contact"] == 1
    assert deal.won_at.isoformat() == "2018-02-02T01:30:00+00:00"  # 23:30 in São Paulo's summer time
    assert (deal.has_company, deal.has_gtin, deal.behaviour) == (True, False, "cat, wolf")
    assert str(deal.declared_revenue) == "12500.50"
    assert Deal.objects.get(lead__key="a1").has_company is None


def test_changed_rows_are_updated_and_the_import_taken_back_restores_them(folder):
    imported(folder)
    (folder / "leads.csv.gz").write_bytes(gzip.compress(LEADS.replace("a4,2018-02-07,p2", "a4,2018-02-08,p2").encode()))

    counts = imported(folder)

    assert (counts["updated"], counts["unchanged"]) == (1, 3)
    assert str(Lead.objects.get(key="a4").first_contact_on) == "2018-02-08"
    undo(counts["batch"])
    assert str(Lead.objects.get(key="a4").first_contact_on) == "2018-02-07"
    assert Lead.objects.count() == 4


def test_an_import_is_taken_back_whole(folder):
    counts = imported(folder)

    undo(counts["batch"])

    assert not Lead.objects.exists()
    assert not Deal.objects.exists()


def test_a_lead_that_people_talk_about_keeps_its_import(folder):
    counts = imported(folder)
    activity.comment(ref=Lead.objects.get(key="a1").ref, body="Called", by=person("marketing_analyst"))

    batch = undo(counts["batch"])

    assert "1 lead of this import has comments" in batch.reason
    assert Lead.objects.count() == 4


def test_bad_rows_are_refused_one_by_one_with_a_reason(folder):
    (folder / "leads.csv.gz").write_bytes(
        gzip.compress((LEADS + "a1,2018-03-01,p9,email\na9,someday,p1,email\n").encode())
    )
    (folder / "deals.csv").write_text(DEALS + "zz,s9,d,r,2018-02-26 10:00:00,pet,x,cat,perhaps,,,reseller,,0\n")

    counts = imported(folder)

    assert counts["created"] == 4
    found = {(failure.table, failure.line): failure.reason for failure in ImportFailure.objects.all()}
    assert set(found) == {("leads", 6), ("leads", 7), ("deals", 4)}
    assert "stands in this file before" in found["leads", 6]


def test_deals_alone_find_leads_that_are_here(folder, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    (folder / "deals.csv").rename(alone / "deals.csv")
    imported(folder)

    imported(alone)

    assert Deal.objects.count() == 2


def test_a_csv_of_ones_own_brings_leads_and_deals_in_one_row(tmp_path):
    path = tmp_path / "ours.csv"
    path.write_text(
        "Lead;First contact;Origin;Won;Seller;Declared monthly revenue\n"
        "l1;01/02/2018;feira;20/02/2018;Loja A;1.234,56\n"
        "l2;13/02/2018;;;;\n"
    )

    named = {"lead": "Lead", "first_contact": "First contact", "origin": "Origin", "won": "Won", "seller": "Seller"}
    (source,) = [one for one in sources() if one.key == "leads_csv"]
    headings = path.read_text().splitlines()[0].split(";")
    mapping.remember(source, headings, named | {"revenue": "Declared monthly revenue"}, None)

    counts = imported(path, source="leads_csv")

    assert counts["created"] == 2
    deal = Deal.objects.get()
    assert (deal.seller_key, str(deal.won_on), str(deal.declared_revenue)) == ("Loja A", "2018-02-20", "1234.56")
    assert imported(path, source="leads_csv")["unchanged"] == 2


def test_a_folder_without_files_is_said_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="No CSV"):
        imported(tmp_path)


def undo(batch_id):
    """Take an import back as its job does; the state and the reason it then stands with."""
    batch = ImportBatch.objects.get(pk=batch_id)
    batch.state = ImportBatch.State.UNDOING
    batch.save()
    work.undo(Quiet(), batch_id=batch_id)
    batch.refresh_from_db()
    return batch
