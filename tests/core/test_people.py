"""Accounts: invited, signed in, kept safe, closed."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from backoffice.core import handlers
from backoffice.core.models import AuditEntry, Event, User
from backoffice.core.services import people
from tests.factories.people import PASSWORD, person

pytestmark = pytest.mark.django_db

LOGIN = "/account/login/"


def sign_in(client: Client, user: User, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(LOGIN, {"login": user.email, "password": password}, **extra)


def code_of(user: User) -> str:
    secret = "JBSWY3DPEHPK3PXP"
    if not Authenticator.objects.filter(user=user).exists():
        TOTP.activate(user, secret)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.fixture
def fresh_code() -> Iterator[None]:
    """The clock stands shortly after a new code came up, so that it does not change while a test types it."""
    now = time.time()
    with time_machine.travel(now - now % 30 + 2, tick=True):
        yield


def deliver() -> None:
    """Run the letters' handlers as the worker does."""
    for event in Event.objects.order_by("pk"):
        for handler in {
            "core.person_invited": [handlers.send_invitation],
            "core.password_reset_asked": [handlers.send_reset_link],
            "core.password_changed": [handlers.say_that_it_changed],
        }.get(event.name, []):
            handler(event)


def link_in(letter: Any) -> str:
    return str(re.search(r"/account/password/reset/key/\S+", letter.body).group())  # type: ignore[union-attr]


def set_password(client: Client, link: str, password: str) -> Any:
    form = client.get(link, follow=True)
    return client.post(form.request["PATH_INFO"], {"password1": password, "password2": password})


def test_an_invited_person_sets_a_password_and_signs_in(client: Client) -> None:
    admin = person("admin")

    user = people.invite(email="Ana@Example.com", name="Ana", roles=["finance_clerk"], language="pt-br", by=admin)
    deliver()
    [letter] = mail.outbox
    set_password(client, link_in(letter), PASSWORD)

    assert letter.to == ["ana@example.com"]
    assert sign_in(client, user).status_code == 302
    user.refresh_from_db()
    assert user.invitation.accepted_at
    assert {role.key for role in user.roles} == {"employee", "finance_clerk"}


def test_a_link_works_once(client: Client) -> None:
    user = person(password=PASSWORD)
    people.ask_for_password_reset(user.email)
    deliver()
    link = link_in(mail.outbox[0])

    set_password(client, link, "another long password")
    again = client.get(link, follow=True)

    assert again.context["token_fail"]
    assert sign_in(Client(), user).status_code == 200
    assert sign_in(Client(), user, "another long password").status_code == 302


def test_after_a_reset_other_sessions_are_dead(client: Client) -> None:
    user, elsewhere = person(password=PASSWORD), Client()
    sign_in(elsewhere, user)
    people.ask_for_password_reset(user.email)
    deliver()

    set_password(client, link_in(mail.outbox[0]), "another long password")

    assert elsewhere.get("/").status_code == 302


