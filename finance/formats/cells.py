"""A statement's lines as rows of a stage: key, named tokens and cells, in the text form of PostgreSQL's COPY.

This is most of the work of reading a file, and needs nothing but the lines: so it may be done in another process, which
`python -m finance.formats.cells` is. It takes lists of lines and gives their rows, both by `marshal`, until its input
ends.
"""

import marshal
import sys
from collections.abc import Sequence
from decimal import Decimal

from .keys import digest
from .tokens import tokens

# seq, part, account (our own name of it), booking day as ordinal and in ISO, value date in ISO or empty, amount, text,
# payer, the payer's tax id, kind, reference, document
Raw = tuple[int, int, str, int, str, str, str, str, str, str, str, str, str]

_NULL = "\\N"
# A line of a statement is one line: tabs and breaks in it are spaces, NUL is nothing.
_CELL = str.maketrans({"\\": "\\\\", "\t": " ", "\n": " ", "\r": " ", "\0": ""})


def rows(lines: Sequence[Raw]) -> bytes:
    """A row each: seq, part, on, valued_on, amount, text, payer, payer_tax_id, kind, reference, key, tokens."""
    return "".join(map(_row, lines)).encode()


def cell(text: str, longest: int) -> str:
    """A text as a cell."""
    if text.isprintable() and "\\" not in text:  # nearly all of them; a table costs more than to look
        return text[:longest]
    return text[:longest].translate(_CELL)


def _row(line: Raw) -> str:
    seq, part, account, ordinal, day, valued, amount, text, payer, tax_id, kind, reference, document = line
    cents = amount if amount[-3:-2] == "." else f"{Decimal(amount):.2f}"
    key = digest(account, ordinal, cents, kind, text, payer, reference)
    found = tokens(text, payer, reference, document)
    if tax_id:
        found.add(("tax", "".join(sign for sign in tax_id[:14] if sign.isalnum())))
    # Kinds and values hold no quotation mark or backslash.
    named = ",".join([f'"{kind} {value}"' for kind, value in found])
    return (
        f"{seq}\t{part}\t{day}\t{valued or _NULL}\t{amount}\t{cell(text, 500)}\t{cell(payer, 200)}\t"
        f"{cell(tax_id, 14)}\t{cell(kind, 20)}\t{cell(reference, 140)}\t\\\\x{key.hex()}\t{{{named}}}\n"
    )


def _serve() -> None:
    taken, given = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            lines = marshal.load(taken)  # noqa: S302 (from the process that began us, by nobody else's pipe)
        except EOFError:
            return
        marshal.dump(rows(lines), given)
        given.flush()


if __name__ == "__main__":
    _serve()
