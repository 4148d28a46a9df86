"""Comments, followers, notices, tasks and files around a record."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.core.models import Attachment, AuditEntry, Comment, Follow, Notification, Task
from backoffice.core.services import activity, notices, tasks
from tests.factories.activity import lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files_go_to_a_folder_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_a_mention_tells_once_and_not_twice_as_follower():
    by, ana = person("marketing_analyst"), person("director", name="Ana Lima")
    record = lead()
    activity.follow(ref=record.ref, users=[ana])

    said = activity.comment(ref=record.ref, body="@Ana and again @ana lima", by=by)

    assert said.told == ["Ana Lima"]
    told = Notification.objects.get()
    assert (told.user, told.kind, told.subject) == (ana, "mention", record.ref)
    assert set(Follow.objects.filter(subject=record.ref).values_list("user", flat=True)) == {by.pk, ana.pk}


def test_followers_hear_of_comments_as_long_as_they_may_read():
    by, keeps, lost = person("marketing_analyst"), person("director"), person("hr_analyst")
    record = lead()
    activity.follow(ref=record.ref, users=[keeps, lost])

    activity.comment(ref=record.ref, body="News", by=by)

    assert list(Notification.objects.values_list("user", "kind")) == [(keeps.pk, "comment")]


def test_who_may_not_open_the_record_is_not_told_and_the_writer_hears_so():
    person("hr_analyst", name="Hugo Reis")

    said = activity.comment(ref=lead().ref, body="@Hugo @nobody", by=person("marketing_analyst"))

    assert (said.told, said.shut_out, said.unknown) == ([], ["Hugo Reis"], ["nobody"])
    assert not Notification.objects.exists()


def test_an_ambiguous_name_saves_nothing_and_keeps_the_text(client):
    by = person("marketing_analyst")
    person("director", name="Ana Lima")
    person("director", name="Ana Souza")
    client.force_login(by)

    answer = client.post("/activity/comment/", {"ref": lead().ref, "body": "@Ana look at this"})

    assert answer.status_code == 422
    assert "Ana Lima or Ana Souza" in answer.content.decode()
    assert "@Ana look at this" in answer.content.decode()
    assert not Comment.objects.exists()


def test_a_comment_lands_on_its_record(client):
    record = lead()
    client.force_login(person("marketing_analyst"))

    answer = client.post("/activity/comment/", {"ref": record.ref, "body": "Called <b>them</b>"})

    comment = Comment.objects.get()
    assert answer.headers["Location"] == f"/marketing/leads/{record.pk}/#comment-{comment.pk}"
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Called &lt;b&gt;them&lt;/b&gt;" in page


@pytest.mark.parametrize("address", ["/activity/comment/", "/activity/follow/", "/activity/attach/"])
def test_a_record_one_may_not_read_takes_nothing(client, address):
    client.force_login(person("logistics_clerk"))
    sent = {"ref": lead().ref, "body": "Hello", "file": SimpleUploadedFile("a.txt", b"a")}

    assert client.post(address, sent).status_code == 404
    assert not any(kind.objects.exists() for kind in (Comment, Follow, Attachment))


def test_notices_are_ones_own_to_read(client):
    mine, theirs = person("director"), person("director")
    for who in (mine, theirs):
        notices.tell([who.pk], kind="task", subject="", text="%(n)s new", key="k", n=3)
        notices.tell([who.pk], kind="task", subject="", text="%(n)s new", key="k", n=4)
    client.force_login(mine)

    assert "3 new" in client.get("/notices/").content.decode()
    ids = list(Notification.objects.values_list("pk", flat=True))
    client.post("/notices/read/", {"notice": [*ids, "x", "9" * 30]})

    assert set(Notification.objects.filter(read_at=None).values_list("user", flat=True)) == {theirs.pk}


def test_two_people_who_change_one_task_do_not_overwrite_each_other(client):
    ana, bea = person("director", name="Ana"), person("director", name="Bea")
    task = tasks.create(title="Count the stock", assignee=ana, by=bea)
    client.force_login(ana)
    sent = {"title": "Count it all", "assignee": ana.pk, "due_on": "2026-12-01", "version": task.version}
    tasks.change(task_id=task.pk, version=1, title="Count shelf 3", assignee=ana, due_on=None, by=bea)

    answer = client.post(f"/tasks/{task.pk}/edit/", sent)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Count shelf 3" in page
    assert 'value="Count it all"' in page
    task.refresh_from_db()
    assert task.title == "Count shelf 3"


def test_done_is_done_once_and_tells_who_asked():
    asker, doer = person("director"), person("employee")
    task = tasks.create(title="Sign", assignee=doer, by=asker)

    assert tasks.finish(task_id=task.pk, by=doer)
    assert not tasks.finish(task_id=task.pk, by=doer)

    assert [n.user for n in Notification.objects.order_by("pk")] == [doer, asker]
    assert list(AuditEntry.objects.filter(subject=task.ref).order_by("pk").values_list("action", flat=True)) == [
        "core.task_created",
        "core.task_done",
    ]


def test_a_task_on_a_record_needs_the_right_to_read_it(client):
    client.force_login(person("logistics_clerk"))

    assert client.get(f"/tasks/new/?subject={lead().ref}").status_code == 404


def test_a_stranger_does_not_see_a_task(client):
    task = tasks.create(title="Secret", assignee=person("director"), by=person("director"))
    client.force_login(person("logistics_clerk"))

    assert client.get(f"/tasks/{task.pk}/").status_code == 404
    assert client.post(f"/tasks/{task.pk}/done/").status_code == 404
    assert "Secret" not in client.get("/tasks/").content.decode()
    assert Task.objects.get().done_at is None


def test_a_file_is_given_as_a_harmless_download_to_readers_only(client):
    record = lead()
    client.force_login(person("marketing_analyst"))
    page = SimpleUploadedFile("../../evil.html", b"<script>alert(1)</script>", content_type="text/html")
    client.post("/activity/attach/", {"ref": record.ref, "file": page})
    attachment = Attachment.objects.select_related("file").get()

    answer = client.get(f"/attachments/{attachment.pk}/")

    assert attachment.file.name == "evil.html"
    assert "evil" not in attachment.file.path
    assert answer.headers["Content-Disposition"] == 'attachment; filename="evil.html"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    client.force_login(person("logistics_clerk"))
    assert client.get(f"/attachments/{attachment.pk}/").status_code == 404


def test_only_its_person_takes_a_file_off(client):
    record, owner = lead(), person("marketing_analyst")
    client.force_login(owner)
    client.post("/activity/attach/", {"ref": record.ref, "file": SimpleUploadedFile("a.txt", b"a")})
    assert AuditEntry.objects.get(subject=record.ref, action="core.file_added").data == {"name": "a.txt"}
    address = f"/attachments/{Attachment.objects.get().pk}/remove/"

    client.force_login(person("marketing_analyst"))
    assert client.post(address).status_code == 404
    client.force_login(owner)
    assert client.post(address).status_code == 302

    assert client.get(f"/attachments/{Attachment.objects.get().pk}/").status_code == 404
    assert AuditEntry.objects.filter(subject=record.ref, action="core.file_removed").count() == 1


def test_a_file_that_is_too_large_is_refused_with_its_size(client, monkeypatch):
    monkeypatch.setattr("backoffice.core.services.attachments.MOST_BYTES", 1024 * 1024)
    client.force_login(person("marketing_analyst"))
    large = SimpleUploadedFile("large.bin", b"0" * (2 * 1024 * 1024))

    answer = client.post("/activity/attach/", {"ref": lead().ref, "file": large})

    assert answer.status_code == 422
    assert "large.bin has 2 MB" in answer.content.decode()
    assert not Attachment.objects.exists()


def test_a_due_day_is_not_overdue_until_it_is_over(client):
    who = person("director")
    today = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=-3))).date()
    tasks.create(title="Today", assignee=who, by=who, due_on=today)
    client.force_login(who)

    assert "Overdue" not in client.get("/inbox/").content.decode()
