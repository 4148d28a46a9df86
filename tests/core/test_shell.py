"""The frame: menu by right, language and theme without script, pages of trouble, weight on the wire."""

import gzip
import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from backoffice.core import pdf, shell
from backoffice.core.models import Company, User
from tests.factories.people import person

CSS = Path(settings.BASE_DIR, "static", "css")
JS = Path(settings.BASE_DIR, "static", "js")
TEMPLATES = Path(settings.BASE_DIR, "templates")


@pytest.fixture
def clerk(db: None) -> User:
    return person("logistics_clerk", name="Ana Prado")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_doors", {})


def zipped(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes())) for path in paths)


def test_styles_and_scripts_stay_light():
    htmx = finders.find("django_htmx/htmx-2.min.js")

    assert zipped(list(CSS.glob("*.css"))) < 20_000
    assert zipped([*JS.glob("*.js"), Path(str(htmx))]) < 30_000


def test_templates_carry_no_style_and_no_handler():
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"""\sstyle=["']""", text), path
        assert not re.search(r"""\son[a-z]+=["']""", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert path.parts[-2] == "print" or "<style" not in text, path


def test_colours_are_named_once_and_used_by_name():
    for path in CSS.glob("*.css"):
        if path.name != "tokens.css":
            loose = re.findall(r"#[0-9a-f]{3,8}\b(?!\w*:)|rgb\(|hsl\(", path.read_text())
            assert set(loose) <= {"#fff"}, path


def test_the_menu_shows_only_what_opens(clerk, door):
    shell.register_nav("logistics", "Orders", "help", "logistics.order.read", "package", 10)
    shell.register_nav("hr", "Pay", "home", "kpis.hr.read", "users", 10)

    departments = shell.navigation(clerk, "/help/")

    assert [department.key for department in departments] == ["logistics"]
    assert departments[0].links[0].current


def test_the_longest_address_is_the_current_one(clerk, door):
    shell.register_nav("home", "Start", "home", None, "house", 10)
    shell.register_nav("office", "Help", "help", None, "info", 20)

    departments = shell.navigation(clerk, "/help/keys/")

    assert [link.label for department in departments for link in department.links if link.current] == ["Help"]


def test_a_department_that_does_not_exist_is_refused_at_start(door):
    with pytest.raises(ValueError, match="no department"):
        shell.register_nav("moon", "X", "home", None, "moon")


def test_every_page_has_one_h1_a_skip_link_and_its_landmarks(clerk, client):
    client.force_login(clerk)

    page = client.get(reverse("help")).content.decode()

    assert page.count("<h1") == 1
    assert page.index('class="skip"') < page.index("<nav")
    assert page.count("<main") == 1


def test_the_theme_is_in_the_first_byte_and_remembered(clerk, client):
    client.force_login(clerk)

    client.post(reverse("theme"), {"theme": "dark", "next": "/help/"})

    clerk.refresh_from_db()
    assert clerk.theme == "dark"
    assert 'data-theme="dark"' in client.get("/help/").content.decode()[:200]
    stranger = Client()
    stranger.cookies["theme"] = client.cookies["theme"].value
    assert 'data-theme="dark"' in stranger.get(reverse("account_login")).content.decode()[:200]


def test_the_language_changes_without_script_and_html_says_so(clerk, client):
    client.force_login(clerk)

    answer = client.post(reverse("language"), {"language": "pt-br", "next": "/help/"})

    assert answer.url == "/help/"
    assert '<html lang="pt-BR"' in client.get("/help/").content.decode()


def test_a_choice_that_does_not_exist_changes_nothing(clerk, client):
    client.force_login(clerk)

    client.post(reverse("theme"), {"theme": "neon"})
    client.post(reverse("language"), {"language": "xx"})

    clerk.refresh_from_db()
    assert (clerk.theme, clerk.language) == ("system", "")


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_a_choice_never_leads_to_another_host(db, client, target):
    assert client.post(reverse("theme"), {"theme": "dark", "next": target}).url == "/"


def test_shortcuts_can_be_turned_off(clerk, client):
    client.force_login(clerk)
    assert "data-shortcuts" in client.get("/help/").content.decode()

    client.post(reverse("shortcuts"), {"shortcuts": "off"})

    assert "data-shortcuts" not in client.get("/help/").content.decode()


def test_the_company_stands_in_every_title(clerk, client):
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Aurora Ltda", "trade_name": "Casa Aurora"})
    client.force_login(clerk)

    assert "· Casa Aurora</title>" in client.get("/help/").content.decode()


def test_htmx_keeps_no_pages_and_runs_no_text(clerk, client):
    client.force_login(clerk)

    page = client.get("/help/").content.decode()

    config = json.loads(re.search(r"name=\"htmx-config\" content='([^']+)'", page)[1])
    assert config["historyCacheSize"] == 0
    assert not config["allowEval"]
    assert not config["allowScriptTags"]
    assert not config["includeIndicatorStyles"]


def test_a_closed_door_names_the_roles_that_open_it(clerk):
    client = Client()
    client.force_login(clerk)

    answer = client.get(reverse("people"))

    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Administrator" in page
    assert "core.person.read" in page


@pytest.mark.django_db
@pytest.mark.parametrize(("demo", "status"), [(True, 200), (False, 404)])
def test_the_samples_of_design_are_shown_with_demo_data_only(settings, demo, status):
    settings.DEMO = demo
    client = Client()
    client.force_login(person("admin"))

    assert client.get(reverse("design")).status_code == status


@pytest.mark.parametrize("code", ["400", "413", "429", "500", "503", "csrf"])
def test_pages_of_trouble_need_no_database(code):
    page = render_to_string(f"errors/{code}.html", {"incident": "c0ffee"})

    assert "<h1>" in page
    assert "c0ffee" in page


def test_paper_takes_data_addresses_and_fetches_nothing_else(db, tmp_path, monkeypatch):
    (tmp_path / "style.css").write_text("h1 { break-before: page }")
    sheet = (
        f'<link rel="stylesheet" href="file://{tmp_path}/style.css">'
        '<link rel="stylesheet" href="data:text/css,h2{break-before:page}"><p>a</p><h1>b</h1><h2>c</h2>'
    )
    monkeypatch.setattr(pdf, "render_to_string", lambda name, context=None: sheet if context else "")

    content = pdf.render("sheet.html", {})

    assert len(PdfReader(BytesIO(content)).pages) == 2
