import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from kpis.models import Bucket
from tests.factories.facts import fact

pytestmark = pytest.mark.django_db


def answer(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def kpi(key: str, *arguments: str, first: str = "2018-03-01", last: str = "2018-03-31") -> list[dict[str, Any]]:
    found = answer("kpi", key, "--from", first, "--to", last, *arguments)
    assert found["key"] == key
    return found["rows"]


def test_money_is_text_rates_are_numbers_and_what_has_no_meaning_is_left_out() -> None:
    fact("orders.placed", amount=Decimal("1234.50"), hit=True)
    fact("orders.checked", amount=Decimal(0), hit=True)
    fact("orders.checked", amount=Decimal(0), hit=False)

    assert kpi("finance.gmv", "--grain", "month") == [
        {"start": "2018-03-01", "value": "1234.50", "numerator": "1234.50", "n": 1}
    ]
    assert kpi("finance.transaction_error_rate", "--grain", "week") == [
        {"start": "2018-03-12", "value": 0.5, "numerator": 1, "denominator": 2, "n": 2}
    ]
    assert kpi("logistics.orders", "--grain", "hour")[0]["start"] == "2018-03-14T12:00:00-03:00"


def test_durations_are_read_by_either_clock() -> None:
    fact("orders.processed", seconds=Decimal(3600), wall_seconds=Decimal(7200))

    assert kpi("logistics.processing_time") == [{"start": "2018-03-14", "value": 1.0, "n": 1, "p50": 1.0, "p90": 1.0}]
    assert kpi("logistics.processing_time", "--clock", "wall")[0]["value"] == 2.0
    assert kpi("logistics.processing_time", "--grain", "total")[0]["start"] == "2018-03-01"


def test_a_dim_gives_a_row_for_each_value_and_a_mix_always_does() -> None:
    fact("payments.received", amount=Decimal("30.00"), dim1="pix")
    fact("payments.received", amount=Decimal("10.00"), dim1="boleto")

    rows = kpi("finance.payments_received", "--by", "method", "--grain", "hour")
    assert [(row["dim"], row["value"]) for row in rows] == [("boleto", "10.00"), ("pix", "30.00")]
    mix = kpi("finance.payment_mix", "--grain", "month")
    assert [(row["dim"], row["value"], row["denominator"]) for row in mix] == [
        ("boleto", 0.25, "40.00"),
        ("pix", 0.75, "40.00"),
    ]


def test_both_days_of_the_range_are_inside() -> None:
    for day in ("09", "10", "11", "12"):
        fact(at=f"2018-03-{day}T23:59:59-03:00")

    assert [row["start"] for row in kpi("logistics.orders", first="2018-03-10", last="2018-03-11")] == [
        "2018-03-10",
        "2018-03-11",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["finance.nothing"], "finance.gmv"),
        (["finance.gmv", "--by", "colour"], "state, channel"),
        (["finance.gmv", "--to", "2018-02-01"], "before --from"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        call_command("kpi", "--from", "2018-03-01", "--to", "2018-03-31", *arguments)
    assert refused.value.returncode == 2


def test_verify_rollups_counts_and_names_and_repairs() -> None:
    fact()
    assert answer("verify_rollups") == {"compared": 4 + 6, "differences": 0, "pending": 0}
    Bucket.objects.filter(grain="day", dim=0).update(n=7)

    with pytest.raises(SystemExit):
        call_command("verify_rollups", "--repair", stdout=StringIO())

    assert answer("verify_rollups")["differences"] == 0
