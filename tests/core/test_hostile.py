"""Values that nobody means well: no page may break on them, none may come back as markup or lead away."""

from itertools import product
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.core.access import Entrance
from backoffice.core.models import User
from backoffice.core.roles import grants
from tests.core.test_access import Walker, addresses, house  # noqa: F401 (a fixture)
from tests.factories.people import PASSWORD, person

pytestmark = pytest.mark.django_db

HOSTILE = "\x00'\"><script>alert(1)</script>{{7*7}}%s%(x)s;--\ufffe"
HUGE = "9" * 40
NAMES = [
    "q", "after", "before", "order", "tab", "page", "state", "ref", "subject", "by", "value", "from", "to", "grain",
    "view", "columns", "exact", "actor", "action", "at_from", "at_to", "amount_min", "amount_max", "source", "role",
    "email", "name", "kind", "period", "_connector", "pk__in", "id", "key", "body", "title", "assignee", "due_on",
    "version", "decision", "answer", "language", "theme", "next", "once", "pick", "format", "start", "end", "compare",
]  # fmt: skip


def who_enters(door: Entrance) -> str:
    """Some role that this door lets in."""
    if door.kind == "right":
        wanted = set(door.rights.values())
        return next(role for role, held in grants().items() if held & wanted)
    return "admin" if door.kind == "staff" else "director"


def test_no_page_breaks_on_a_hostile_value(house: dict[str, User]) -> None:  # noqa: F811
    walkers: dict[str, Walker] = {}
    broken = []

    for (address, door), value in product(addresses(), (HOSTILE, HUGE, "-1")):
        who = who_enters(door)
        walker = walkers.setdefault(who, Walker(house[who]))
        page = address.replace("/1/", f"/{HUGE}/") if value == HUGE else address
        answer = walker.ask("GET", f"{page}?{urlencode(dict.fromkeys(NAMES, value))}")
        if answer.status_code >= 500 or b"<script>alert(1)" in answer.getvalue():
            broken.append(f"GET {address} {value[:3]!r} as {who}: {answer.status_code}")
        if "POST" in door.methods():
            answer = walker.ask("POST", address, urlencode(dict.fromkeys(NAMES, value)))
            if answer.status_code >= 500 or b"<script>alert(1)" in answer.getvalue():
                broken.append(f"POST {address} {value[:3]!r} as {who}: {answer.status_code}")

    assert "\n".join(broken) == ""


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example",
        "https://evil.example", "http://[::1]@evil.example/", "//testserver@evil.example", "javascript:alert(1)",
        "data:text/html,x", "/\t/evil.example", "evil.example", "9" * 30, "https://testserver.evil.example",
    ],
)  # fmt: skip
def test_no_form_leads_to_another_host(client: Client, target: str) -> None:
    user = person(password=PASSWORD)
    sign_in = client.post(
        f"/account/login/?{urlencode({'next': target})}", {"login": user.email, "password": PASSWORD, "next": target}
    )
    answers = [sign_in, *(client.post(reverse(name), {"next": target}) for name in ("language", "theme", "shortcuts"))]

    assert [answer["Location"] for answer in answers] == ["/"] * 4


def test_a_flood_of_fields_is_refused(client: Client) -> None:
    client.force_login(person())

    assert client.post(reverse("language"), {f"field{n}": "x" for n in range(2500)}).status_code == 400


def test_a_repeated_header_or_a_broken_cookie_breaks_nothing(client: Client) -> None:
    client.cookies.load(
        {"sessionid": "\u00e9" * 40, "csrftoken": "x" * 5000, "known": "..:::", "django_language": "xx"}
    )

    assert (
        client.get("/", headers={"accept-language": "," * 5000, "hx-current-url": "http://[broken"}).status_code == 302
    )
    assert client.get("/account/login/", headers={"accept-language": "en;q=nan"}).status_code == 200
