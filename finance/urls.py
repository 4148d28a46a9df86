from django.urls import path

from .views import (
    accounts,
    bank_accounts,
    bills,
    budget,
    drafts,
    entries,
    home,
    invoices,
    match_rules,
    matches,
    payments,
    periods,
    postings,
    reconcile,
    reconcile_forms,
    reconcile_report,
    recurring,
    reports,
    setup,
    statements,
    titles,
)

app_name = "finance"

LEDGER = [
    path("books/entries/", entries.EntryList.as_view(), name="entries"),
    path("books/entries/journals/", accounts.journals, name="journals"),
    path("books/entries/<int:pk>/", entries.detail, name="entry"),
    path("books/entries/<int:pk>/reverse/", entries.turn, name="entry_reverse"),
    path("books/manual/", drafts.DraftList.as_view(), name="drafts"),
    path("books/manual/new/", drafts.create, name="draft_create"),
    path("books/manual/<int:pk>/", drafts.detail, name="draft"),
    path("books/manual/<int:pk>/edit/", drafts.edit, name="draft_edit"),
    path("books/manual/<int:pk>/submit/", drafts.submit, name="draft_submit"),
    path("books/manual/<int:pk>/withdraw/", drafts.withdraw, name="draft_withdraw"),
    path("books/manual/<int:pk>/discard/", drafts.discard, name="draft_discard"),
    path("books/manual/recurring/", recurring.RecurringList.as_view(), name="recurring"),
    path("books/manual/recurring/new/", recurring.create, name="recurring_create"),
    path("books/manual/recurring/<int:pk>/", recurring.detail, name="recurring_entry"),
    path("books/manual/recurring/<int:pk>/edit/", recurring.edit, name="recurring_edit"),
    path("books/manual/recurring/<int:pk>/submit/", recurring.submit, name="recurring_submit"),
    path("books/months/", periods.index, name="periods"),
    path("books/months/<int:pk>/", periods.detail, name="period"),
    path("books/months/<int:pk>/soften/", periods.soften, name="period_soften"),
    path("books/months/<int:pk>/close/", periods.close_month, name="period_close"),
    path("books/months/<int:pk>/reopen/", periods.reopen, name="period_reopen"),
    path("books/months/<int:pk>/leave/", periods.leave, name="period_leave"),
    path("books/months/leave/<int:pk>/end/", periods.end_leave, name="period_leave_end"),
    path("books/months/prove/", periods.prove, name="prove"),
    path("books/accounts/", accounts.tree, name="accounts"),
    path("books/accounts/new/", accounts.create, name="account_create"),
    path("books/accounts/<int:pk>/", accounts.detail, name="account"),
    path("books/accounts/<int:pk>/edit/", accounts.edit, name="account_edit"),
    path("books/accounts/<int:pk>/retire/", accounts.retire, name="account_retire"),
    path("books/accounts/cost-centres/", accounts.centres, name="cost_centres"),
    path("books/accounts/cost-centres/new/", accounts.centre_create, name="cost_centre_create"),
    path("books/accounts/cost-centres/<int:pk>/edit/", accounts.centre_edit, name="cost_centre_edit"),
]

SETUP = [
    path("setup/", setup.start, name="setup"),
    path("setup/company/", setup.company, name="setup_company"),
    path("setup/banks/", setup.banks, name="setup_banks"),
    path("setup/balances/", setup.balances, name="setup_balances"),
    path("setup/statement/", setup.statement, name="setup_statement"),
]

TITLES = [
    path("receivables/", titles.ReceivableList.as_view(), name="receivables"),
    path("payables/", titles.PayableList.as_view(), name="payables"),
    path("titles/<int:pk>/", titles.detail, name="title"),
    path("titles/<int:pk>/edit/", titles.edit, name="title_edit"),
    path("titles/<int:pk>/cancel/", titles.cancel, name="title_cancel"),
    path("titles/<int:pk>/renegotiate/", titles.renegotiate, name="title_renegotiate"),
    path("titles/<int:pk>/undo/<int:entry>/", titles.undo, name="title_undo"),
    path("titles/parts/<int:pk>/settle/", titles.settle, name="title_settle"),
    path("titles/parts/<int:pk>/credit/", titles.apply_credit, name="title_credit"),
    path("titles/parts/<int:pk>/write-off/", titles.write_off, name="title_write_off"),
    path("invoices/", invoices.InvoiceList.as_view(), name="invoices"),
    path("invoices/new/", invoices.create, name="invoice_create"),
    path("invoices/<int:pk>/", invoices.detail, name="invoice"),
    path("invoices/<int:pk>/edit/", invoices.edit, name="invoice_edit"),
    path("invoices/<int:pk>/submit/", invoices.submit, name="invoice_submit"),
    path("invoices/<int:pk>/discard/", invoices.discard, name="invoice_discard"),
    path("invoices/<int:pk>/credit/", invoices.credit, name="invoice_credit"),
    path("invoices/<int:pk>/cancel/", invoices.cancel, name="invoice_cancel"),
    path("invoices/<int:pk>/send/", invoices.send, name="invoice_send"),
    path("invoices/<int:pk>/print/", invoices.make_pdf, name="invoice_print"),
    path("invoices/<int:pk>/pdf/", invoices.pdf, name="invoice_pdf"),
    path("bills/", bills.BillList.as_view(), name="bills"),
    path("bills/new/", bills.create, name="bill_create"),
    path("bills/<int:pk>/", bills.detail, name="bill"),
    path("bills/<int:pk>/edit/", bills.edit, name="bill_edit"),
    path("bills/<int:pk>/submit/", bills.submit, name="bill_submit"),
    path("bills/<int:pk>/discard/", bills.discard, name="bill_discard"),
    path("bills/<int:pk>/cancel/", bills.cancel, name="bill_cancel"),
    path("bills/recurring/", bills.recurring_list, name="recurring_bills"),
    path("bills/recurring/new/", bills.recurring_create, name="recurring_bill_create"),
    path("bills/recurring/<int:pk>/", bills.recurring_edit, name="recurring_bill"),
]

