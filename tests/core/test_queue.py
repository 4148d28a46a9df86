"""Each line of the work queue counts exactly what the list behind it shows."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice.core import inbox, queue
from backoffice.core.models import Approval, Job, Notification, Task
from backoffice.core.services import tasks
from tests.factories.people import person

pytestmark = pytest.mark.django_db
ROLES = ["admin", "finance_manager", "logistics_clerk", "logistics_manager", "marketing_analyst", "director", "auditor"]


@pytest.fixture
def someone_with_tasks():
    who, other = person("director"), person("finance_manager")
    for n in range(3):
        tasks.create(title=f"Task {n}", assignee=who, by=other, due_on=dt.date(2030, 1, 10 - n))
    tasks.create(title="Not mine", assignee=other, by=who)
    done = tasks.create(title="Done", assignee=who, by=other)
    tasks.finish(task_id=done.pk, by=who)
    return who


def test_a_line_has_count_oldest_and_due(someone_with_tasks):
    (line,) = [line for line in queue.lines_for(someone_with_tasks) if line.key == "core.tasks"]

    assert line.count == 3
    assert line.oldest_at == Task.objects.earliest("asked_at").asked_at
    assert line.due_at == dt.datetime(2030, 1, 9, 2, 59, 59, tzinfo=dt.UTC)  # the end of 8 January in São Paulo


def test_the_count_is_the_total_of_the_list_behind_it(client, someone_with_tasks):
    client.force_login(someone_with_tasks)

    for line in queue.lines_for(someone_with_tasks):
        page = client.get(line.url)
        assert page.status_code == 200, line.key
        total = re.search(r'class="pager-count">\s*([\d.,]+)', page.content.decode())
        if total:
            assert int(re.sub(r"\D", "", total.group(1))) == line.count, line.key


@pytest.mark.parametrize("role", ROLES)
def test_every_line_of_every_role_opens(client, role):
    who = person(role)
    client.force_login(who)

    for line in queue.lines_for(who):
        assert client.get(line.url, follow=True).status_code == 200, line.key


def test_the_inbox_puts_what_is_due_first_and_leaves_out_ones_own_questions(someone_with_tasks):
    who, asker = someone_with_tasks, person("logistics_manager")
    for subject, by in (("logistics.orderexception:1", asker), ("logistics.orderexception:2", who)):
        Approval.objects.create(
            kind="test", subject=subject, right="logistics.exception.approve", title="Waive %(n)s", data={"n": 7},
            asked_by=by, due_at=dt.datetime(2029, 1, 1, tzinfo=dt.UTC),
        )  # fmt: skip
    Notification.objects.filter(user=who).delete()

    lines, are_more = inbox.lines_for(who)

    assert [line.text for line in lines] == ["Waive 7", "Task 2", "Task 1", "Task 0"]
    assert not are_more


def test_the_inbox_holds_unread_alerts_and_ones_own_failed_work():
    who, other, now = person("director"), person("finance_manager"), timezone.now()
    for reader, read_at in ((who, None), (who, now), (other, None)):
        key = f"{reader.pk} {read_at}"
        Notification.objects.create(
            user=reader, kind="alert", text="%(n)s wrong", data={"n": 3}, key=key, read_at=read_at
        )
    for asker, state, days in ((who, "failed", 1), (who, "parked", 9), (who, "done", 1), (other, "failed", 1)):
        ended = now - dt.timedelta(days=days)
        Job.objects.create(kind="kpis.board_pdf", asked_by=asker, state=state, ended_at=ended)
    own = Job.objects.get(asked_by=who, state="failed")

    lines, _are_more = inbox.lines_for(who)

    assert {(line.text, line.url) for line in lines} == {
        ("3 wrong", ""), ("Print a dashboard", reverse("job", args=[own.pk])),
    }  # fmt: skip
