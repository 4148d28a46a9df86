"""More than is taken is refused before it fills the disk."""

from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backoffice.core import uploads

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1024 * 1024


def test_files_are_stopped_where_they_pass_what_is_taken(client: Client) -> None:
    answer = client.post(
        LOGIN, {"one": SimpleUploadedFile("a", b"x" * 700_000), "two": SimpleUploadedFile("b", b"x" * 700_000)}
    )

    assert answer.status_code == 413
    assert "At most 1 MB" in answer.content.decode()


def test_files_within_the_limit_pass(client: Client) -> None:
    assert client.post(LOGIN, {"one": SimpleUploadedFile("a", b"x" * 700_000)}).status_code == 200


def test_a_stated_length_is_refused_before_a_byte_is_read() -> None:
    class Untouched(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read")

    with pytest.raises(RequestDataTooBig):
        uploads.Limit().handle_raw_input(Untouched(), {}, 10 * 1024 * 1024, b"")
