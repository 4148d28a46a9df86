"""Lines of a file become the same rows, whichever process makes them and whatever becomes of it."""

import threading
from contextlib import suppress

import pytest

from finance.formats.cells import Raw, rows
from finance.services.copyist import Copyist


def line(seq: int) -> Raw:
    text = f"PIX RECEBIDO NF {seq} \\ José\t{seq % 7}"
    return (seq, 0, "12", 739_500, "2025-09-02", "", "-12.50", text, "ANA", "11144477735", "pix", f"R{seq}", "")


def batches(count: int, size: int = 200) -> list[list[Raw]]:
    return [[line(number * size + at) for at in range(size)] for number in range(count)]


def made(copyist: Copyist, given: list[list[Raw]]) -> list[bytes]:
    found = [row for batch in given for row in copyist.add(batch)]
    return told([*found, *copyist.rest()])


def in_order(given: list[list[Raw]]) -> list[bytes]:
    return told([rows(batch) for batch in given])


def told(found: list[bytes]) -> list[bytes]:
    """The rows, and what each names, in one order."""
    parted = (row.rsplit(b"\t", 1) for row in b"".join(found).splitlines())
    return sorted(cells + b"\t" + b",".join(sorted(named.strip(b"{}").split(b","))) for cells, named in parted)


def test_both_processes_together_make_every_row_once() -> None:
    given = batches(60)
    with Copyist() as copyist:
        assert made(copyist, given) == in_order(given)


def test_a_row_is_what_copy_reads() -> None:
    cells = rows([line(1407)]).decode().rstrip("\n").split("\t")

    assert cells[:6] == ["1407", "0", "2025-09-02", "\\N", "-12.50", "PIX RECEBIDO NF 1407 \\\\ José 0"]
    assert cells[6:10] == ["ANA", "11144477735", "pix", "R1407"]
    assert cells[10].startswith("\\\\x")
    assert set(cells[11].strip("{}").split(",")) >= {'"tax 11144477735"', '"doc 1407"'}


@pytest.mark.parametrize("when", [0, 20, 59])
def test_a_process_that_is_killed_loses_no_line(when: int) -> None:
    given = batches(60)
    with Copyist() as copyist:
        found = [row for batch in given[:when] for row in copyist.add(batch)]
        copyist.process.kill()
        rest = made(copyist, given[when:])

    assert sorted([*told(found), *rest]) == in_order(given)


def test_one_that_is_left_early_leaves_no_process_and_no_thread() -> None:
    copyist = Copyist()
    with suppress(KeyboardInterrupt), copyist:
        for batch in batches(30):
            list(copyist.add(batch))
        raise KeyboardInterrupt

    assert not copyist.thread.is_alive()
    assert copyist.process.poll() is not None
    assert copyist.thread not in threading.enumerate()


def test_a_text_that_cannot_be_kept_is_told_by_the_one_who_reads() -> None:
    bad = [(*line(1)[:7], "\ud800", *line(1)[8:])]
    with Copyist() as copyist, pytest.raises(UnicodeEncodeError):
        made(copyist, [bad, *batches(2)])
