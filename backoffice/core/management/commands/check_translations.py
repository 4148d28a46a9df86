"""Every text for people must stand in the Portuguese catalogue: extracted afresh, compared, nothing written."""

import ast
import shutil
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.test.utils import override_settings

LOCALE = "pt_BR"
# of each function, how many of its arguments, from which on, are texts for the catalogue
MARKS = {
    "gettext": (0, 1), "gettext_lazy": (0, 1), "gettext_noop": (0, 1), "ngettext": (0, 2), "ngettext_lazy": (0, 2),
    "pgettext": (1, 1), "pgettext_lazy": (1, 1), "npgettext": (1, 2), "npgettext_lazy": (1, 2),
}  # fmt: skip
IGNORED = [".venv", "var", "tests", "backoffice/locale", "node_modules"]


class Command(BaseCommand):
    help = "Fail, naming each, when a text is missing, fuzzy or differently filled in the Portuguese catalogue."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not shutil.which("xgettext"):
            raise CommandError("Texts are extracted with xgettext. Install the package gettext.")
        problems = find_problems(extract(settings.BASE_DIR / "backoffice" / "locale"))
        for path in sources(settings.BASE_DIR):
            problems += [f"{path.relative_to(settings.BASE_DIR)}:{words}" for words in filled_inside(path.read_text())]
        if problems:
            raise CommandError("\n".join([*problems, f"{len(problems)} texts are not ready in {LOCALE}."]))
        self.stdout.write(f"Every text stands in {LOCALE}.")


def extract(locale: Path) -> Catalog:
    """The catalogue as it would be after extracting all texts now."""
    name = Path(LOCALE) / "LC_MESSAGES" / "django.po"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "locale" / name
        copy.parent.mkdir(parents=True)
        if (locale / name).exists():
            shutil.copyfile(locale / name, copy)
        with override_settings(LOCALE_PATHS=[str(Path(folder) / "locale")]):
            call_command("makemessages", locale=[LOCALE], ignore_patterns=IGNORED, no_obsolete=True, verbosity=0)
        with copy.open("rb") as source:
            return read_po(source, locale=LOCALE)


def sources(root: Path) -> list[Path]:
    """Our own Python."""
    return [path for path in sorted(root.rglob("*.py")) if path.relative_to(root).parts[0] not in IGNORED]


def filled_inside(source: str) -> list[str]:
    """The calls of gettext whose text is put together before it is looked up, so that no catalogue can hold it."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {name.asname or name.name: name.name for name in node.names if name.name in MARKS}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        mark = names.get(called.id, "") if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if mark not in MARKS:
            continue
        first, count = MARKS[mark]
        for text in node.args[first : first + count]:
            if isinstance(text, ast.JoinedStr | ast.BinOp) or _is_format(text):
                found.append(f"{node.lineno}: filled before it is translated: {ast.unparse(text)}")
    return found


def _is_format(text: ast.expr) -> bool:
    return isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute) and text.func.attr == "format"


def find_problems(catalogue: Catalog) -> list[str]:
    """One line for each text that a Portuguese reader would not read in Portuguese."""
    return [f"{fault}: {_first(message.id)}" for message in catalogue if message.id for fault in _faults(message)]


def _faults(message: Message) -> list[str]:
    texts = message.string if isinstance(message.string, list | tuple) else [message.string]
    if not all(texts):
        return ["missing"]
    if message.fuzzy:
        return ["fuzzy"]
    return [f"wrong ({error})" for error in message.check()]


def _first(words: str | list[str] | tuple[str, ...]) -> str:
    return repr(words if isinstance(words, str) else words[0])
