"""The README tells the truth that a newcomer would stumble over first."""

import re

from django.core.management import get_commands

from backoffice.launch.places import ROOT
from kpis.definitions import MEASURES

README = (ROOT / "README.md").read_text()


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", README))
    known = set(get_commands()) | {"up", "test"}

    assert named - known == set()


def test_every_indicator_is_named() -> None:
    assert [key for key in MEASURES if f"`{key}`" not in README] == []


def test_every_secret_of_production_is_named() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))

    assert {name for name in asked if f"{name}=" not in README} == set()