def test_a_known_and_an_unknown_address_get_the_same_answer_and_cost_the_same_work(
    client: Client,
) -> None:
    user = person(password=PASSWORD)
    answers = []
    for email in (user.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as seen:
            page = client.post(reverse("account_reset_password"), {"email": email})
        answers.append((page.status_code, page["Location"], page.content, len(seen)))

    assert answers[0] == answers[1]
    assert mail.outbox == []


@override_settings(ALLOWED_HOSTS=["*"], SITE_URL="https://retaguarda.example")
def test_the_link_points_at_the_site_and_not_at_the_host_of_the_request(client: Client) -> None:
    user = person(password=PASSWORD)

    client.post(reverse("account_reset_password"), {"email": user.email}, headers={"host": "evil.example"})
    deliver()

    assert "https://retaguarda.example/account/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


@pytest.mark.parametrize("password", ["short pass", "password1234", "qwertyuiop12"])
def test_a_short_or_common_password_is_refused(client: Client, password: str) -> None:
    user = person(password=PASSWORD)
    people.ask_for_password_reset(user.email)
    deliver()

    set_password(client, link_in(mail.outbox[0]), password)

    user.refresh_from_db()
    assert not user.check_password(password)


def test_a_password_of_a_hundred_characters_is_taken(client: Client) -> None:
    user = person(password=PASSWORD)
    people.ask_for_password_reset(user.email)
    deliver()

    set_password(client, link_in(mail.outbox[0]), "ação " * 20)

    user.refresh_from_db()
    assert user.check_password("ação " * 20)


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "password/set/", "login/code/confirm/", "3rdparty/", "social/"]
)
def test_nothing_of_the_account_package_is_mounted_that_we_do_not_want(client: Client, path: str) -> None:
    assert client.get(f"/account/{path}").status_code == 404
    for name in ("account_signup", "account_email", "account_set_password"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_guesses_are_slowed_per_account_and_the_known_browser_still_gets_in(client: Client) -> None:
    user, stranger = person(password=PASSWORD), Client()
    sign_in(client, user)
    client.post(reverse("account_logout"))

    for number in range(5):
        sign_in(stranger, user, "wrong", REMOTE_ADDR=f"203.0.113.{number}")

    assert sign_in(stranger, user, REMOTE_ADDR="198.51.100.9").status_code == 200
    assert sign_in(client, user).status_code == 302


def test_sign_in_and_its_brake_work_while_the_broker_is_away(client: Client, settings: Any) -> None:
    settings.CACHES |= {"short": settings.CACHES["short"] | {"LOCATION": "unix:///nowhere/valkey"}}
    user, stranger = person(password=PASSWORD), Client()

    assert client.get(LOGIN).status_code == 200
    assert sign_in(client, user).status_code == 302
    assert client.get("/").status_code == 200
    for number in range(5):
        sign_in(stranger, user, "wrong", REMOTE_ADDR=f"203.0.113.{number}")
    assert "Too many" in sign_in(stranger, user, REMOTE_ADDR="198.51.100.9").content.decode()


def test_guesses_are_slowed_per_network_and_a_forged_header_does_not_help(client: Client) -> None:
    for number in range(20):
        client.post(
            LOGIN, {"login": f"p{number}@example.com", "password": "x"}, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}"
        )
    user = person(password=PASSWORD)

    assert sign_in(client, user, HTTP_X_FORWARDED_FOR="10.9.9.9").status_code == 200
    assert sign_in(Client(), user, REMOTE_ADDR="198.51.100.9").status_code == 302


@pytest.mark.usefixtures("fresh_code")
def test_a_code_is_asked_after_the_password_and_works_once(client: Client) -> None:
    user = person(password=PASSWORD)
    code = code_of(user)

    step = sign_in(client, user)
    assert step["Location"].startswith(reverse("mfa_authenticate"))
    assert client.get("/").status_code == 302  # skipping the step
    assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    assert client.get("/").status_code == 200

    thief = Client()
    sign_in(thief, user)
    thief.post(reverse("mfa_authenticate"), {"code": code})
    assert thief.get("/").status_code == 302


@pytest.mark.usefixtures("fresh_code")
def test_codes_cannot_be_guessed(client: Client) -> None:
    user = person(password=PASSWORD)
    code = code_of(user)
    sign_in(client, user)

    for _ in range(6):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client.post(reverse("mfa_authenticate"), {"code": code})

    assert client.get("/").status_code == 302


def test_a_reset_does_not_go_around_the_second_factor(client: Client) -> None:
    user = person(password=PASSWORD)
    code_of(user)
    people.ask_for_password_reset(user.email)
    deliver()

    set_password(client, link_in(mail.outbox[0]), "another long password")

    assert client.get("/").status_code == 302
    assert sign_in(client, user, "another long password")["Location"].startswith(reverse("mfa_authenticate"))


def test_setting_up_a_second_factor_asks_for_the_password_again_once_the_sign_in_is_old(client: Client) -> None:
    user, page = person(password=PASSWORD), reverse("mfa_activate_totp")
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        sign_in(client, user)
        assert client.get(page).status_code == 200
        clock.shift(timedelta(minutes=6))
        assert client.get(page)["Location"].startswith(reverse("account_reauthenticate"))


