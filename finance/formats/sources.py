"""From a path or an open file to text: the encoding by evidence, endless lines refused, NULs taken out."""

import codecs
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from .shapes import Notice, Refusal, gettext_noop

CHUNK = 1 << 16
SAMPLE = 4 << 20
HEAD = 1 << 16
LONGEST_LINE = 1 << 16

NULS = gettext_noop("The file holds NUL characters; they were read as spaces.")
BROKEN_UTF8 = gettext_noop("The file is UTF-8 with broken characters; each was read as �.")

_HIGH = re.compile(rb"[\x80-\xff]")
_VALID = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A seekable binary file with a name, read from its start as often as one likes."""

    def __init__(self, file: BinaryIO, name: str = "") -> None:
        self.file, self.name = file, name
        self.notices: list[Notice] = []
        self._encoding = ""

    def head(self, size: int = HEAD) -> bytes:
        self.file.seek(0)
        return self.file.read(size)

    @property
    def encoding(self) -> str:
        """By BOM, else strict UTF-8, else UTF-8 with a few broken characters, else cp1252. Headers are not asked."""
        self._encoding = self._encoding or self._guess()
        return self._encoding

    def _guess(self) -> str:
        head = self.head()
        for mark, name in _BOMS:
            if head.startswith(mark):
                return name
        if len(head) > 3 and (wide := _wide(head)):
            return wide
        decoder = codecs.getincrementaldecoder("utf-8")()
        self.file.seek(0)
        try:
            while chunk := self.file.read(CHUNK):
                if not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return self._by_counting()
        return "utf-8"

    def _by_counting(self) -> str:
        """A field cut at a fixed width breaks a character; that does not make the rest of the file cp1252."""
        sample = self.head(SAMPLE)
        whole = sum(len(found) for found in _VALID.findall(sample))
        if whole > 4 * (len(_HIGH.findall(sample)) - whole):
            self.notices.append(Notice(BROKEN_UTF8))
            return "utf-8"
        return "cp1252"

    @contextmanager
    def _reader(self, newline: str | None) -> Iterator[io.TextIOWrapper]:
        encoding = self.encoding
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, encoding=encoding, errors="replace", newline=newline)
        try:
            yield text
        finally:
            text.detach()

    def _clean(self, text: str) -> str:
        if "\0" not in text:
            return text
        if not any(notice.text == NULS for notice in self.notices):
            self.notices.append(Notice(NULS))
        return text.replace("\0", " ")

    def text(self) -> Iterator[str]:
        """The file in pieces of 64 Ki characters, cut anywhere."""
        with self._reader("") as reader:
            while chunk := reader.read(CHUNK):
                yield self._clean(chunk)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line with its number, without its end, whatever marks it."""
        with self._reader(None) as reader:
            number = 0
            while line := reader.readline(LONGEST_LINE):
                number += 1
                if len(line) >= LONGEST_LINE:
                    raise Refusal(
                        gettext_noop("Line %(line)s is longer than %(most)s characters."),
                        line=number,
                        most=LONGEST_LINE,
                    )
                yield number, self._clean(line).rstrip("\n")


def _wide(head: bytes) -> str:
    """UTF-16 that came without its mark: every other byte of Western text is zero."""
    half = len(head) // 2
    if head[1::2].count(0) > 0.7 * half and head[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if head[::2].count(0) > 0.7 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""


@contextmanager
def opened(path_or_stream: str | Path | BinaryIO, name: str = "") -> Iterator[Source]:
    """The file as a Source. A stream that cannot seek is copied to disk first."""
    if isinstance(path_or_stream, str | Path):
        path = Path(path_or_stream)
        try:
            file = path.open("rb")
        except OSError as problem:
            raise Refusal(
                gettext_noop("The file cannot be opened: %(reason)s."), reason=problem.strerror or str(problem)
            ) from problem
        with file:
            yield Source(file, name or path.name)
    elif path_or_stream.seekable():
        yield Source(path_or_stream, name or str(getattr(path_or_stream, "name", "")))
    else:
        with tempfile.TemporaryFile() as copy:
            while chunk := path_or_stream.read(CHUNK):
                copy.write(chunk)
            yield Source(cast(BinaryIO, copy), name)
