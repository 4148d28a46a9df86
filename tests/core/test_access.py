"""Every door, every method, every role and nobody: what is declared is what happens, and nothing fails.

The walk reads the resolver, so a new URL is walked without a word here; one that does not declare its entrance fails.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import reverse

from backoffice.core.access import METHODS, Entrance, entrance_of
from backoffice.core.checks import doors, every_door_is_declared
from backoffice.core.models import (
    Approval,
    Attachment,
    Comment,
    Company,
    Event,
    Job,
    Notification,
    StoredFile,
    Task,
    User,
)
from backoffice.core.models import ImportBatch as Batch
from backoffice.core.roles import ROLES, grants
from kpis.boards import BOARDS
from kpis.definitions import MEASURES
from tests.factories.people import PASSWORD, person

pytestmark = pytest.mark.django_db

NOBODY = "nobody"
KNOWN = ("signed_in", "right", "staff")
_HOLDERS: dict[str, list[str]] = {"no role": [], **{role.key: [role.key] for role in ROLES}}
OTHER_METHODS = ("PUT", "PATCH", "DELETE", "TRACE")
EXAMPLES = {
    "kpis:measure": {"key": next(iter(MEASURES))},
    "kpis:facts": {"key": next(iter(MEASURES))},
    "kpis:board": {"board": next(iter(BOARDS))},
    "kpis:board_pdf": {"board": next(iter(BOARDS))},
    "finance:report": {"key": "dre"},
    "finance:report_file": {"key": "dre"},
    "import_send": {"key": "olist"},
    "import_act": {"action": "commit"},
}
LETTERS = {"int": "1", "str": "x", "slug": "x", "uuid": "00000000-0000-4000-8000-000000000000", "path": "x"}


@pytest.fixture
def house() -> dict[str, User]:
    """One person per role, one without any, and a row behind every address that takes a key."""
    people = {key: person(*roles, password=PASSWORD) for key, roles in _HOLDERS.items()}
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Verde Ltda"})
    return people


def addresses() -> Iterator[tuple[str, Entrance]]:
    """Each door with an address that its pattern accepts."""
    for route, match in doors():
        declared = entrance_of(match)
        assert declared, f"/{route} does not say who may enter"
        yield address_of(route, match.view_name), declared


def address_of(route: str, name: str) -> str:
    if route.startswith("account/^password"):
        return "/account/password/reset/key/1-set-password/"
    known = EXAMPLES.get(name, {})
    route = re.sub(
        r"<(?:(\w+):)?(\w+)>",
        lambda found: known.get(found.group(2)) or LETTERS.get(found.group(1) or "str", "x"),
        route,
    )
    return "/" + route.replace("^", "").replace("(?P<url>.*)$", "nowhere").replace("$", "").replace(r"\Z", "")


class Walker:
    """Sends requests as one person, each undone afterwards; signing in once is enough.

    It goes past the test client, which copies every template's context: thousands of pages are drawn here.
    """

    def __init__(self, user: User | None) -> None:
        client = Client()
        if user:
            client.force_login(user)
        self.cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.factory, self.handler = RequestFactory(), ClientHandler(enforce_csrf_checks=False)

    def ask(self, method: str, address: str, body: str = "") -> HttpResponse:
        request = self.factory.generic(
            method, address, body, "application/x-www-form-urlencoded", HTTP_COOKIE=self.cookies
        )
        with transaction.atomic():
            answer = self.handler(request.environ)
            transaction.set_rollback(True)
        return answer  # type: ignore[return-value]


def problem(door: Entrance, who: str, method: str, answer: HttpResponse) -> str:
    """What is wrong with an answer, or nothing."""
    status = answer.status_code
    if status >= 500:
        return f"failed with {status}"
    if "Content-Security-Policy" not in answer:
        return "answers without a policy"
    if status == 200 and who != NOBODY and door.kind in KNOWN and "no-store" not in answer.get("Cache-Control", ""):
        return "may be kept by a cache"
    if method not in door.methods():
        return "" if status == 405 else f"{status} for a method the door does not have"
    if door.kind in ("public", "token"):
        return "a public door asks to sign in" if asks_to_sign_in(answer) and door.kind == "token" else ""
    if who == NOBODY:
        return "" if asks_to_sign_in(answer) else f"open to nobody in particular: {status}"
    if door.kind == "signed_in":
        return ""
    if asks_to_sign_in(answer):
        return "asks a known person to sign in"
    held = grants().get(who, frozenset())
    may = "core.person.edit" in held if door.kind == "staff" else door.right_for(method) in held
    # The configuration asks a second time, table by table: nobody adds a second company.
    if may and status == 403 and door.kind != "staff":
        return "refused although the table grants it"
    return f"{status} although the table does not grant it" if not may and status != 403 else ""


def asks_to_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith(reverse(settings.LOGIN_URL))


def walk(people: dict[str, User], who: str, methods: tuple[str, ...]) -> str:
    """Every door; those that ask no right are the same for all, so most people only look at them."""
    walker = Walker(people.get(who))
    return "\n".join(
        f"{method} {address} as {who}: {wrong}"
        for address, door in addresses()
        for method in methods
        if method == "GET" or door.kind in ("right", "staff") or who in (NOBODY, "no role", "admin")
        if (wrong := problem(door, who, method, walker.ask(method, address)))
    )


@pytest.mark.parametrize("who", [NOBODY, *_HOLDERS])
def test_every_door_lets_in_exactly_whom_it_declares(house: dict[str, User], who: str) -> None:
    assert walk(house, who, ("GET", "POST")) == ""


@pytest.mark.parametrize("who", [NOBODY, "admin"])
def test_no_door_has_a_method_that_it_does_not_declare(house: dict[str, User], who: str) -> None:
    assert walk(house, who, ("OPTIONS", *OTHER_METHODS) if who == NOBODY else OTHER_METHODS) == ""


def test_every_door_in_the_resolver_says_who_may_enter() -> None:
    assert every_door_is_declared(None) == []


def test_a_door_that_says_nothing_fails_the_check_and_refuses_everybody(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.core.silent_urls"
    client.force_login(person("admin"))

    assert [error.id for error in every_door_is_declared(None)] == ["core.E001"]
    assert client.get("/silent/").status_code == 403


def test_the_walk_sees_a_door_left_open(house: dict[str, User]) -> None:
    """The walk itself can fail."""
    declared = Entrance("right", {"*": "core.person.edit"})

    safe = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store"}

    assert problem(declared, "admin", "GET", HttpResponse(headers=safe)) == ""
    assert problem(declared, "finance_clerk", "GET", HttpResponse(headers=safe)) != ""
    assert problem(declared, NOBODY, "GET", HttpResponse(headers=safe)) != ""
    assert problem(declared, "admin", "GET", HttpResponse(status=403, headers=safe)) != ""
    assert problem(declared, "admin", "DELETE", HttpResponse(headers=safe)) != ""
    assert problem(declared, "admin", "GET", HttpResponse(status=500, headers=safe)) != ""
    assert problem(declared, "admin", "GET", HttpResponse()) != ""


@pytest.mark.parametrize("who", _HOLDERS)
def test_a_number_is_open_to_exactly_whom_its_area_is_open(house: dict[str, User], who: str) -> None:
    """The right of these doors is named by the address, so the page asks it."""
    walker, held = Walker(house[who]), grants().get(who, frozenset())
    doors_of_numbers = {reverse("kpis:board", args=[board.key]): board.right for board in BOARDS.values()}
    for measure in MEASURES.values():
        doors_of_numbers[reverse("kpis:measure", args=[measure.key])] = measure.right
        doors_of_numbers[reverse("kpis:facts", args=[measure.key])] = measure.right
    seen_one = False

    for address, right in doors_of_numbers.items():
        if right not in held:
            assert walker.ask("GET", address).status_code == 403, address
        elif not seen_one:
            seen_one = walker.ask("GET", address).status_code in (200, 302)
            assert seen_one, address


# things of one's own


@pytest.fixture
def belongings(house: dict[str, User]) -> list[str]:
    """Addresses of what belongs to the logistics clerk."""
    owner = house["logistics_clerk"]
    job = Job.objects.create(kind="core.test", asked_by=owner, state="failed")
    task = Task.objects.create(title="Count", assignee=owner, asked_by=owner)
    asked = Approval.objects.create(
        kind="core.test", subject="core.test:1", right="logistics.exception.approve", title="Waive", asked_by=owner
    )
    kept = StoredFile.objects.create(sha256="0" * 64, size=1, name="a.csv", path="x", stored_by=owner)
    file = Attachment.objects.create(subject=asked.ref, file=kept, added_by=owner)
    batch = Batch.objects.create(source="olist", received_by=owner)
    keyed = {
        "job": job, "job_cancel": job, "job_retry": job, "task": task, "approval": asked, "approval_decide": asked,
        "attachment": file, "export_file": kept, "import": batch, "import_columns": batch, "import_undo": batch,
        "import_failures": batch,
    }  # fmt: skip
    return [reverse(name, args=[row.pk]) for name, row in keyed.items()]


@pytest.mark.parametrize("who", ["employee", "no role", "marketing_analyst", "hr_analyst"])
def test_what_belongs_to_another_is_not_there(house: dict[str, User], belongings: list[str], who: str) -> None:
    walker = Walker(house[who])

    answers = {
        f"{method} {address}": walker.ask(method, address).status_code
        for address in belongings
        for method in ("GET", "POST")
    }

    # 405 and 403 say nothing about the row: the method or the kind of page is closed to this person altogether.
    assert {ask: status for ask, status in answers.items() if status not in (403, 404, 405)} == {}
    assert 404 in answers.values()


def test_the_owner_finds_their_own(house: dict[str, User], belongings: list[str]) -> None:
    walker = Walker(house["logistics_clerk"])

    pages = [
        reverse(name, args=[row]) for name, row in (("job", Job.objects.get().pk), ("task", Task.objects.get().pk))
    ]

    assert [walker.ask("GET", page).status_code for page in pages] == [200, 200]


# the door itself


def test_a_swapped_part_sends_the_whole_page_to_sign_in(client: Client) -> None:
    answer = client.get(
        reverse("tasks"), headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/tasks/?state=open"}
    )

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"{reverse(settings.LOGIN_URL)}?next=/tasks/%3Fstate%3Dopen"


def test_a_machine_is_told_in_its_own_language(client: Client) -> None:
    assert client.get(reverse("tasks"), headers={"Accept": "application/json"}).status_code == 401


def test_the_page_that_refuses_names_the_roles_and_who_gives_them(client: Client) -> None:
    person("admin", name="Zélia Prado")
    client.force_login(person("finance_clerk"))

    answer = client.get(reverse("audit"))
    page = answer.content.decode()

    assert answer.status_code == 403
    assert "Auditor" in page
    assert "Zélia Prado" in page


def test_rights_cost_one_question_a_request(client: Client, django_assert_num_queries: Any) -> None:
    user = User.objects.get(pk=person("director").pk)

    with django_assert_num_queries(1):
        assert user.may("core.person.edit") is False
        assert user.may("logistics.order.read")
        assert user.may("logistics.exception.approve")


def test_a_form_from_another_site_is_refused_everywhere(house: dict[str, User]) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(house["admin"])
    before = (Event.objects.count(), Comment.objects.count(), Notification.objects.count(), User.objects.count())

    open_ones = [
        address
        for address, door in addresses()
        if door.kind != "token" and "POST" in door.methods() and client.post(address).status_code not in (403, 404, 405)
    ]

    assert open_ones == []
    assert before == (
        Event.objects.count(),
        Comment.objects.count(),
        Notification.objects.count(),
        User.objects.count(),
    )


def test_reading_changes_nothing(house: dict[str, User]) -> None:
    """No page changes business rows on GET; a crawler leaves the house as it was."""
    client = Client(raise_request_exception=False)
    client.force_login(house["director"])
    models = (Task, Approval, Job, Comment, Attachment, Batch, Event, User)
    before = [list(model.objects.order_by("pk").values()) for model in models]

    for address, _door in addresses():
        client.get(address)

    assert [list(model.objects.order_by("pk").values()) for model in models] == before
    assert client.get("/").status_code == 200
    assert set(METHODS) == {"GET", "HEAD", "OPTIONS", "POST"}
