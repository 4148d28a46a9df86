import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import translation
from psycopg.errors import UndefinedTable

from backoffice.core import hands

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made() -> Iterator[None]:
    """A TEMP table of this connection with 10,000 rows."""
    run("CREATE TEMP TABLE ours AS SELECT n, 'text ' || n AS words FROM generate_series(1, 10000) n")
    yield
    run("DROP TABLE ours")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def sum_of(table: str) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(n) FROM {table}")
        return cursor.fetchone()


def test_rows_of_a_temporary_table_are_given_to_another_connection(made: None) -> None:
    found = []

    with hands.second() as hand:
        hand.begin(lambda: run("CREATE TEMP TABLE theirs (n int, words text)"))
        hand.give("SELECT * FROM ours WHERE n > 4000", "theirs")
        hand.begin(lambda: found.append(sum_of("theirs")))
        hand.wait()

    assert found == [(6000, sum(range(4001, 10001)))]


def test_both_sides_are_at_work_at_once() -> None:
    gate = threading.Barrier(2, timeout=10)

    with hands.second() as hand:
        hand.begin(gate.wait)
        gate.wait()
        hand.wait()


def test_what_one_side_raised_is_raised_by_the_other_and_what_follows_is_left() -> None:
    done = []

    def breaks() -> None:
        raise ValueError("no")

    def both() -> None:
        with hands.second() as hand:
            hand.begin(breaks)
            hand.begin(lambda: done.append(1))
            hand.wait()

    with pytest.raises(ValueError, match="no"):
        both()
    assert done == []


def test_the_hand_is_told_when_we_fail_and_ends_before_us() -> None:
    seen, gate = [], threading.Event()

    def waits(hand: hands.Hand) -> None:
        gate.wait(10)
        seen.append(hand.is_broken)

    def fails() -> None:
        with hands.second() as hand:
            threads.append(hand.thread)
            hand.begin(lambda: waits(hand))
            threading.Timer(0.2, gate.set).start()
            raise KeyError

    threads: list[threading.Thread] = []
    with pytest.raises(KeyError):
        fails()

    assert seen == [True]
    assert not threads[0].is_alive()


def test_rows_for_a_hand_that_failed_are_not_waited_for(made: None) -> None:
    def gives() -> None:
        with hands.second() as hand:
            hand.give("SELECT o.n, repeat(o.words, 100) FROM ours o", "nowhere")
            hand.wait()

    with pytest.raises(UndefinedTable, match="nowhere"):
        gives()


def test_the_hand_speaks_the_same_language() -> None:
    spoken = []

    with translation.override("pt-br"), hands.second() as hand:
        hand.begin(lambda: spoken.append(translation.get_language()))
        hand.wait()

    assert spoken == ["pt-br"]
