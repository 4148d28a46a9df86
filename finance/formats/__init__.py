"""Bank statements of any format through one door: `read`, `stream`, `sniff`. No Django; see README.md here."""

from .door import FORMATS, read, sniff, stream
from .shapes import AccountPart, Begin, End, Event, Head, Line, Notice, Quarantined, Reading, Refusal, Totals

__all__ = [
    "FORMATS",
    "AccountPart",
    "Begin",
    "End",
    "Event",
    "Head",
    "Line",
    "Notice",
    "Quarantined",
    "Reading",
    "Refusal",
    "Totals",
    "read",
    "sniff",
    "stream",
]
