"""Zip files: of statements, and those that are really workbooks. Bombs are refused before anything is unpacked."""

import re
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812

from .markup import DTD, ENDLESS, LONGEST_TEXT
from .shapes import Event, Head, Notice, Refusal, gettext_noop
from .sources import CHUNK, Source

MOST_FILES = 500
MOST_BYTES = 1 << 30
MOST_IN_WORKBOOK = 300 << 20
MOST_STRINGS = 24 << 20
MOST_BESIDE = 8 << 20  # styles, themes, relations
RATIO_FREE = 8 << 20  # up to here a file may be as well compressed as it likes
RATIO = 150
IN_MEMORY = 8 << 20
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE = re.compile(
    rb"""<c\s[^<>]{0,40}\br\s*=\s*["'](?:[A-Za-z]{4}|[Xx][Ff][E-Ze-z]|[Xx][G-Zg-z]|[Y-Zy-z][A-Za-z]{2})"""
)
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

BROKEN = gettext_noop("The zip file is broken: %(reason)s.")
MANY = gettext_noop("The zip file holds more than %(most)s files.")
LARGE = gettext_noop("Unpacked the zip file would hold more than %(most)s MB.")
BOMB = gettext_noop("“%(name)s” unpacks to %(times)s times its size, which no statement does.")
NESTED = gettext_noop("“%(name)s” is a zip file inside the zip file; unpack it first.")
LOCKED = gettext_noop("“%(name)s” is protected by a password.")
WIDE = gettext_noop("A cell of the workbook stands in a column that Excel does not have.")
OPEN_DOCUMENT = gettext_noop("This is an OpenDocument spreadsheet (.ods); save it as .xlsx or CSV.")
NO_FILES = gettext_noop("The zip file holds no files.")
NONE_READ = gettext_noop("No file of the zip file can be read. %(name)s: %(reason)s")
MEMBER = gettext_noop("%(name)s was left out: %(reason)s")


def _open(source: Source) -> tuple[ZipFile, list[ZipInfo]]:
    """The archive and its files; raises before anything is unpacked."""
    source.file.seek(0)
    try:
        archive = ZipFile(source.file)
    except (BadZipFile, ValueError, OSError, NotImplementedError) as problem:
        raise Refusal(BROKEN, reason=str(problem)) from problem
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise Refusal(MANY, most=MOST_FILES)
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise Refusal(LARGE, most=MOST_BYTES >> 20)
    for info in infos:
        if info.file_size > RATIO_FREE and info.file_size > RATIO * max(info.compress_size, 1):
            raise Refusal(BOMB, name=info.filename[:80], times=info.file_size // max(info.compress_size, 1))
    return archive, infos


def kind_of(source: Source) -> str:
    """`xlsx` or `zip`."""
    archive, infos = _open(source)
    with archive:
        names = {info.filename for info in infos}
        if {"mimetype", "content.xml"} <= names:
            raise Refusal(OPEN_DOCUMENT)
        return "xlsx" if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names) else "zip"


def check_workbook(source: Source) -> None:
    """Raise, if the workbook is a bomb: openpyxl streams the cells of sheets, and holds everything else in memory."""
    archive, infos = _open(source)
    with archive:
        if sum(info.file_size for info in infos) > MOST_IN_WORKBOOK:
            raise Refusal(LARGE, most=MOST_IN_WORKBOOK >> 20)
        for info in infos:
            name = info.filename
            if name.startswith("xl/worksheets/") or not name.endswith((".xml", ".rels")):
                most = MOST_IN_WORKBOOK
            else:
                most = MOST_STRINGS if name.endswith("sharedStrings.xml") else MOST_BESIDE
            if info.file_size > most:
                raise Refusal(LARGE, most=most >> 20)
            if name.endswith((".xml", ".rels")):
                _check_markup(archive, info)


def _check_markup(archive: ZipFile, info: ZipInfo) -> None:
    """Raise for a document type, and for a text so long that reading it would fill the memory."""
    quiet, before = 0, b""
    try:
        with archive.open(info) as member:
            while chunk := member.read(CHUNK):
                if _DOCTYPE.search(before + chunk):
                    raise Refusal(DTD)
                if _WIDE.search(before + chunk):  # openpyxl makes up every column that the file leaves out
                    raise Refusal(WIDE)
                before = chunk[-64:]
                last = chunk.rfind(b"<")
                quiet = quiet + len(chunk) if last < 0 else len(chunk) - last
                if quiet > LONGEST_TEXT:
                    raise Refusal(ENDLESS, most=LONGEST_TEXT)
    except (BadZipFile, ZlibError, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
        raise Refusal(BROKEN, reason=str(problem)) from problem


def _is_noise(info: ZipInfo) -> bool:
    name = info.filename
    return info.is_dir() or name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")


def _unpack(archive: ZipFile, info: ZipInfo, into: BinaryIO) -> None:
    """Never more than the directory promised: what it says may be a lie."""
    left = info.file_size
    with archive.open(info) as member:
        while chunk := member.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise Refusal(BROKEN, reason=info.filename[:80])
            into.write(chunk)


def read(source: Source, events: Callable[[Source], Iterator[Event]]) -> Iterator[Event]:
    """The events of each member. One that cannot be read is named and left out, unless none can."""
    archive, infos = _open(source)
    refused: list[tuple[str, Refusal]] = []
    taken = 0
    with archive:
        for info in infos:
            if _is_noise(info):
                continue
            name = info.filename.rsplit("/", 1)[-1][:80]
            if info.flag_bits & 1:
                raise Refusal(LOCKED, name=name)
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
                member = cast(BinaryIO, file)
                try:
                    _unpack(archive, info, member)
                except (BadZipFile, ZlibError, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
                    raise Refusal(BROKEN, reason=str(problem)) from problem
                inner = Source(member, name)
                if inner.head(4) in MAGIC and kind_of(inner) == "zip":
                    raise Refusal(NESTED, name=name)
                head: Event | None = None
                begun = False
                try:
                    for event in events(inner):
                        if isinstance(event, Head):
                            head = event
                            continue
                        if head:
                            yield head
                            head, begun = None, True
                        yield event
                    taken += 1
                except Refusal as refusal:
                    if begun:
                        raise
                    refused.append((name, refusal))
    if not taken:
        if not refused:
            raise Refusal(NO_FILES)
        raise Refusal(NONE_READ, name=refused[0][0], reason=str(refused[0][1]))
    for name, why in refused:
        yield Notice(MEMBER, {"name": name, "reason": str(why)})
