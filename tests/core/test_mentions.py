"""Whom a text calls."""

import pytest

from backoffice.core.mentions import Person, find

ANA_L = Person(1, "Ana Lima", "ana.lima@firm.example")
ANA_S = Person(2, "Ana Souza", "souza@firm.example")
JOAO = Person(3, "João D'Ávila", "joao@firm.example")
EVERYBODY = [ANA_L, ANA_S, JOAO]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("@joao look", [JOAO]),
        ("@João, look", [JOAO]),
        ("see @Ana Lima tomorrow", [ANA_L]),
        ("@ana.lima and @souza", [ANA_L, ANA_S]),
        ("@ana.lima@firm.example.", [ANA_L]),
        ("(@JOAO)", [JOAO]),
        ("@joao @joao", [JOAO]),
        ("mail joao@firm.example", []),
        ("no one", []),
        ("@", []),
    ],
)
def test_who_is_called(text, people):
    found = find(text, EVERYBODY)

    assert found.people == people
    assert not found.ambiguous
    assert not found.unknown


def test_a_first_name_of_two_calls_nobody_and_says_whom_it_could_mean():
    found = find("@Ana, please", EVERYBODY)

    assert found.people == []
    assert found.ambiguous == {"Ana": [ANA_L, ANA_S]}


def test_an_unknown_name_is_given_back():
    assert find("@carlos?", EVERYBODY).unknown == ["carlos"]
