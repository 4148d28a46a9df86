"""`manage.py bench books`, at a size that shows only that every page answers."""

import io
import json

import pytest
from django.core.management import call_command


@pytest.mark.django_db(transaction=True)
def test_every_page_is_measured() -> None:
    out = io.StringIO()
    sizes = ["--lines", "3000", "--postings", "100", "--rounds", "1", "--acts", "2"]

    call_command("bench", "books", *sizes, "--json", stdout=out, stderr=io.StringIO())

    found = json.loads(out.getvalue().splitlines()[-1])
    assert found["closed"] == 22
    assert found["postings"] > 6 * 2500
    assert {"name", "p50_ms", "p95_ms", "cpu_ms", "queries", "gz_bytes"} == set(found["pages"][0])
    names = {page["name"] for page in found["pages"]}
    assert {"reconcile accept", "reconcile undo", "list postings, far", "report dre, nothing closed", "home"} <= names
