"""XML that may be hostile, read in pieces: no document type, no entities, no depth, no endless text, no network.

The caller names the containers it walks through; every other element inside them comes as a whole, is looked at, and is
gone. So memory holds one such element, and its size is limited.
"""

from collections.abc import Iterator
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers import expat

from .shapes import Refusal, gettext_noop
from .sources import Source

PIECE = 1 << 16  # characters given to the parser at once: so many it may be ahead of the caller
DEEPEST = 100
LARGEST = 300_000  # elements inside one that comes as a whole
LONGEST_TEXT = 4 << 20
SWEEP = 500

DTD = gettext_noop("The file defines a document type or entities, which a statement never needs.")
BROKEN = gettext_noop("The XML is broken: %(reason)s.")
DEEP = gettext_noop("The XML is nested more than %(most)s deep.")
LARGE = gettext_noop("An element of the XML holds more than %(most)s others.")
ENDLESS = gettext_noop("The XML holds %(most)s characters without a tag.")


class _Found(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def root_of(source: Source) -> tuple[str, str]:
    """Namespace and local name of the root; raises Refusal if a document type comes before it."""
    parser = expat.ParserCreate(namespace_separator="}")

    def on_doctype(*_about: object) -> None:
        raise Refusal(DTD)

    def on_start(name: str, _attributes: object) -> None:
        raise _Found(name)

    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_start
    read = 0
    try:
        for piece in _pieces(source):
            parser.Parse(piece, False)
            read += len(piece)
            if read > LONGEST_TEXT:
                raise Refusal(ENDLESS, most=LONGEST_TEXT)
        parser.Parse("", True)
    except _Found as found:
        space, _, name = found.name.rpartition("}")
        return space, name
    except expat.ExpatError as problem:
        raise Refusal(BROKEN, reason=str(problem)) from problem
    raise Refusal(BROKEN, reason="no element")


def _pieces(source: Source) -> Iterator[str]:
    """The text without what some banks print before `<`."""
    begun = False
    for chunk in source.text():
        if not begun:
            chunk = chunk.lstrip("\ufeff \t\r\n")
            begun = bool(chunk)
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]


class Walk:
    """Goes through the containers of a document; `path` is where it stands."""

    def __init__(self, source: Source, containers: frozenset[str]) -> None:
        self.source, self.containers = source, containers
        self.path: list[str] = []
        self._open: list[tuple[Element, list[int]]] = []  # with the number of children that are through
        self._depth = self._size = 0

    def __iter__(self) -> Iterator[tuple[str, str, Element]]:
        """("start" or "end", name, element) of a container, ("whole", name, element) of anything else in one."""
        root_of(self.source)
        parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
        quiet = 0
        try:
            for piece in _pieces(self.source):
                parser.feed(piece)
                quiet += len(piece)
                for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
                    quiet = 0
                    if event == "start":
                        yield from self._start(element)
                    else:
                        yield from self._end(element)
                if quiet > LONGEST_TEXT:
                    raise Refusal(ENDLESS, most=LONGEST_TEXT)
            parser.close()
        except ParseError as problem:
            raise Refusal(BROKEN, reason=str(problem)) from problem

    def _start(self, element: Element) -> Iterator[tuple[str, str, Element]]:
        if not self._depth and (name := local(element)) in self.containers:
            self.path.append(name)
            self._open.append((element, [0]))
            if len(self.path) > DEEPEST:
                raise Refusal(DEEP, most=DEEPEST)
            yield "start", name, element
            return
        self._depth += 1
        self._size += 1
        if self._depth > DEEPEST:
            raise Refusal(DEEP, most=DEEPEST)
        if self._size > LARGEST:
            raise Refusal(LARGE, most=LARGEST)

    def _end(self, element: Element) -> Iterator[tuple[str, str, Element]]:
        if not self._depth:
            yield "end", self.path[-1], element
            self.path.pop()
            self._open.pop()
        elif self._depth > 1:
            self._depth -= 1
            return
        else:
            self._depth = self._size = 0
            yield "whole", local(element), element
            element.clear()
        if self._open:
            parent, through = self._open[-1]
            through[0] += 1
            if through[0] >= SWEEP:  # many at once: taking the first out of a list moves all others
                del parent[: through[0]]
                through[0] = 0


def local(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: Element | None, *names: str) -> Element | None:
    """The first element down this path of local names, in the namespace of its parent."""
    for name in names:
        if element is None:
            return None
        tag = element.tag
        element = element.find(tag[: tag.rfind("}") + 1] + name)
    return element


def children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else element.findall(element.tag[: element.tag.rfind("}") + 1] + name)


def words(element: Element | None, *names: str) -> str:
    """The text down this path, single spaces, or nothing."""
    found = child(element, *names)
    return " ".join((found.text or "").split()) if found is not None else ""
