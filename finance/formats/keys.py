"""What a second import recognises a line by.

The key is a digest of account, date, amount, kind, folded texts and reference. It is the same in whatever order and in
whichever file the line comes. Banks repeat FITIDs and honest lines repeat each other, so a key names a *group* of equal
lines of one day, and the line itself is (key, occurrence).

Occurrence: number the movements (not parked, not quarantined) that share a key within one `AccountPart` 1, 2, 3 … in
any order; they are equal, so the order does not matter. In SQL, over the staged lines of one part:

    row_number() OVER (PARTITION BY part, key)

A line is new if its account holds no live (key, occurrence). That inserts max(0, count in the part − count stored) for
each group: a repeated, an overlapping or a shuffled file adds nothing, a third equal payment adds one. Parts are
counted apart, so a zip with two overlapping files adds their union and not their sum.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from hashlib import blake2b

from .shapes import Line

SIZE = 16
_OTHER = re.compile(r"[^0-9A-Z]+")
_NO_WORDS = bytes(sign for sign in range(128) if not chr(sign).isalnum())
_FOLD = bytes(ord(chr(sign).upper()) if sign < 128 and chr(sign).isalnum() else 32 for sign in range(256))
_NO_REFERENCE = frozenset({"", "NA", "NONREF", "NOTPROVIDED", "NULL", "NONE"})


def folded(text: str) -> str:
    """`Pix  Recebido - José` → `PIX RECEBIDO JOSE`: what two exports of one text have in common."""
    return _folded(text).decode("ascii")


def _folded(text: str) -> bytes:
    """In bytes, where a table folds all signs at once: this is asked of every line."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return b" ".join(text.encode("ascii", "ignore").translate(_FOLD).split())


def hint(reference: str) -> str:
    """The reference as far as it tells lines apart: nothing, where a bank fills the field with zeros."""
    if reference.isascii():
        bare = reference.encode("ascii").translate(_FOLD, _NO_WORDS).decode("ascii")
    else:
        bare = _OTHER.sub("", reference.upper())
    return "" if bare in _NO_REFERENCE or not bare.strip("0") else bare


def line_key(
    *, account: str, on: date, amount: Decimal, kind: str = "", text: str = "", payer: str = "", reference: str = ""
) -> bytes:
    """16 bytes, the day in the first three: keys of one day lie together in the index, whose pages stay in memory.

    account: our own name of the account (its number in the database), not the file's spelling.
    """
    return digest(account, on.toordinal(), f"{amount:.2f}", kind, text, payer, reference)


def digest(account: str, ordinal: int, cents: str, kind: str, text: str, payer: str, reference: str) -> bytes:
    """`line_key` of plain values. ordinal: of the day, 1 is the first of the year 1; cents: the amount, `-12.00`."""
    seed = b"%b\n%d\n%b\n%b\n%b\n%b\n%b" % (
        account.encode(),
        ordinal,
        cents.encode(),
        kind.upper().encode(),
        _folded(text),
        _folded(payer),
        hint(reference).encode(),
    )
    return ordinal.to_bytes(3) + blake2b(seed, digest_size=SIZE - 3).digest()


def key_of(account: str, line: Line) -> bytes:
    """The key of a line of `account`."""
    return line_key(
        account=account,
        on=line.on,
        amount=line.amount,
        kind=line.kind,
        text=line.text,
        payer=line.payer,
        reference=line.reference,
    )


def numbered(keys: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Each key of one part with its occurrence, for parts that fit into memory."""
    seen: Counter[bytes] = Counter()
    for key in keys:
        seen[key] += 1
        yield key, seen[key]
