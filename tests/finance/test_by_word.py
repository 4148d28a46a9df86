"""What no bank shows: settled in cash or taken out of the books, above the limit by two people."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.core.models import Approval, Company
from backoffice.core.services import approvals
from finance.bulk import Settle
from finance.models import Account, Instalment, Payment
from finance.services import by_word, invoices, ledger, plan, second_person, settlement
from tests.factories.books import party, year
from tests.factories.papers import decide, invoice
from tests.factories.people import person
from tests.finance.test_titles import issued, part, sold

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def books() -> None:
    year()
    year(timezone.localdate().year)
    Company.objects.create(pk=1, name="Casa", waive_limit=50)


def settle(row: Instalment, paid: str, **more: Any) -> Any:
    cash, today = plan.account_for("cash").pk, timezone.localdate()
    return by_word.settle(**{"instalment_id": row.pk, "paid": D(paid), "on": today, "account": cash} | more)


def test_cash_above_the_limit_settles_with_a_second_person() -> None:
    row, clerk, manager = part(sold("1000.00")), person("finance_clerk"), person("finance_manager")

    asked = settle(row, "1000.00", by=clerk)

    assert (asked.right, part(row.title).balance) == ("finance.title.approve", D("1000.00"))
    approvals.decide(asked.pk, yes=True, by=manager)
    entry = part(row.title).postings.latest("pk").entry
    assert (part(row.title).balance, entry.made_by, entry.approved_by) == (D(0), clerk, manager)


def test_cash_in_slices_or_beyond_what_is_due_is_weighed_together() -> None:
    who, clerk = party("Bia"), person("finance_clerk")
    first, second = part(sold("40.00", who=who)), part(sold("40.00", who=who))

    assert not isinstance(settle(first, "40.00", by=clerk), Approval)
    assert isinstance(settle(second, "40.00", by=person("finance_clerk")), Approval)
    assert isinstance(settle(part(sold("1.00")), "20000.00", by=clerk), Approval)
    assert Approval.objects.latest("pk").right == second_person.ABOVE


def test_an_acquirer_owes_only_what_a_payment_says() -> None:
    row, clerk = part(sold("30.00", origin="logistics.order:1")), person("finance_clerk")
    cards = plan.account_for("acquirer_cards").pk

    with pytest.raises(settlement.NotAMeans, match="No payment of a sales channel stands behind it"):
        settle(row, "30.00", by=clerk, account=cards)
    Payment.objects.create(
        source="shop", order_key="1", seq=1, origin="logistics.order:1", method="credit_card", amount=30,
        ordered_at=timezone.now(),
    )  # fmt: skip
    settle(row, "30.00", by=clerk, account=cards)

    assert part(row.title).balance == 0
    with pytest.raises(settlement.NotAMeans):
        settle(part(sold("30.00", origin="logistics.order:1")), "30.01", by=clerk, account=cards)


def test_many_are_settled_at_once_up_to_the_limit_of_each_party() -> None:
    who, clerk = party("Bia"), person("finance_clerk")
    rows = [part(sold("20.00", who=who, due_on=timezone.localdate())) for _n in range(3)]
    loaded = list(Instalment.objects.select_related("title").filter(pk__in=[row.pk for row in rows]).order_by("pk"))
    answers = {"account": Account.objects.get(purpose="cash"), "on": timezone.localdate()}

    refused = Settle().refusals(loaded, by=clerk, **answers)

    assert list(refused) == [rows[2].pk]
    assert "A second person must approve it. Settle it on its page" in refused[rows[2].pk]


def test_a_large_receivable_leaves_the_books_by_two_people(client: Client) -> None:
    manager = person("finance_manager")
    small, large = (issued("receivable", "other", [D(amount)]) for amount in ("40.00", "20000.00"))
    client.force_login(manager)

    for title in (small, large):
        client.post(reverse("finance:title_cancel", args=[title.pk]), {"reason": "Wrong"})

    asked = Approval.objects.get()
    assert (asked.right, asked.subject) == (second_person.ABOVE, large.ref)
    assert [settlement.is_cancelled(title) for title in (small, large)] == [True, False]
    approvals.decide(asked.pk, yes=True, by=person("director"))
    assert settlement.is_cancelled(large)


def test_receivables_of_one_party_leave_the_books_together() -> None:
    who, manager, today = party("Bia"), person("finance_manager"), timezone.localdate()
    first, second = sold("40.00", who=who), sold("40.00", who=who)

    assert by_word.cancel(title_id=first.pk, reason="x", by=manager, today=today) is None
    assert by_word.cancel(title_id=second.pk, reason="x", by=manager, today=today)
    with pytest.raises(ledger.Refused, match="must approve it"):
        settlement.cancel(title_id=second.pk, on=today, by=manager, reason="x")


def test_an_issued_invoice_is_cancelled_by_two_people() -> None:
    made, manager = invoice("1000.00"), person("finance_manager")
    decide(invoices.submit(invoice_id=made.pk, by=made.made_by), by=person("finance_manager"))

    asked = by_word.cancel_invoice(invoice_id=made.pk, reason="Wrong", by=manager, today=timezone.localdate())

    made.refresh_from_db()
    assert (made.state, asked and asked.right) == ("issued", "finance.write_off.approve")
    assert asked
    approvals.decide(asked.pk, yes=True, by=person("director"))
    made.refresh_from_db()
    assert (made.state, made.cancelled_by) == ("cancelled", manager)