PAYMENTS = [
    path("payments/", payments.PaymentList.as_view(), name="payments"),
    path("payments/<int:pk>/", payments.detail, name="payment"),
]

REPORTS = [
    path("", home.home, name="home"),
    path("reports/", reports.index, name="reports"),
    path("reports/postings/", postings.PostingList.as_view(), name="postings"),
    path("reports/budget/plan/", budget.grid, name="budget"),
    path("reports/paper/<int:pk>/", reports.paper, name="report_paper"),
    path("reports/<slug:key>/", reports.report, name="report"),
    path("reports/<slug:key>/file/", reports.report_file, name="report_file"),
]

RECONCILE = [
    path("reconcile/", reconcile.accounts, name="reconcile_accounts"),
    path("reconcile/<int:pk>/", reconcile.page, name="reconcile"),
    path("reconcile/<int:pk>/code/", reconcile_forms.code, name="reconcile_code"),
    path("reconcile/<int:pk>/report/", reconcile_report.report, name="reconcile_report"),
    path("reconcile/<int:pk>/report/print/", reconcile_report.print_report, name="reconcile_print"),
    path("reconcile/papers/<int:pk>/", reconcile_report.paper, name="reconcile_paper"),
    path("reconcile/lines/", matches.BankLineList.as_view(), name="bank_lines"),
    path("reconcile/lines/<int:pk>/", reconcile.line, name="reconcile_line"),
    path("reconcile/lines/<int:pk>/accept/", reconcile.accept, name="reconcile_accept"),
    path("reconcile/lines/<int:pk>/match/", reconcile_forms.match, name="reconcile_match"),
    path("reconcile/lines/<int:pk>/entry/", reconcile_forms.entry, name="reconcile_entry"),
    path("reconcile/lines/<int:pk>/transfer/", reconcile_forms.transfer, name="reconcile_transfer"),
    path("reconcile/lines/<int:pk>/ignore/", reconcile_forms.ignore, name="reconcile_ignore"),
    path("reconcile/lines/<int:pk>/restore/", reconcile.restore, name="reconcile_restore"),
    path("reconcile/lines/<int:pk>/claim/", reconcile.claim, name="reconcile_claim"),
    path("matches/", matches.MatchList.as_view(), name="matches"),
    path("matches/<int:pk>/", matches.detail, name="match"),
    path("matches/<int:pk>/undo/", reconcile.undo, name="match_undo"),
]

RULES = [
    path("rules/", match_rules.RuleList.as_view(), name="match_rules"),
    path("rules/new/", match_rules.create, name="match_rule_create"),
    path("rules/<int:pk>/", match_rules.detail, name="match_rule"),
    path("rules/<int:pk>/edit/", match_rules.edit, name="match_rule_edit"),
    path("rules/<int:pk>/force/", match_rules.force, name="match_rule_force"),
    path("rules/<int:pk>/trust/", match_rules.trust, name="match_rule_trust"),
]

STATEMENTS = [
    path("banks/", bank_accounts.BankAccountList.as_view(), name="bank_accounts"),
    path("banks/new/", bank_accounts.create, name="bank_account_create"),
    path("banks/<int:pk>/", bank_accounts.detail, name="bank_account"),
    path("banks/<int:pk>/edit/", bank_accounts.edit, name="bank_account_edit"),
    path("statements/", statements.StatementList.as_view(), name="statements"),
    path("statements/<int:pk>/", statements.detail, name="statement"),
    path("statements/lines/", statements.LineList.as_view(), name="statement_lines"),
    path("statements/aside/", statements.ParkedList.as_view(), name="parked_lines"),
    path("statements/aside/<int:pk>/", statements.parked, name="parked_line"),
]

urlpatterns = [*LEDGER, *STATEMENTS, *RULES, *RECONCILE, *REPORTS, *TITLES, *PAYMENTS, *SETUP]
