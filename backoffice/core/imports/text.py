"""What a text file is written in: its encoding and its delimiter, found from its bytes and never guessed silently."""

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext as _

from .registry import Refusal

BLOCK = 1024 * 1024
SAMPLE_CHARS = 64 * 1024
DELIMITERS = (";", ",", "\t", "|")

# Letters and signs that Portuguese, Spanish or English text has in Windows-1252; other bytes speak of another encoding.
_WESTERN = set("áàâãäéêèëíìïóôõòöúùüçñÁÀÂÃÄÉÊÈÍÓÔÕÖÚÜÇÑºª°§€–—‘’“”•…´`¨²³½¼®©™ª\xa0".encode("cp1252"))
_ASCII = bytes(range(128))


@dataclass(frozen=True)
class Survey:
    encoding: str
    lines: int


@dataclass(frozen=True)
class Dialect:
    encoding: str
    delimiter: str
    skip: int  # lines above the headings: Excel's `sep=;`


def decode_survey(stream: IO[bytes], name: str) -> Survey:
    """Read the whole stream once and say its encoding. Raises Refusal."""
    head = stream.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Survey("utf-16", _through_utf16(stream, name, head))
    encoding = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, broken, strange = 1, "", Counter[int]()
    block = head
    while block:
        if b"\0" in block:
            raise Refusal(
                _("%(name)s, line %(line)s holds a NUL character: it is not text, or UTF-16 without its mark.")
                % {"name": name, "line": line + block[: block.index(b"\0")].count(b"\n")}
            )
        if not broken:
            try:
                decoder.decode(block)
            except UnicodeDecodeError as problem:
                broken = _("line %(line)s, byte 0x%(byte)02X") % {
                    "line": line + problem.object[: problem.start].count(b"\n"),
                    "byte": problem.object[problem.start],
                }
        strange.update(block.translate(None, _ASCII))
        line += block.count(b"\n")
        block = stream.read(BLOCK)
    if not broken and not decoder.getstate()[0]:
        return Survey(encoding, line)
    broken = broken or _("the last character is cut")
    western = sum(count for byte, count in strange.items() if byte in _WESTERN)
    if encoding == "utf-8" and western >= 0.98 * strange.total():
        return Survey("cp1252", line)
    raise Refusal(
        _("%(name)s is neither UTF-8 nor Windows-1252 text (%(place)s). Save it as CSV UTF-8.")
        % {"name": name, "place": broken}
    )


def _through_utf16(stream: IO[bytes], name: str, head: bytes) -> int:
    """Decode to the end; the number of lines."""
    decoder = codecs.getincrementaldecoder("utf-16")()
    lines, block = 1, head
    try:
        while block:
            lines += decoder.decode(block).count("\n")
            block = stream.read(BLOCK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as problem:
        raise Refusal(_("%(name)s begins like UTF-16 and is not. Save it as CSV UTF-8.") % {"name": name}) from problem
    return lines


def sniff(stream: IO[bytes], encoding: str, name: str) -> Dialect:
    """The delimiter under which the first lines have the same number of cells, and most of them."""
    sample = io.TextIOWrapper(stream, encoding=encoding, newline="").read(SAMPLE_CHARS)
    first, _newline, _rest = sample.partition("\n")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        return Dialect(encoding, first.strip()[4], 1)
    whole_lines = sample if len(sample) < SAMPLE_CHARS else sample.rpartition("\n")[0]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = _widths(whole_lines, delimiter)
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(1 for width in widths if width == widths[0]) / len(widths)
        score = (round(agreeing, 1), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return Dialect(encoding, best, 0)


def _widths(text: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        return [len(row) for row in reader if row][:100]
    except csv.Error:
        return []
