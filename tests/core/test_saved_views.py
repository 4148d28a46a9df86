"""Saved views of a list: renamed by whoever saved them."""

import pytest
from django.test import Client

from backoffice.core.models import SavedView, User
from tests.factories.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.list_urls")]
URL = "/test-parties/"


@pytest.fixture
def clerk() -> User:
    return person("finance_clerk", language="en")


@pytest.fixture
def client(clerk: User) -> Client:
    client = Client()
    client.force_login(clerk)
    return client


def saved(owner: User, name: str) -> SavedView:
    return SavedView.objects.create(
        list_key="test.parties", name=name, owner=owner, query="kind=person", is_shared=True
    )


def names() -> set[str]:
    return set(SavedView.objects.values_list("name", flat=True))


def test_a_renamed_view_keeps_its_address(client: Client, clerk: User) -> None:
    view = saved(clerk, "Mine")
    address = f"{URL}?kind=person&view={view.pk}"
    assert 'value="rename-view"' in client.get(address).content.decode()

    answer = client.post(address, {"do": "rename-view", "view": view.pk, "name": "  People\x00 we  know "})

    assert answer["Location"] == address
    assert names() == {"People we know"}
    assert "People we know" in client.get(address).content.decode()


def test_a_taken_name_is_refused_and_said(client: Client, clerk: User) -> None:
    view = saved(clerk, "Mine")
    saved(clerk, "Other")
    address = f"{URL}?kind=person&view={view.pk}"

    page = client.post(address, {"do": "rename-view", "view": view.pk, "name": "Other"}, follow=True)

    assert "You have another view named “Other”." in page.content.decode()
    assert names() == {"Mine", "Other"}
    assert client.post(address, {"do": "rename-view", "view": view.pk, "name": " "}).status_code == 400


def test_a_view_of_somebody_else_is_not_renamed(client: Client) -> None:
    view = saved(person("finance_clerk"), "Theirs")
    address = f"{URL}?kind=person&view={view.pk}"

    assert "rename-view" not in client.get(address).content.decode()
    assert client.post(address, {"do": "rename-view", "view": view.pk, "name": "Taken"}).status_code == 404
    assert names() == {"Theirs"}
