from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from finance import matching, reasons
from finance.models import Match, Suggestion
from finance.services import matching as engine
from finance.terms import Terms
from tests.factories import world
from tests.factories.banking import bank_account
from tests.factories.books import MAY, year

SIGNALS: dict[str, dict[str, Any]] = {
    "key": {"key": "key", "kind": "nosso", "value": "777"},
    "document": {"key": "document", "value": "NF 1"},
    "payer": {"key": "payer", "value": "Ana", "by": "tax_id"},
    "name": {"key": "payer", "value": "Ana", "by": "name"},
    "amount": {"key": "amount", "same": True},
    "part": {"key": "part", "value": "10.00"},
    "surplus": {"key": "surplus", "value": "2.00"},
    "sum": {"key": "sum", "value": 3},
    "terms": {"key": "terms", "discount": "0", "fine": "20.00", "interest": "10.00"},
    "waived": {"key": "waived", "value": "2.00"},
    "after": {"key": "days", "value": 3},
    "before": {"key": "days", "value": -1},
    "due": {"key": "days", "value": 0},
    "learned": {"key": "learned", "value": 4},
    "rule": {"key": "rule", "value": "Tarifas", "version": 2},
    "text": {"key": "text"},
    "transfer": {"key": "transfer", "value": "Banco"},
    "opposite": {"key": "opposite", "same": True},
}


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_has_words(name: str) -> None:
    assert len(reasons.signals({"signals": [SIGNALS[name]]})) == 1


def test_a_match_is_told_in_one_sentence() -> None:
    evidence = {"signals": [SIGNALS["document"], SIGNALS["amount"], SIGNALS["after"]]}

    assert reasons.sentence(evidence, "S2") == "Document NF 1, same amount and 3 days after the due date."


def test_a_doubt_is_told_too() -> None:
    evidence = {"signals": [SIGNALS["document"], SIGNALS["amount"]], "contests": ["other_line"]}

    assert reasons.sentence(evidence, "S2") == (
        "Document NF 1 and same amount; but another line claims the same title."
    )


def test_terms_are_told_with_their_amounts() -> None:
    told = reasons.sentence({"signals": [SIGNALS["key"], SIGNALS["terms"]]}, "S1b")

    assert told == "Nosso número 777 and amount by its terms: plus R$20.00 fine, plus R$10.00 interest."


def test_many_documents_are_counted() -> None:
    many = {"signals": [{"key": "document", "value": f"NF {n}"} for n in range(5)]}

    assert reasons.signals(many) == ["documents NF 0, NF 1, NF 2 and 2 more"]


def test_broken_or_missing_evidence_breaks_no_page() -> None:
    assert reasons.sentence({}, "M") == "Matched by hand."
    assert reasons.sentence({}, "S2") == "The evidence was not kept."
    assert reasons.sentence({"signals": [{"key": "new"}, {"key": "part", "value": "x"}]}, "S2")


@pytest.mark.parametrize(
    ("confidence", "word"),
    [("1.00", "high"), ("0.93", "high"), ("0.92", "medium"), ("0.75", "medium"), ("0.74", "low")],
)
def test_confidence_has_a_word(confidence: str, word: str) -> None:
    assert reasons.confidence_word(Decimal(confidence)) == reasons.band(Decimal(confidence)) == word


def test_what_posts_by_itself_is_high_or_explained_to_the_cent() -> None:
    assert {stage for stage in ("S1", "S2", "S2b", "S3") if matching.CONFIDENCE[stage] < reasons.HIGH} == set()


def test_every_contest_of_the_kernel_has_words() -> None:
    text = Path(matching.__file__).read_text()

    used = {word for word in reasons.CONTESTS if f'"{word}"' in text}

    assert used == set(reasons.CONTESTS) - {"amount"}


@pytest.mark.django_db
def test_what_the_engine_writes_is_told_with_two_signals_or_more() -> None:
    year()
    bank, who = bank_account("Banco"), world.party(1)
    world.title("NF 4001", "60.00", who=who)
    world.title("NF 4002", "30.00", who=who)
    late = Terms(fine_rate=Decimal("0.02"))
    world.title("NF 4003", "100.00", who=world.party(0), keys=(("nosso", "777123"),), terms=late)
    world.line("NF 4001", "60.00", account=bank)
    world.line("NOSSO NUMERO 777123", "102.00", account=bank, days=20)
    world.line("NF 4002", "29.00", account=bank)
    world.line("TED", "30.00", account=bank, payer="CLIENTE 1 COMERCI")

    engine.run(today=MAY)

    told = [(m.evidence, m.stage) for m in Match.objects.all()] + [
        (s.evidence, s.stage) for s in Suggestion.objects.all()
    ]
    assert len(told) >= 4
    with translation.override("en"):
        for evidence, stage in told:
            assert len(reasons.signals(evidence)) >= 2, evidence
            assert reasons.sentence(evidence, stage).endswith(".")
