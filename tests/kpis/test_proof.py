from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection

from backoffice.core import bell
from backoffice.core.models import Notification
from kpis.models import Bucket, LiveFact
from kpis.series import SERIES
from kpis.services import facts, proof, rollup
from tests.factories import shop
from tests.factories.people import person


@pytest.mark.django_db
def test_facts_ring_the_bell_that_beat_listens_to() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'kpis_fact_added'")
        assert f"pg_notify('{bell.CHANNEL}', 'rollup')" in cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_the_nightly_proof_finds_nothing_in_a_sound_house() -> None:
    shop.order(status="delivered")
    facts.sync_everything()
    rollup.roll_up()

    found = proof.prove_and_repair()

    assert (found.differences, found.drift) == (0, 0)
    assert found.compared > 20
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_nightly_proof_mends_buckets_and_facts_and_tells_who_looks_after_the_house() -> None:
    keeper = person("admin")
    order = shop.order(items="90.00")
    facts.sync_everything()
    rollup.roll_up()
    Bucket.objects.filter(series="orders.freight", grain="day").update(n=9)
    type(order).objects.filter(pk=order.pk).update(items_amount=Decimal("95.00"))  # past every service: no event

    found = proof.prove_and_repair()

    assert found.differences == 3  # all, its state, its channel
    assert found.drift == 4  # placed and checked, each reversed and written anew
    assert LiveFact.objects.get(series="orders.placed").amount == Decimal("95.00")
    assert proof.compare().differences == 0
    assert Notification.objects.get().user == keeper


@pytest.mark.django_db(transaction=True)
def test_a_raised_version_makes_the_buckets_of_a_series_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.order()
    facts.sync_everything()
    rollup.roll_up()
    for key in SERIES:
        monkeypatch.setitem(SERIES, key, replace(SERIES[key], version=2))

    found = proof.prove_and_repair()

    assert found.differences == found.compared > 0
    assert set(Bucket.objects.values_list("definition_version", flat=True)) == {2}
    assert proof.compare().differences == 0
