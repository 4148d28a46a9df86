"""The nouns of finance, one family per file."""

from .banking import (
    BankAccount,
    IgnoredLine,
    LineToken,
    ParkedLine,
    PayerName,
    Statement,
    StatementLine,
)
from .drafts import DraftEntry, DraftLine, RecurringEntry, RecurringLine
from .ledger import (
    Account,
    CostCentre,
    EntrySeal,
    Journal,
    JournalEntry,
    JournalHead,
    JournalYear,
    Period,
    PeriodBalance,
    PeriodException,
    Posting,
)
from .matching import LineClaim, Match, MatchRule, MatchRuleVersion, MatchRun, Suggestion
from .payments import Payment
from .titles import Instalment, InstalmentKey, Title

__all__ = [
    "Account",
    "BankAccount",
    "CostCentre",
    "DraftEntry",
    "DraftLine",
    "EntrySeal",
    "IgnoredLine",
    "Instalment",
    "InstalmentKey",
    "Journal",
    "JournalEntry",
    "JournalHead",
    "JournalYear",
    "LineClaim",
    "LineToken",
    "Match",
    "MatchRule",
    "MatchRuleVersion",
    "MatchRun",
    "ParkedLine",
    "PayerName",
    "Payment",
    "Period",
    "PeriodBalance",
    "PeriodException",
    "Posting",
    "RecurringEntry",
    "RecurringLine",
    "Statement",
    "StatementLine",
    "Suggestion",
    "Title",
]
