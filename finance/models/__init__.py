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
from .bills import Bill, BillLine, BillTax, RecurringBill
from .budgets import BudgetLine
from .documents import TitlePolicy
from .drafts import DraftEntry, DraftLine, RecurringEntry, RecurringLine
from .invoices import Invoice, InvoiceLine, InvoiceTax, Tax, TaxProfile, TaxRate
from .ledger import (
    Account,
    CostCentre,
    DayBalance,
    DaySummary,
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
from .sales import SaleBooking
from .setup import BooksSetup
from .titles import Instalment, InstalmentKey, Title

__all__ = [
    "Account",
    "BankAccount",
    "Bill",
    "BillLine",
    "BillTax",
    "BooksSetup",
    "BudgetLine",
    "CostCentre",
    "DayBalance",
    "DaySummary",
    "DraftEntry",
    "DraftLine",
    "EntrySeal",
    "IgnoredLine",
    "Instalment",
    "InstalmentKey",
    "Invoice",
    "InvoiceLine",
    "InvoiceTax",
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
    "RecurringBill",
    "RecurringEntry",
    "RecurringLine",
    "SaleBooking",
    "Statement",
    "StatementLine",
    "Suggestion",
    "Tax",
    "TaxProfile",
    "TaxRate",
    "Title",
    "TitlePolicy",
]
