from datetime import date
from decimal import Decimal

import pytest

from backoffice.core.models import AuditEntry
from backoffice.core.services import approvals
from finance.models import JournalEntry, Title, TitlePolicy
from finance.services import concessions, ledger, second_person, settlement
from finance.terms import Terms
from tests.factories.books import MAY, party, year
from tests.factories.papers import decide
from tests.factories.people import person
from tests.finance.test_titles import balance, books_agree, bought, cash, part, sold

pytestmark = pytest.mark.django_db
D = Decimal
USUAL = Terms(fine_rate=D("0.02"), interest_rate=D("0.01"))


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def test_a_write_off_is_asked_by_one_and_decided_by_another() -> None:
    title, clerk, manager = sold("100.00"), person("finance_clerk"), person("finance_manager")

    asked = concessions.ask_write_off(instalment_id=part(title).pk, amount=D("40.00"), reason="Bankrupt", by=clerk)
    assert part(title).balance == D("100.00")
    decide(asked, by=manager)

    assert (part(title).balance, balance("write_off")) == (D("60.00"), D("40.00"))
    entry = JournalEntry.objects.latest("pk")
    assert (entry.made_by, entry.approved_by) == (clerk, manager)
    books_agree()


def test_above_the_limit_a_director_writes_off() -> None:
    TitlePolicy.objects.create(pk=1, approval_limit=D("50.00"))
    title = sold("100.00")

    asked = concessions.ask_write_off(
        instalment_id=part(title).pk, amount=D("50.01"), reason="Bankrupt", by=person("finance_clerk")
    )

    with pytest.raises(approvals.NotTheirs):
        decide(asked, by=person("finance_manager"))
    decide(asked, by=person("director"))
    assert part(title).balance == D("49.99")


def test_a_write_off_of_what_was_paid_meanwhile_does_nothing_and_says_so() -> None:
    title = sold("100.00")
    asked = concessions.ask_write_off(
        instalment_id=part(title).pk, amount=D("40.00"), reason="x", by=person("finance_clerk")
    )
    settlement.settle(instalment_id=part(title).pk, paid=D("80.00"), on=MAY, account=cash(), by=None)

    decide(asked, by=person("finance_manager"))

    assert (part(title).balance, balance("write_off")) == (D("20.00"), D(0))
    assert AuditEntry.objects.filter(action="finance.approved_but_refused").exists()


def test_a_debt_that_the_supplier_forgives_is_other_income() -> None:
    title = bought("100.00")

    concessions.write_off(
        instalment_id=part(title).pk, amount=D("100.00"), on=MAY, reason="Forgiven", by=None, approved_by=None
    )

    assert (part(title).balance, balance("other_income")) == (D(0), D(-100))
    books_agree()


def test_more_than_is_open_is_not_asked() -> None:
    with pytest.raises(ledger.TooMuch):
        concessions.ask_write_off(
            instalment_id=part(sold("10.00")).pk, amount=D("10.01"), reason="x", by=person("finance_clerk")
        )


@pytest.mark.parametrize(("new", "interest", "discount"), [("55.00", D("-10.00"), D(0)), ("45.00", D(0), D("10.00"))])
def test_a_renegotiation_closes_the_old_parts_and_opens_new_ones(new: str, interest: D, discount: D) -> None:
    title = sold("60.00", "40.00")
    asked = concessions.ask_renegotiation(
        title_id=title.pk, parts=[(date(2026, 9, 1), D(new)), (date(2026, 10, 1), D(new))], terms=USUAL,
        reason="Asked for time", by=person("finance_clerk"),
    )  # fmt: skip

    decide(asked, by=person("finance_manager"))

    fresh = Title.objects.get(kind="renegotiated")
    assert (fresh.number, fresh.origin, fresh.amount) == ("NF 2026/17 R1", title.ref, 2 * D(new))
    assert not title.instalments.exclude(balance=0).exists()
    assert (balance("interest_income"), balance("discount_given")) == (interest, discount)
    assert fresh.fine_rate == D("0.02")
    books_agree()


def test_a_renegotiation_of_what_changed_meanwhile_is_not_done() -> None:
    title = sold("100.00")
    asked = concessions.ask_renegotiation(
        title_id=title.pk, parts=[(date(2026, 9, 1), D("100.00"))], terms=USUAL, reason="x", by=person("finance_clerk")
    )
    settlement.settle(instalment_id=part(title).pk, paid=D("10.00"), on=MAY, account=cash(), by=None)

    decide(asked, by=person("finance_manager"))

    assert not Title.objects.filter(kind="renegotiated").exists()
    assert part(title).balance == D("90.00")


def test_a_due_date_moves_earlier_alone_and_later_by_two() -> None:
    title, clerk, manager = sold("100.00", due_on=date(2026, 6, 1)), person("finance_clerk"), person("finance_manager")
    concessions.change_due(instalment_id=part(title).pk, due_on=MAY, version=1, by=clerk)
    assert part(title).due_on == MAY

    asked = concessions.change_due(instalment_id=part(title).pk, due_on=date(2026, 8, 1), version=2, by=clerk)

    assert asked is not None
    assert part(title).due_on == MAY
    decide(asked, by=manager)
    assert part(title).due_on == date(2026, 8, 1)
    with pytest.raises(second_person.Outdated):
        concessions.change_due(instalment_id=part(title).pk, due_on=date(2026, 8, 2), version=1, by=clerk)


@pytest.mark.parametrize(
    "softer",
    [
        Terms(discount_rate=D("0.99"), fine_rate=D("0.02"), interest_rate=D("0.01")),
        Terms(fine_rate=D("0.01"), interest_rate=D("0.01")),
        Terms(fine_rate=D("0.02")),
    ],
)
def test_softer_terms_wait_for_a_second_person_and_above_the_limit_for_a_director(softer: Terms) -> None:
    TitlePolicy.objects.create(pk=1, approval_limit=D("50.00"))
    title = sold("100.00", terms=USUAL)

    asked = concessions.change(title_id=title.pk, text="", terms=softer, version=1, due={}, by=person("finance_clerk"))

    assert asked is not None
    assert settlement.terms_of(Title.objects.get(pk=title.pk)) == USUAL
    with pytest.raises(approvals.NotTheirs):
        decide(asked, by=person("finance_manager"))
    decide(asked, by=person("director"))
    assert settlement.terms_of(Title.objects.get(pk=title.pk)) == softer


def test_what_a_supplier_may_charge_more_waits_too() -> None:
    title = bought("100.00")

    assert concessions.change(title_id=title.pk, text="", terms=USUAL, version=1, due={}, by=person("finance_clerk"))


def test_terms_change_and_facts_stay() -> None:
    title = sold("100.00")

    concessions.change(title_id=title.pk, text="Late", terms=USUAL, version=1, due={}, by=person("finance_clerk"))

    title.refresh_from_db()
    assert (title.text, title.interest_rate, title.amount, title.version) == ("Late", D("0.01"), D("100.00"), 2)


def test_write_offs_of_one_party_are_weighed_together() -> None:
    TitlePolicy.objects.update_or_create(pk=1, defaults={"approval_limit": D("50.00")})
    who, clerk = party("Bia"), person("finance_clerk")
    first, second = part(sold("40.00", who=who)), part(sold("40.00", who=who))

    asked = [
        concessions.ask_write_off(instalment_id=one.pk, amount=D("40.00"), reason="x", by=clerk)
        for one in (first, second)
    ]

    assert [one.right for one in asked] == ["finance.write_off.approve", second_person.ABOVE]
    assert asked[1].amount == D("40.00")