def test_secrets_of_second_factors_rest_encrypted() -> None:
    user = person()
    code_of(user)

    assert "JBSWY3DPEHPK3PXP" not in str(Authenticator.objects.get(user=user).data)


@override_settings(MFA_REQUIRED=True)
@pytest.mark.parametrize("path", ["/", "/configuration/", "/account/sessions/"])
def test_who_can_approve_sets_up_a_second_factor_before_any_other_door(client: Client, path: str) -> None:
    user = person("admin", password=PASSWORD)
    sign_in(client, user)

    assert client.get(path)["Location"] == reverse("mfa_activate_totp")
    assert client.get(path, headers={"HX-Request": "true"})["HX-Redirect"] == reverse("mfa_activate_totp")
    code_of(user)
    assert client.get(path).status_code == 200


@override_settings(MFA_REQUIRED=True)
@pytest.mark.usefixtures("fresh_code")
def test_who_must_have_a_second_factor_cannot_give_it_up(client: Client) -> None:
    user = person("director", password=PASSWORD)
    code = code_of(user)
    sign_in(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code})

    client.post(reverse("mfa_deactivate_totp"))

    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_a_session_has_a_new_name_after_sign_in(client: Client) -> None:
    user = person(password=PASSWORD)
    client.get(LOGIN)
    session = client.session
    session["fixed"] = True
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before

    sign_in(client, user)

    assert client.session.session_key != before


def test_a_session_ends_after_half_an_hour_without_activity_and_after_twelve_hours(client: Client) -> None:
    user = person(password=PASSWORD)
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        sign_in(client, user)
        assert client.get("/").status_code == 200
        clock.shift(timedelta(minutes=31))
        assert client.get("/").status_code == 302

        sign_in(client, user)
        answers = []
        for _ in range(12 * 3 + 2):
            answers.append(client.get("/").status_code)
            clock.shift(timedelta(minutes=20))
        assert answers[-3:] == [200, 200, 302]


def test_a_person_sees_and_ends_their_other_sessions(client: Client) -> None:
    user, elsewhere = person(password=PASSWORD), Client()
    sign_in(client, user)
    sign_in(elsewhere, user)

    client.post(reverse("usersessions_list"))

    assert elsewhere.get("/").status_code == 302
    assert client.get("/").status_code == 200


def test_closing_an_account_ends_every_session_at_once(client: Client) -> None:
    user, admin = person(password=PASSWORD), person("admin")
    sign_in(client, user)

    people.deactivate(user, by=admin)

    assert client.get("/").status_code == 302
    assert not UserSession.objects.filter(user=user).exists()
    assert sign_in(client, user)["Location"] == reverse("account_inactive")


def test_nobody_closes_their_own_account_or_somebody_elses_without_the_right() -> None:
    admin, clerk = person("admin"), person("finance_clerk")

    with pytest.raises(people.OwnAccount):
        people.deactivate(admin, by=admin)
    with pytest.raises(PermissionDenied):
        people.deactivate(admin, by=clerk)


def test_signing_out_empties_the_browsers_store_and_needs_a_post(client: Client) -> None:
    user = person(password=PASSWORD)
    sign_in(client, user)

    assert client.get(reverse("account_logout")).status_code == 200
    assert client.get("/")["Cache-Control"] == "private, no-store"
    page = client.post(reverse("account_logout"))

    assert page["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_never_leads_to_another_host(client: Client, target: str) -> None:
    user = person(password=PASSWORD)

    page = client.post(f"{LOGIN}?next={target}", {"login": user.email, "password": PASSWORD, "next": target})

    assert page["Location"] == "/"


def test_there_are_no_superusers() -> None:
    with pytest.raises(IntegrityError, match="core_user_no_superuser"), transaction.atomic():
        User.objects.create_user("root@example.com", name="Root", is_superuser=True)


def test_what_happens_to_an_account_is_in_the_trail(client: Client) -> None:
    user = person(password=PASSWORD)
    sign_in(client, user)
    client.post(reverse("account_logout"))

    actions = list(AuditEntry.objects.filter(subject=user.ref).order_by("pk").values_list("action", "source"))

    assert actions == [("core.person_signed_in", "web"), ("core.person_signed_out", "web")]
