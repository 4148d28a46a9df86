"""Files that come in: what they are, how they are written, and every trick that is refused."""

import gzip
import io
import resource
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from backoffice.core.imports.files import MB, open_file
from backoffice.core.imports.registry import Column, Refusal
from backoffice.core.imports.values import ColumnConverter, find_formats


def read(path: Path, name: str = "") -> list[list[str]]:
    return [row for sheet in open_file(path, name or path.name) for _lines, rows in sheet.chunks() for row in rows]


def saved(tmp_path: Path, content: bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def zipped(tmp_path: Path, entries: dict[str, bytes]) -> Path:
    path = tmp_path / "file.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


TEXT = "código;descrição\n1;maçã\n2;“pão”\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_portuguese_text_is_read_in_each_common_encoding(tmp_path, encoding):
    assert read(saved(tmp_path, TEXT.encode(encoding))) == [["1", "maçã"], ["2", "“pão”"]]


@pytest.mark.parametrize("encoding", ["cp850", "mac-roman", "shift-jis", "utf-16-le"])
def test_other_encodings_are_refused_and_not_guessed(tmp_path, encoding):
    text = TEXT.replace("“pão”", "pão") if encoding != "shift-jis" else "a;b\n1;日本語のテキスト\n"

    with pytest.raises(Refusal, match=r"UTF-8|NUL"):
        read(saved(tmp_path, text.encode(encoding)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    content = f"a{delimiter}b\n1{delimiter}x y\n".encode()

    assert read(saved(tmp_path, content)) == [["1", "x y"]]


def test_csv_gzip_zip_and_workbook_are_told_by_content(tmp_path):
    book = Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2.5])
    content = io.BytesIO()
    book.save(content)

    assert read(saved(tmp_path, gzip.compress(b"a,b\n1,2.5\n"), "one.csv")) == [["1", "2.5"]]
    assert read(zipped(tmp_path, {"x/one.csv": b"a,b\n1,2.5\n", "two.csv.gz": gzip.compress(b"a,b\n3,4\n")})) == [
        ["1", "2.5"],
        ["3", "4"],
    ]
    assert read(saved(tmp_path, content.getvalue(), "book.csv")) == [["1", "2.5"]]


def test_line_numbers_count_lines_of_the_file(tmp_path):
    path = saved(tmp_path, b'a,b\n1,"two\nlines"\n\n2,x\n')

    [sheet] = open_file(path, "f")

    assert [lines for lines, _rows in sheet.chunks()] == [[2, 5]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,\x00\n", "NUL"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xd0\xcf\x11\xe0old", "XLS"),
        (b"PK\x03\x04broken", "damaged"),
        (b"\x1f\x8bbroken", "damaged"),
        (b'a,b\n1,"never closed\n2,x\n3,y\n', "quotation mark"),
        (b"a,b\n1," + b"x" * 3 * MB + b"\n", "longer than"),
        (b",".join(b"h%d" % n for n in range(400)) + b"\n", "columns"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path, content, words):
    with pytest.raises(Refusal, match=words):
        read(saved(tmp_path, content))


def test_archives_with_tricks_are_refused_before_unpacking(tmp_path):
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")

    for entries, words in [
        ({"../up.csv": b"a,b\n"}, "outside"),
        ({"/root.csv": b"a,b\n"}, "outside"),
        ({"c:\\x.csv": b"a,b\n"}, "outside"),
        ({"inner.zip": b"PK"}, "another archive"),
        ({f"{n}.csv": b"" for n in range(1001)}, "more than"),
        ({"bomb.csv": b"\0" * 60 * MB}, "unpack"),
    ]:
        with pytest.raises(Refusal, match=words):
            read(zipped(tmp_path, entries))
    with pytest.raises(Refusal, match="outside"):
        read(tmp_path / "link.zip")


def test_a_gzip_bomb_and_a_hundred_megabyte_line_stay_small_in_memory(tmp_path):
    bomb = saved(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 20_000_000, 9), "bomb.csv.gz")
    line = tmp_path / "line.csv"
    with line.open("wb") as file:
        file.write(b"a,b\n1,")
        for _ in range(100):
            file.write(b"x" * MB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(Refusal, match="unpacks to more"):
        read(bomb)
    with pytest.raises(Refusal, match="longer than"):
        read(line)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


def test_a_workbook_bomb_is_refused(tmp_path):
    sheet = b"<worksheet>" + b"<row></row>" * 6_000_000
    path = zipped(tmp_path, {"[Content_Types].xml": b"x", "xl/workbook.xml": b"x", "xl/worksheets/sheet1.xml": sheet})

    with pytest.raises(Refusal, match="unpack"):
        read(path)


def converted(kind: str, cells: list[str], delimiter: str = ",") -> list[str | None]:
    column = Column("c", kind)
    [form] = find_formats([(column, cells)], delimiter=delimiter)
    result = ColumnConverter(column, form).convert(cells)
    return [None if i in result.problems else cell for i, cell in enumerate(result.cells)]


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("money", ["58.90", "13.2", "7", ""], ["58.90", "13.2", "7", ""]),
        ("money", ["1.234,56", "10,00", "-3,5"], ["1234.56", "10.00", "-3.5"]),
        ("money", ["1,234.56", "R$ 10.00"], ["1234.56", "10.00"]),
        ("money", ["1.234", "2.500"], ["1234.0", "2500.0"]),
        ("money", ["1.234,5O", "1,00"], [None, "1.0"]),
        ("money", ["1.005", "1.00", "2.50"], [None, "1.00", "2.50"]),
        ("money", ["NaN", "1e999", "10" * 30, "1.00"], [None, None, None, "1.00"]),
        ("decimal", ["1,5", "2,25"], ["1.5", "2.25"]),
        ("integer", ["1.234", "5.0", "7"], ["1234", "5", "7"]),
        ("integer", ["1.5", "x", "１２"], [None, None, None]),
        ("date", ["2024-02-29", "2023-02-29"], ["2024-02-29", None]),
        ("date", ["31/12/2024", "01/02/2024"], ["2024-12-31", "2024-02-01"]),
        ("date", ["12/31/2024", "01/02/2024"], ["2024-12-31", "2024-01-02"]),
        ("date", ["01/02/24"], ["2024-02-01"]),
        ("local_datetime", ["2018-01-18 21:46:59", "2018-01-18"], ["2018-01-18 21:46:59", "2018-01-18"]),
        (
            "local_datetime",
            ["31/12/2024 23:59", "2024-06-01T12:00:00Z"],
            ["2024-12-31 23:59:00", "2024-06-01 09:00:00"],
        ),
        ("text", ["a\tb", "back\\slash", "'=1+1"], ["a\\tb", "back\\\\slash", "=1+1"]),
    ],
)
def test_a_column_is_read_by_the_format_it_shows(kind, cells, expected):
    if kind == "money":
        given = [None if cell is None or cell == "" else float(cell) for cell in converted(kind, cells)]
        assert given == [None if cell is None or cell == "" else float(cell) for cell in expected]
    else:
        assert converted(kind, cells) == expected


def test_a_semicolon_file_reads_bare_points_as_thousands():
    assert converted("decimal", ["1.234"], delimiter=";") == ["1234.0"]
    assert converted("decimal", ["1.234"], delimiter=",") == ["1.234"]
