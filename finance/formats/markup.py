"""XML that may be hostile, read in pieces: no document type, no entities, no depth, no endless text, no network."""

from collections.abc import Iterator
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser  # noqa: S405 (document types are refused first)
from xml.parsers import expat

from .shapes import Refusal, gettext_noop
from .sources import CHUNK, Source

DEEPEST = 100
LONGEST_TEXT = 4 * CHUNK

DTD = gettext_noop("The file defines a document type or entities, which a statement never needs.")
BROKEN = gettext_noop("The XML is broken: %(reason)s.")
DEEP = gettext_noop("The XML is nested more than %(most)s deep.")
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
        for chunk in source.text():
            parser.Parse(chunk.lstrip() if not read else chunk, False)
            read += len(chunk)
            if read > LONGEST_TEXT:
                raise Refusal(ENDLESS, most=LONGEST_TEXT)
        parser.Parse("", True)
    except _Found as found:
        space, _, local = found.name.rpartition("}")
        return space, local
    except expat.ExpatError as problem:
        raise Refusal(BROKEN, reason=str(problem)) from problem
    raise Refusal(BROKEN, reason="no element")


def elements(source: Source) -> Iterator[tuple[str, list[Element]]]:
    """("start" or "end", path from the root to the element) for every element. The caller takes away what it has used."""
    root_of(source)
    parser = XMLPullParser(events=("start", "end"))
    path: list[Element] = []
    quiet = 0
    first = True
    try:
        for chunk in source.text():
            parser.feed(chunk.lstrip() if first else chunk)
            first = False
            quiet += len(chunk)
            for event, element in parser.read_events():
                quiet = 0
                if event == "start":
                    path.append(cast(Element, element))
                    if len(path) > DEEPEST:
                        raise Refusal(DEEP, most=DEEPEST)
                    yield "start", path
                else:
                    yield "end", path
                    path.pop()
            if quiet > LONGEST_TEXT:
                raise Refusal(ENDLESS, most=LONGEST_TEXT)
        parser.close()
        yield from ()
    except ParseError as problem:
        raise Refusal(BROKEN, reason=str(problem)) from problem


def local(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: Element | None, *names: str) -> Element | None:
    """The first element down this path of local names."""
    for name in names:
        if element is None:
            return None
        element = next((inner for inner in element if inner.tag.rpartition("}")[2] == name), None)
    return element


def children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [inner for inner in element if inner.tag.rpartition("}")[2] == name]


def words(element: Element | None, *names: str) -> str:
    """The text down this path, single spaces, or nothing."""
    found = child(element, *names)
    return " ".join((found.text or "").split()) if found is not None else ""
