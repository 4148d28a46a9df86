"""The floors of the house, read from every import, relation, migration and table name.

kpis → marketing → logistics | hr → finance → backoffice.core. Whoever is higher may look down, and there only at
services, selectors and models; nobody looks up, nobody looks at the roof (settings, urls, celery) or the launcher.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
FLOORS = {"core": 0, "finance": 1, "logistics": 2, "hr": 2, "marketing": 3, "kpis": 4}
FOLDERS = {"core": "backoffice/core"} | {app: app for app in FLOORS if app != "core"}
OPEN_ROOMS = {"services", "selectors", "models"}  # what a higher floor may use of a lower one; core is open to all

# Inside an app the arrows point down this list; rooms of one line may know each other.
LAYERS = [
    {
        "views",
        "urls",
        "forms",
        "filters",
        "tables",
        "admin",
        "tasks",
        "handlers",
        "navigation",
        "templatetags",
        "management",
        "decisions",
        "bench",
        "simulator",
    },
    {"services", "selectors", "reports", "locks"},
    {"models"},
]
PURE = {"backoffice/core/money.py", "backoffice/core/calendar.py", "backoffice/core/documents.py"}
KERNELS = [  # engines that stand aside: values in, values out
    "finance/formats",
    "finance/matching.py",
    "finance/plan.py",
    "finance/rules.py",
    "finance/subset.py",
    "finance/taxes.py",
    "finance/terms.py",
]
TOOLS = {"lxml", "openpyxl"}  # what a reader of files may lean on
LEARNED = {"stdnum", "holidays", "dateutil", "babel"}  # tables of the world that the pure half of core may consult
NAMELESS = {"utils", "helpers", "util", "helper", "common", "misc", "manager2", "data"}


def modules(app: str) -> list[Path]:
    return sorted(path for path in (ROOT / FOLDERS[app]).rglob("*.py") if "migrations" not in path.parts)


def everything() -> list[tuple[str, Path]]:
    return [(app, path) for app in FLOORS for path in modules(app)]


def dotted(path: Path) -> list[str]:
    return list(path.relative_to(ROOT).with_suffix("").parts)


def imports(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of whatever is imported, local imports too. package: where a relative import starts from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def imports_of(path: Path) -> list[tuple[int, str]]:
    parts = dotted(path)
    return list(imports(ast.parse(path.read_text()), parts[:-1]))


def place(name: str) -> tuple[str, str] | None:
    """The app and the room of a dotted name; ("roof", …) for the rest of ours; None for what is not ours."""
    parts = name.split(".")
    if parts[:2] == ["backoffice", "core"]:
        return "core", parts[2] if len(parts) > 2 else ""
    if parts[0] in ("backoffice", "tests"):
        return "roof", ".".join(parts[:2])
    if parts[0] in FLOORS:
        return parts[0], parts[1] if len(parts) > 1 else ""
    return None


def broken_floors(app: str, found: list[tuple[int, str]]) -> list[str]:
    broken = []
    for line, name in found:
        where = place(name)
        if where is None or where[0] == app:
            continue
        other, room = where
        if other == "roof":
            broken.append(f"{line}: {name} is above every app")
        elif FLOORS[other] >= FLOORS[app]:
            broken.append(f"{line}: {app} may not know {name}")
        elif other != "core" and room not in OPEN_ROOMS:
            broken.append(f"{line}: of {other} only {', '.join(sorted(OPEN_ROOMS))} may be used, not {name}")
    return broken


def broken_layers(app: str, room: str, found: list[tuple[int, str]]) -> list[str]:
    mine = next((number for number, layer in enumerate(LAYERS) if room in layer), None)
    if mine is None:
        return []
    forbidden = set().union(*LAYERS[:mine])
    return [
        f"{line}: {room} may not know {name}"
        for line, name in found
        if (where := place(name)) and where[0] == app and where[1] in forbidden
    ]


def room_of(app: str, path: Path) -> str:
    return dotted(path)[len(Path(FOLDERS[app]).parts)]


def named(path: Path, problems: list[str]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{problem}" for problem in problems]


def test_every_import_points_down() -> None:
    broken = [line for app, path in everything() for line in named(path, broken_floors(app, imports_of(path)))]

    assert not broken, "\n".join(broken)


def test_inside_an_app_screens_call_services_and_services_call_models() -> None:
    broken = [
        line
        for app, path in everything()
        for line in named(path, broken_layers(app, room_of(app, path), imports_of(path)))
    ]

    assert not broken, "\n".join(broken)


def test_every_relation_points_down() -> None:
    broken = [
        f"{model._meta.label}.{field.name} → {other.label}"
        for model in apps.get_models()
        if (mine := model._meta).app_label in FLOORS
        for field in mine.get_fields(include_parents=False)
        if field.is_relation and not field.auto_created and field.related_model
        if (other := field.related_model._meta).app_label in FLOORS and other.app_label != mine.app_label
        if FLOORS[other.app_label] >= FLOORS[mine.app_label]
    ]

    assert not broken, "\n".join(broken)


def test_every_migration_waits_only_for_lower_floors() -> None:
    broken = [
        f"{app}.{name} depends on {other[0]}.{other[1]}"
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in FLOORS
        for other in migration.dependencies
        if other[0] in FLOORS and other[0] != app and FLOORS[other[0]] >= FLOORS[app]
    ]

    assert not broken, "\n".join(broken)


def test_no_text_names_a_table_of_a_higher_floor() -> None:
    tables = {model._meta.db_table: model._meta.app_label for model in apps.get_models(include_auto_created=True)}
    broken = []
    for app, path in everything():
        above = {table for table, owner in tables.items() if FLOORS.get(owner, -1) > FLOORS[app]}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = set(node.value.replace('"', " ").replace("(", " ").replace(",", " ").split())
                broken += [f"{path.relative_to(ROOT)}:{node.lineno}: {table}" for table in sorted(above & words)]

    assert not broken, "\n".join(broken)


def test_the_pure_half_of_core_knows_neither_database_nor_request() -> None:
    allowed = set(sys.stdlib_module_names) | LEARNED
    pure = {".".join(dotted(ROOT / file)) for file in PURE}
    broken = [
        f"{file}:{line}: {name}"
        for file in sorted(PURE)
        for line, name in imports_of(ROOT / file)
        if name.partition(".")[0] not in allowed and not any(name.startswith(module) for module in pure)
    ]

    assert not broken, "\n".join(broken)


def test_a_kernel_knows_neither_database_nor_request() -> None:
    allowed = set(sys.stdlib_module_names) | LEARNED | TOOLS
    pure = [".".join(dotted(ROOT / file)) for file in (*PURE, *KERNELS) if (ROOT / file).exists()]
    files = [
        path
        for kernel in KERNELS
        for path in ((ROOT / kernel).rglob("*.py") if not kernel.endswith(".py") else [ROOT / kernel])
        if path.exists()
    ]
    broken = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in files
        for line, name in imports_of(path)
        if name.partition(".")[0] not in allowed and not any(f"{name}.".startswith(f"{module}.") for module in pure)
    ]

    assert files
    assert not broken, "\n".join(broken)


def test_the_launcher_starts_without_any_package() -> None:
    first = ["__init__", "say", "places", "environment", "native", "process"]
    broken = [
        f"backoffice/launch/{name}.py:{line}: {module}"
        for name in first
        for line, module in module_level_imports(ROOT / "backoffice" / "launch" / f"{name}.py")
        if module.partition(".")[0] not in sys.stdlib_module_names
        and module.split(".")[:3] not in [["backoffice", "launch", n] for n in first]
    ]

    assert not broken, "\n".join(broken)


def module_level_imports(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return imports(ast.Module(tree.body, []), dotted(path)[:-1])


def test_every_module_has_a_name_that_says_what_it_holds() -> None:
    assert not [str(path.relative_to(ROOT)) for _, path in everything() if path.stem in NAMELESS]


def test_no_model_orders_its_rows_behind_the_readers_back() -> None:
    assert not [
        model._meta.label for model in apps.get_models() if model._meta.app_label in FLOORS and model._meta.ordering
    ]


@pytest.mark.parametrize(
    ("app", "source"),
    [
        ("finance", "from logistics.models import Order"),
        ("logistics", "from hr.services import payroll"),
        ("logistics", "def later():\n    import kpis.services.facts"),
        ("logistics", "from finance.views import invoices"),
        ("core", "from backoffice import urls"),
        ("core", "from finance.models import Payment"),
        ("kpis", "from backoffice.launch import servers"),
    ],
)
def test_a_broken_floor_is_found(app: str, source: str) -> None:
    found = list(imports(ast.parse(source), [app]))

    assert broken_floors(app, found)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("models", "from .services import orders"),
        ("services", "from ..views import orders"),
        ("selectors", "from .tasks import import_orders"),
    ],
)
def test_a_broken_layer_is_found(room: str, source: str) -> None:
    package = ["logistics", "services"] if source.startswith("from ..") else ["logistics"]

    assert broken_layers("logistics", room, list(imports(ast.parse(source), package)))
