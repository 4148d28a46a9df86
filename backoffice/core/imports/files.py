"""From an uploaded file to rows of text, with every trick refused in words: bombs, paths, NULs, endless lines.

A file is a CSV, a gzip of one, a zip of these, or an XLSX workbook; its content says which, never its name. Each CSV or
worksheet in it is a `Sheet`: headings and an iterator of chunks, read as a stream.
"""

import csv
import gzip
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from django.utils.translation import gettext as _

from .registry import Refusal
from .text import Dialect, decode_survey, sniff

MB = 1024 * 1024
MAX_UNPACKED = 2048 * MB  # of all that one file unpacks to
MAX_ENTRIES = 1_000
MAX_RATIO = 100  # unpacked to packed, asked above RATIO_FROM
RATIO_FROM = 20 * MB
MAX_LINE = MB  # characters in one line of a CSV, and in one cell
MAX_HEADINGS = 300
CHUNK_ROWS = 4_096
CHUNK_CHARS = 2 * MB
WEIGHED = 64  # one row of so many is weighed

ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}

csv.field_size_limit(MAX_LINE)

Chunk = tuple[list[int], list[list[str]]]  # line numbers, rows


class Sheet(Protocol):
    """One table of text, whatever file it came in."""

    name: str
    headings: list[str]
    lines: int  # about as many rows as it has

    @property
    def delimiter(self) -> str:
        """What stands between cells; empty for a worksheet."""

    @property
    def words(self) -> str:
        """What it is, for people: `CSV, UTF-8, ";"`."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the headings; a row has as many cells as stood in the file, without spaces around them."""


def open_file(path: Path, name: str) -> Sequence[Sheet]:
    """The sheets of one file. Raises Refusal."""
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise Refusal(_("%(name)s is empty.") % {"name": name})
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path, name)
    if head.startswith(b"\x1f\x8b"):
        return [CsvSheet(name, lambda: _gunzip(path.open("rb")), packed=path.stat().st_size)]
    for signature, what in _FOREIGN.items():
        if head.startswith(signature):
            raise Refusal(
                _("%(name)s is %(what)s. Send CSV, CSV in gzip or zip, or XLSX.") % {"name": name, "what": what}
            )
    return [CsvSheet(name, lambda: path.open("rb"), packed=None)]


_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "XLS",
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PAR1": "Parquet",
    b"\x7fELF": "ELF",
}


def _gunzip(packed: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=packed, mode="rb"))


def _open_zip(path: Path, name: str) -> Sequence[Sheet]:
    entries = safe_directory(path, name)
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        from .workbooks import open_workbook

        return open_workbook(path, name, entries)
    sheets: list[Sheet] = []
    for entry in entries:
        if entry.is_dir() or entry.filename.startswith("__MACOSX/"):
            continue
        lower = entry.filename.lower()
        if lower.endswith((".zip", ".xlsx", ".tar", ".tgz", ".7z", ".rar")):
            raise Refusal(
                _("%(name)s holds another archive, %(entry)s. Send it on its own.")
                % {"name": name, "entry": entry.filename}
            )
        short = f"{name}/{PurePosixPath(entry.filename).name}"
        sheets.append(CsvSheet(short, _member(path, entry), packed=entry.compress_size))
    if not sheets:
        raise Refusal(_("%(name)s holds no file.") % {"name": name})
    return sheets


