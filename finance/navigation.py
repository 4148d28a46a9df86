"""Doors of finance in the menu."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.shell import register_nav

register_nav("finance", _("Payments"), "finance:payments", "finance.payment.read", "credit-card", 10)
register_nav("finance", _("Reports"), "finance:reports", "finance.report.read", "file-chart-column", 80)
register_nav("finance", _("Journal entries"), "finance:entries", "finance.entry.read", "book-open", 60)
register_nav("finance", _("Manual entries"), "finance:drafts", "finance.entry.read", "square-pen", 62)
register_nav("finance", _("Chart of accounts"), "finance:accounts", "finance.account.read", "list-tree", 66)
register_nav("finance", _("Months"), "finance:periods", "finance.period.read", "calendar", 64)
register_nav("finance", _("Set-up"), "finance:setup", "finance.bank_account.create", "list-checks", 95)
register_nav("finance", _("Bank accounts"), "finance:bank_accounts", "finance.bank_account.read", "landmark", 20)
register_nav("finance", _("Statements"), "finance:statements", "finance.statement_import.read", "file-down", 24)
register_nav(
    "finance",
    _("Reconcile"),
    "finance:reconcile_accounts",
    "finance.match.read",
    "link-2",
    5,
    also=("finance:matches",),
)
register_nav("finance", _("Receivables"), "finance:receivables", "finance.title.read", "hand-coins", 30)
register_nav("finance", _("Payables"), "finance:payables", "finance.title.read", "wallet", 34)
register_nav("finance", _("Invoices"), "finance:invoices", "finance.invoice.read", "receipt-text", 40)
register_nav("finance", _("Bills"), "finance:bills", "finance.bill.read", "file-text", 44)
register_nav("finance", _("Rules"), "finance:match_rules", "finance.match_rule.read", "wand-sparkles", 26)
register_nav("finance", _("Overview"), "finance:home", "finance.report.read", "layout-dashboard", 1)
