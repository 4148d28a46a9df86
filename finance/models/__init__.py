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
    "Statement",
    "StatementLine",
    "Suggestion",
    "Title",
]
