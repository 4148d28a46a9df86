"""Reconciling by people, one act at a time: each one transaction, locks in one order, the loser of a race told who won.

posting  match, accept, undo          booking  an account for one line or many, transfers
aside    ignore, restore, who is here  asking   what needs a second person
items    what stands against lines     learning names that payers use
"""

from .aside import ReasonMissing, claim, ignore, restore, who_is_here
from .asking import ask, decided, match_or_ask
from .booking import NotATransfer, entry_or_ask, needs_second, new_entry, transfer, transfer_candidates
from .bulk import accept_many, cannot_accept
from .errors import Changed, NeedsSecond, SecondPersonDid, Taken, Unbalanced
from .items import Item, from_json, purpose_of
from .posting import accept, match, match_of_entry, reasons_of, undo
from .reasons import Reasons
from .weight import KIND

__all__ = [
    "KIND",
    "Changed",
    "Item",
    "NeedsSecond",
    "NotATransfer",
    "ReasonMissing",
    "Reasons",
    "SecondPersonDid",
    "Taken",
    "Unbalanced",
    "accept",
    "accept_many",
    "ask",
    "cannot_accept",
    "claim",
    "decided",
    "entry_or_ask",
    "from_json",
    "ignore",
    "match",
    "match_of_entry",
    "match_or_ask",
    "needs_second",
    "new_entry",
    "purpose_of",
    "reasons_of",
    "restore",
    "transfer",
    "transfer_candidates",
    "undo",
    "who_is_here",
]
