from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from backoffice.core.services.numbering import NoTransaction, next_number


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_every_number_once():
    def take(_: int) -> int:
        try:
            with transaction.atomic():
                return next_number("invoice", year=2026)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        taken = list(people.map(take, range(40)))

    assert sorted(taken) == list(range(1, 41))


@pytest.mark.django_db
def test_a_rollback_gives_its_number_back():
    with transaction.atomic():
        assert next_number("invoice") == 1
    with transaction.atomic():
        assert next_number("invoice") == 2
        transaction.set_rollback(True)
    with transaction.atomic():
        assert next_number("invoice") == 2


@pytest.mark.django_db
def test_each_year_and_each_key_starts_at_one():
    assert next_number("invoice", year=2025) == 1
    assert next_number("invoice", year=2026) == 1
    assert next_number("order", year=2026) == 1


@pytest.mark.django_db(transaction=True)
def test_a_number_outside_a_transaction_is_refused():
    with pytest.raises(NoTransaction):
        next_number("invoice")