def _member(path: Path, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        archive = zipfile.ZipFile(path)
        stream = archive.open(entry)
        if entry.filename.lower().endswith(".gz"):
            return _gunzip(stream)
        return stream

    return opened


def safe_directory(path: Path, name: str) -> list[zipfile.ZipInfo]:
    """The entries of a zip, read only after its directory was found small. Raises Refusal."""
    _refuse_long_directory(path, name)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise Refusal(_("%(name)s is a damaged zip file.") % {"name": name}) from problem
    total = sum(entry.file_size for entry in entries)
    packed = path.stat().st_size
    if total > MAX_UNPACKED or (total > RATIO_FROM and total > packed * MAX_RATIO):
        raise Refusal(
            _("%(name)s would unpack from %(packed)s to %(total)s MB; that is refused.")
            % {"name": name, "packed": round(packed / MB, 1), "total": round(total / MB)}
        )
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if link or ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in (parts[0] if parts else ""):
            raise Refusal(
                _("%(name)s holds an entry that points outside of it: %(entry)s.")
                % {"name": name, "entry": entry.filename[:80]}
            )
        if entry.flag_bits & 1:
            raise Refusal(_("%(name)s is encrypted. Send it without a password.") % {"name": name})
    return entries


def _refuse_long_directory(path: Path, name: str) -> None:
    """Count the entries in the archive's last record, before anything reads a directory of millions."""
    with path.open("rb") as file:
        file.seek(0, io.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise Refusal(_("%(name)s is a damaged zip file.") % {"name": name})
    count, directory_size = struct.unpack("<HL", tail[at + 10 : at + 16])
    if count > MAX_ENTRIES or directory_size > 1_000 * MAX_ENTRIES:
        raise Refusal(
            _("%(name)s holds more than %(most)s files; that is refused.") % {"name": name, "most": MAX_ENTRIES}
        )


class _Guard(io.RawIOBase):
    """Pass bytes on, count them, and stop at the limits."""

    def __init__(self, inner: IO[bytes], name: str, packed: int | None) -> None:
        self.inner, self.name = inner, name
        self.most = MAX_UNPACKED if packed is None else min(MAX_UNPACKED, max(RATIO_FROM, packed * MAX_RATIO))
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        try:
            data = self.inner.read(len(buffer))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as problem:
            raise Refusal(_("%(name)s is damaged and cannot be unpacked.") % {"name": self.name}) from problem
        buffer[: len(data)] = data
        self.count += len(data)
        if self.count > self.most:
            raise Refusal(
                _("%(name)s unpacks to more than %(most)s MB; that is refused.")
                % {"name": self.name, "most": round(self.most / MB)}
            )
        return len(data)

    def close(self) -> None:
        self.inner.close()
        super().close()


@dataclass
class CsvSheet:
    """A CSV file or member, surveyed once: encoding, delimiter, headings."""

    name: str
    opener: Callable[[], IO[bytes]]
    packed: int | None
    headings: list[str] = field(init=False)
    dialect: Dialect = field(init=False)
    lines: int = field(init=False)

    def __post_init__(self) -> None:
        with self._stream() as stream:
            survey = decode_survey(stream, self.name)
        self.lines = survey.lines
        with self._stream() as stream:
            self.dialect = sniff(stream, survey.encoding, self.name)
        first = next(self._rows(), (0, [""]))[1]
        self.headings = [heading.strip() for heading in first]
        while self.headings and not self.headings[-1]:
            self.headings.pop()
        if not self.headings:
            raise Refusal(_("%(name)s has no headings in its first line.") % {"name": self.name})
        if len(self.headings) > MAX_HEADINGS:
            raise Refusal(
                _("%(name)s has %(count)s columns; at most %(most)s are read.")
                % {"name": self.name, "count": len(self.headings), "most": MAX_HEADINGS}
            )

    @property
    def delimiter(self) -> str:
        return self.dialect.delimiter

    @property
    def words(self) -> str:
        encoding = ENCODINGS.get(self.dialect.encoding, self.dialect.encoding)
        between = _("tab") if self.delimiter == "\t" else self.delimiter
        return f"CSV, {encoding}, {between}"

    def chunks(self) -> Iterator[Chunk]:
        rows = self._rows()
        next(rows, None)
        width = len(self.headings)
        lines: list[int] = []
        chunk: list[list[str]] = []
        chars, until_weighed = 0, WEIGHED
        for line, row in rows:
            if not (row and row[0]) and not any(row):
                continue
            if len(row) > width and not any(row[width:]):
                del row[width:]
            lines.append(line)
            chunk.append(row)
            until_weighed -= 1
            if until_weighed and len(row) == width:
                continue
            chars += sum(map(len, row)) * WEIGHED  # a rough weight keeps a chunk of huge cells small
            until_weighed = WEIGHED
            if len(chunk) >= CHUNK_ROWS or chars > CHUNK_CHARS:
                yield lines, chunk
                lines, chunk, chars = [], [], 0
        if chunk:
            yield lines, chunk

    def _stream(self) -> io.BufferedReader:
        guard = _Guard(self.opener(), self.name, self.packed)
        return io.BufferedReader(guard, 256 * 1024)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        with self._stream() as stream:
            text = io.TextIOWrapper(stream, encoding=self.dialect.encoding, newline="")
            for _skipped in range(self.dialect.skip):
                text.readline(MAX_LINE)
            reader = csv.reader(_lines(text, self.name), delimiter=self.delimiter, strict=True)
            line = self.dialect.skip + 1
            try:
                for row in reader:
                    yield line, row
                    line = self.dialect.skip + reader.line_num + 1
            except csv.Error as problem:
                raise Refusal(
                    _("%(name)s, line %(line)s: a quotation mark is not closed, or stands inside a quoted cell.")
                    % {"name": self.name, "line": line}
                ) from problem


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) >= MAX_LINE:
            raise Refusal(
                _("%(name)s, line %(line)s is longer than a million characters.") % {"name": name, "line": number}
            )
        if "\0" in line:
            raise Refusal(
                _("%(name)s, line %(line)s holds a NUL character: this is not a text file.")
                % {"name": name, "line": number}
            )
        yield line
