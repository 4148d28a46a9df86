"""A text that a Portuguese reader would not read in Portuguese is named."""

import os
import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from backoffice.core.management.commands.check_translations import extract, filled_inside, find_problems


def catalogue() -> Catalog:
    known = Catalog(locale="pt_BR")
    known.add("Orders", "Pedidos")
    return known


def test_a_complete_catalogue_has_no_problems() -> None:
    assert find_problems(catalogue()) == []


@pytest.mark.parametrize(
    ("words", "said", "flags", "problem"),
    [
        ("Late", "", (), "missing: 'Late'"),
        ("Late", "Atrasado", ("fuzzy",), "fuzzy: 'Late'"),
        (("%(n)d order", "%(n)d orders"), ("%(n)d pedido", ""), (), "missing: '%(n)d order'"),
        ("%(n)d late", "%(quantos)d atrasados", ("python-format",), "wrong ("),
    ],
)
def test_each_fault_is_named(words: str, said: str, flags: tuple[str, ...], problem: str) -> None:
    known = catalogue()
    known.add(words, said, flags=flags)

    (found,) = find_problems(known)

    assert found.startswith(problem)


@pytest.mark.skipif(not shutil.which("xgettext") and "CI" not in os.environ, reason="no xgettext; install gettext")
def test_a_text_of_the_product_without_a_translation_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "pt_BR" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "django.po").open("wb") as target:
        write_po(target, catalogue())

    problems = find_problems(extract(tmp_path))

    assert "missing: 'Logistics'" in problems
    assert "missing: 'Orders'" not in problems


@pytest.mark.parametrize(
    "call",
    ['_(f"{n} late")', '_("%d late" % n)', '_("{} late".format(n))', 'count("a", f"{n} b", n)', 'said("x", "a" + n)'],
)
def test_a_text_that_is_filled_before_it_is_translated_is_found(call: str) -> None:
    imports = "from django.utils.translation import gettext as _, ngettext as count, pgettext as said"

    (found,) = filled_inside(f"{imports}\n\nsay = {call}\n")

    assert found.startswith("3: filled before it is translated: ")


def test_a_text_that_is_filled_afterwards_is_right() -> None:
    source = 'from django.utils.translation import gettext as _\nsay = _("%(n)s late") % {"n": f"{n}"}\n_(cause)\n'

    assert filled_inside(source) == []
