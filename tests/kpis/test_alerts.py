from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from backoffice.core.models import Follow, Notification, User
from kpis.models import MeasureAlert, MeasureSetting
from kpis.services import alerts, rollup
from tests.factories.facts import fact
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return person("logistics_manager", language="pt-br")


@pytest.fixture
def setting(owner: User) -> MeasureSetting:
    return MeasureSetting.objects.create(
        measure="logistics.late_by_date", owner=owner, attention=Decimal("0.25"), alarm=Decimal("0.5"), least_n=2
    )


def deliveries(*, late: int = 0, fine: int = 0, month: int = 3) -> None:
    for hit in [True] * late + [False] * fine:
        fact("orders.late_by_date", at=f"2018-{month:02}-10T12:00:00-03:00", hit=hit)
    rollup.roll_up()


def told() -> list[tuple[str, Any]]:
    return list(Notification.objects.order_by("pk").values_list("user__name", "data__value"))


def test_a_crossing_is_told_once_to_owner_and_followers_who_may_read_it(setting: MeasureSetting, owner: User) -> None:
    follower, stranger = person("director"), person("hr_analyst")
    for one in (follower, stranger):
        Follow.objects.create(subject=setting.ref, user=one)
    deliveries(late=1, fine=2)

    alerts.judge_all()
    alerts.judge_all({"orders.late_by_date"})

    assert sorted(name for name, _ in told()) == sorted([owner.name, follower.name])
    assert set(told()) == {(owner.name, "33,33 %"), (follower.name, "33.33 %")}
    alert = MeasureAlert.objects.get()
    assert (alert.level, round(alert.value, 4), alert.closed_at) == ("attention", Decimal("0.3333"), None)


def test_worse_is_told_again_and_better_closes_so_that_the_next_crossing_is_news(setting: MeasureSetting) -> None:
    deliveries(late=1, fine=2)
    alerts.judge_all()
    deliveries(late=2)
    alerts.judge_all()
    deliveries(fine=20)
    alerts.judge_all()
    assert [(alert.level, alert.closed_at is None) for alert in MeasureAlert.objects.order_by("pk")] == [
        ("attention", False),
        ("alarm", False),
    ]
    deliveries(late=20)

    alerts.judge_all()

    assert len(told()) == 3
    assert MeasureAlert.objects.filter(closed_at=None).count() == 1


def test_too_few_facts_judge_nothing_and_the_newest_full_period_is_judged(setting: MeasureSetting) -> None:
    deliveries(late=1, month=4)
    alerts.judge_all()
    assert told() == []

    deliveries(fine=3, month=3)
    deliveries(late=1, month=4)
    alerts.judge_all()

    assert MeasureAlert.objects.get().start.month == 4


def test_series_that_did_not_change_are_not_judged(setting: MeasureSetting) -> None:
    deliveries(late=3)
    assert alerts.judge_all({"leads.captured"}) == []


def test_an_alarm_before_its_attention_is_refused() -> None:
    wrong = MeasureSetting(measure="logistics.late_by_date", attention=Decimal("0.5"), alarm=Decimal("0.1"))
    with pytest.raises(ValidationError):
        wrong.full_clean()
