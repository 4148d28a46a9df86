from django.urls import path

from .views import (
    accounts,
    bank_accounts,
    drafts,
    entries,
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

PAYMENTS = [
    path("payments/", payments.PaymentList.as_view(), name="payments"),
]

REPORTS = [
    path("reports/", reports.index, name="reports"),
    path("reports/postings/", postings.PostingList.as_view(), name="postings"),
    path("reports/paper/<int:pk>/", reports.paper, name="report_paper"),
    path("reports/<slug:key>/", reports.report, name="report"),
    path("reports/<slug:key>/file/", reports.report_file, name="report_file"),
]

RECONCILE = [
    path("reconcile/", reconcile.accounts, name="reconcile_accounts"),
    path("reconcile/<int:pk>/", reconcile.page, name="reconcile"),
    path("reconcile/<int:pk>/code/", reconcile_forms.code, name="reconcile_code"),
    path("reconcile/<int:pk>/report/", reconcile_report.report, name="reconcile_report"),
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

urlpatterns = [*LEDGER, *STATEMENTS, *RECONCILE, *REPORTS, *PAYMENTS, *SETUP]
