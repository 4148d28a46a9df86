"""A foreign key that is checked once a statement refuses what PostgreSQL's own would, on both sides and in a race."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from backoffice.core.foreign_keys import by_statement

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = """
CREATE TABLE shelf (id bigint PRIMARY KEY);
CREATE TABLE box (id bigint GENERATED ALWAYS AS IDENTITY, shelf_id bigint, lent_to_id bigint);
INSERT INTO shelf VALUES (1), (2), (3);
"""
STEPS = by_statement("box", {"shelf_id": "shelf", "lent_to_id": "shelf"})


def do(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    do(TABLES)
    for step in STEPS:
        do(step.sql)  # type: ignore[attr-defined]
    yield
    for step in reversed(STEPS):
        do(step.reverse_sql)  # type: ignore[attr-defined]
    do("DROP TABLE box; DROP TABLE shelf")


def refused(statement: str) -> str:
    """The constraint that refuses it."""
    with pytest.raises(IntegrityError) as caught:
        do(statement)
    assert isinstance(caught.value.__cause__, psycopg.errors.ForeignKeyViolation)
    return str(caught.value.__cause__.diag.constraint_name)


def test_rows_that_name_what_is_there_come_in() -> None:
    assert do("INSERT INTO box (shelf_id, lent_to_id) VALUES (1, NULL), (2, 3), (NULL, NULL)") == 3


@pytest.mark.parametrize("column", ["shelf_id", "lent_to_id"])
def test_one_row_that_names_nothing_refuses_its_statement(column: str) -> None:
    assert (
        refused(f"INSERT INTO box ({column}) SELECT 1 + n % 4 FROM generate_series(0, 999) n") == f"box_{column}_there"
    )
    assert do("SELECT 1 FROM box") == 0


def test_a_parent_that_is_named_stays_and_another_goes() -> None:
    do("INSERT INTO box (lent_to_id) VALUES (2)")

    assert refused("DELETE FROM shelf WHERE id IN (1, 2)") == "box_lent_to_id_there"
    assert do("DELETE FROM shelf WHERE id = 1") == 1


def test_a_key_never_changes() -> None:
    assert refused("UPDATE shelf SET id = 4 WHERE id = 1") in ("box_shelf_id_there", "box_lent_to_id_there")
    assert do("UPDATE shelf SET id = 1 WHERE id = 1") == 1


def test_a_parent_named_by_what_is_not_committed_yet_is_waited_for_and_then_stays() -> None:
    gone: list[DatabaseError | None] = []

    def delete() -> None:
        try:
            do("DELETE FROM shelf WHERE id = 1")
            gone.append(None)
        except DatabaseError as why:
            gone.append(why)
        finally:
            connections.close_all()

    other = threading.Thread(target=delete)
    with transaction.atomic():
        do("INSERT INTO box (shelf_id) VALUES (1)")
        other.start()
        other.join(0.5)
        assert other.is_alive()  # it waits
    other.join(10)

    assert isinstance(gone[0], IntegrityError)


def test_a_child_of_a_parent_that_is_going_is_refused() -> None:
    came: list[DatabaseError | None] = []

    def insert() -> None:
        try:
            do("INSERT INTO box (shelf_id) VALUES (1)")
            came.append(None)
        except DatabaseError as why:
            came.append(why)
        finally:
            connections.close_all()

    other = threading.Thread(target=insert)
    with transaction.atomic():
        do("DELETE FROM shelf WHERE id = 1")
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(10)

    assert isinstance(came[0], IntegrityError)
