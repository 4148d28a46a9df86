"""How finance's records are named from outside, and what timelines say of them."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import party_doors, refs, search, sentences

from .models import (
    Account,
    BankAccount,
    Bill,
    DraftEntry,
    Instalment,
    Invoice,
    JournalEntry,
    Match,
    MatchRule,
    Payment,
    Period,
    RecurringEntry,
    Statement,
    StatementLine,
    Title,
)
from .selectors import palette, titles

refs.register(Payment, "finance:payment", right="finance.payment.read")

search.searchable(
    "finance.titles", label=_("Titles"), icon="hand-coins", right="finance.title.read", find=palette.find_titles
)
search.searchable(
    "finance.entries",
    label=_("Journal entries"),
    icon="book-open",
    right="finance.entry.read",
    find=palette.find_entries,
)
search.action(_("New invoice"), "finance:invoice_create", right="finance.invoice.create", icon="receipt-text")
search.action(_("New bill"), "finance:bill_create", right="finance.bill.create", icon="file-text")
search.action(_("New entry"), "finance:draft_create", right="finance.entry.create", icon="square-pen")
party_doors.register("finance.title.read", titles.doors_of_party)

# The books
refs.register(JournalEntry, "finance:entry", right="finance.entry.read", related=("journal",))
refs.register(DraftEntry, "finance:draft", right="finance.entry.read")
refs.register(RecurringEntry, "finance:recurring_entry", right="finance.entry.read")
refs.register(Period, "finance:period", right="finance.period.read")
refs.register(Account, "finance:account", right="finance.account.read")
sentences.register(
    {
        "finance.draft_made": _("began this entry"),
        "finance.draft_changed": _("changed this entry"),
        "finance.draft_discarded": _("threw this draft away"),
        "finance.entry_reversed": _("had this entry reversed: %(reason)s"),
        "finance.recurring_made": _("added this recurring entry"),
        "finance.recurring_changed": _("changed this recurring entry"),
        "finance.account_created": _("added this account"),
        "finance.account_changed": _("changed this account"),
        "finance.account_retired": _("retired this account"),
        "finance.account_restored": _("took this account into use again"),
        "finance.cost_centre_created": _("added this cost centre"),
        "finance.cost_centre_changed": _("changed this cost centre"),
        "finance.period_soft_closed": _("soft-closed this month"),
        "finance.period_opened": _("opened this month again"),
        "finance.period_closed": _("closed this month"),
        "finance.period_reopened": _("opened this month again after it was closed: %(reason)s"),
        "finance.period_leave_given": _("let %(person)s post until %(until)s: %(reason)s"),
        "finance.period_leave_ended": _("ended the leave of %(person)s"),
        "finance.books_broken": _("found that the books do not hold at %(name)s: %(reason)s"),
    }
)

# Banks and their statements
refs.register(BankAccount, "finance:bank_account", right="finance.bank_account.read")
refs.register(StatementLine, "finance:reconcile_line", right="finance.match.read")
refs.register(
    Match, "finance:match", right="finance.match.read", related=("entry",), label=lambda match: match.entry.text
)
refs.register(MatchRule, "finance:match_rule", right="finance.match_rule.read", name=_("Rule"))
refs.register(Statement, "finance:statement", right="finance.statement_import.read", related=("bank_account",))
sentences.register(
    {
        "finance.bank_account_opened": _("opened this bank account"),
        "finance.bank_account_changed": _("changed this bank account"),
        "finance.parked_line_taken": _("took in a line that was set aside: %(place)s"),
    }
)

# Reconciling by people
sentences.register(
    {
        "finance.line_matched": _("matched %(amount)s"),
        "finance.match_undone": _("undid this match"),
        "finance.line_ignored": _("set this line aside: %(reason)s"),
        "finance.line_restored": _("took this line up again"),
        "finance.reconciliation_printed": _("printed the reconciliation of a month"),
        "finance.rule_saved": _("kept version %(number)s of this rule"),
        "finance.rule_switched": _("switched this rule"),
    }
)

# Titles, invoices and bills
refs.register(Title, "finance:title", right="finance.title.read")
refs.register(
    Instalment,
    right="finance.title.read",
    page=lambda part: reverse("finance:title", args=[part.title_id]),
    related=("title",),
)
refs.register(Invoice, "finance:invoice", right="finance.invoice.read")
refs.register(Bill, "finance:bill", right="finance.bill.read")
sentences.register(
    {
        "finance.instalment_settled": _("settled part %(part)s with %(paid)s"),
        "finance.settlement_undone": _("undid a settlement"),
        "finance.credit_applied": _("used the credit %(credit)s: %(amount)s"),
        "finance.title_cancelled": _("took it out of the books: %(reason)s"),
        "finance.title_edited": _("changed due dates, terms or text"),
        "finance.written_off": _("wrote off %(amount)s of part %(part)s: %(reason)s"),
        "finance.renegotiated": _("renegotiated it as %(new)s"),
        "finance.approved_but_refused": _("approved it, and the books did not take it: %(reason)s"),
        "finance.bill_written": _("wrote this bill: %(total)s"),
        "finance.bill_recurred": _("drafted by its recurring bill"),
        "finance.bill_approved": _("put this bill into the books"),
        "finance.bill_cancelled": _("cancelled this bill: %(reason)s"),
        "finance.recurring_bill_written": _("wrote this recurring bill"),
        "finance.paper_discarded": _("put this draft away"),
        "finance.invoice_written": _("wrote this invoice: %(total)s"),
        "finance.invoice_issued": _("issued it as %(number)s"),
        "finance.invoice_cancelled": _("cancelled it: %(reason)s"),
        "finance.invoice_sent": _("sent it to the customer"),
    }
)
