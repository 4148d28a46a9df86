"""Whom does a text call? Pure rules: `@ana`, `@ana.lima`, `@Ana Lima`, `@ana.lima@firm.example`.

The longest name wins; a name that fits several people names nobody and is given back for the page to ask.
An "@" inside a word (an e-mail address in running text) calls nobody.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MOST_WORDS = 5
_CALL = re.compile(r"(?<![\w.+-])@(?=\w)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_GAP = re.compile(r" ")


@dataclass(frozen=True)
class Person:
    pk: int
    name: str
    email: str


@dataclass
class Found:
    people: list[Person] = field(default_factory=list)
    ambiguous: dict[str, list[Person]] = field(default_factory=dict)  # as written → whom it could mean
    unknown: list[str] = field(default_factory=list)


def find(text: str, people: Iterable[Person]) -> Found:
    """The people that `text` calls, each once, in order of first call."""
    by_name = _index(people)
    found = Found()
    for call in _CALL.finditer(text):
        written, fits = _longest(text[call.end() :], by_name)
        if len(fits) == 1:
            if fits[0] not in found.people:
                found.people.append(fits[0])
        elif fits:
            found.ambiguous[written] = fits
        elif written not in found.unknown:
            found.unknown.append(written)
    return found


def _longest(rest: str, by_name: dict[str, list[Person]]) -> tuple[str, list[Person]]:
    """The longest beginning of `rest` that is somebody's name; else its first word and nobody."""
    email = _EMAIL.match(rest)
    if email and plain(email.group()) in by_name:
        return email.group(), by_name[plain(email.group())]
    ends = _ends_of_words(rest)
    for end in reversed(ends):
        fits = by_name.get(plain(rest[:end]))
        if fits:
            return rest[:end], fits
    return rest[: ends[0]] if ends else "", []


def _ends_of_words(rest: str) -> Sequence[int]:
    ends: list[int] = []
    at = 0
    while len(ends) < MOST_WORDS and (word := _WORD.match(rest, at)):
        ends.append(word.end())
        gap = _GAP.match(rest, word.end())
        if gap is None:
            break
        at = gap.end()
    return ends


def _index(people: Iterable[Person]) -> dict[str, list[Person]]:
    """Every way to call each person: whole name, first names up to the whole, e-mail, what stands before its "@"."""
    index: dict[str, list[Person]] = {}
    for person in people:
        words = plain(person.name).split()
        ways = {" ".join(words[:count]) for count in range(1, len(words) + 1)}
        ways |= {plain(person.email), plain(person.email.partition("@")[0]), "".join(words)}
        for way in ways - {""}:
            index.setdefault(way, []).append(person)
    return index


def plain(text: str) -> str:
    """Without accents and case, so that "@joao" finds João."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
