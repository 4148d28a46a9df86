"""Two at once, with real connections: one effect, the other told."""

import pytest

from finance.management.commands.race_finance import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_race_has_one_winner_and_one_who_is_told(transactional_db: None) -> None:
    found = race(3)

    assert (found["violations"], found["first"]) == (0, None)
    assert {kind: row["rounds"] for kind, row in found["kinds"].items()} == {
        "one_line": 3,
        "one_title": 3,
        "double_click": 3,
        "two_approvals": 3,
    }
