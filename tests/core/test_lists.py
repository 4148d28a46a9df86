import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from backoffice.core import jobs, lists
from backoffice.core.lists import export
from backoffice.core.lists.cursor import BadCursor, Ordering
from backoffice.core.models import AuditEntry, HeldFilter, Job, ListPreference, Party, SavedView, StoredFile, Task, User
from tests.core.list_urls import Everything
from tests.factories.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.list_urls")]
URL = "/test-parties/"


@pytest.fixture
def clerk() -> User:
    return person("finance_clerk", language="en")


@pytest.fixture
def client(clerk: User) -> Client:
    client = Client()
    client.force_login(clerk)
    return client


def parties(count: int, **values: object) -> list[Party]:
    return Party.objects.bulk_create(
        [Party(**{"name": f"Party {i:05d}", "version": i, **values}) for i in range(count)]
    )


def names(response) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', response.content.decode())


def link(response, rel: str) -> str | None:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', response.content.decode())
    return URL + unescape(found[1]) if found else None


def walk(client: Client, url: str, rel: str = "next") -> list[list[str]]:
    pages = []
    while url:
        response = client.get(url)
        pages.append(names(response))
        url = link(response, rel)
    return pages


def test_pages_forwards_and_backwards_show_every_row_once(client):
    parties(35, name="Same name")
    parties(7)

    pages = walk(client, URL + "?order=-name")
    last = client.get(URL + "?order=-name")
    while link(last, "next"):
        last = client.get(link(last, "next"))
    back = walk(client, last.request["PATH_INFO"] + "?" + last.request["QUERY_STRING"], "prev")

    assert sum(map(len, pages)) == 42
    assert [len(page) for page in pages] == [10, 10, 10, 10, 2]
    assert back[::-1] == pages


@pytest.mark.parametrize("descending", [False, True])
def test_rows_without_a_value_come_last_in_both_directions_and_are_paged(descending):
    asker = person()
    due = [None, date(2026, 1, 1), None, date(2025, 1, 1), date(2026, 1, 1), None, date(2024, 5, 5)]
    Task.objects.bulk_create(
        [Task(title=str(i), assignee=asker, asked_by=asker, due_on=day) for i, day in enumerate(due)]
    )
    ordering = Ordering(Task.objects.all(), ("due_on",), descending=descending)
    everything = list(Task.objects.order_by(*ordering.order_by()))

    seen, after = [], ""
    while after is not None:
        part = ordering.page(Task.objects.all(), 2, after=after)
        seen, after = seen + part.rows, part.after
    back, before = [], part.before
    while before is not None:
        part = ordering.page(Task.objects.all(), 2, before=before)
        back, before = part.rows + back, part.before

    assert seen == everything
    assert [task.due_on for task in seen[-3:]] == [None, None, None]
    assert back == everything[: len(back)]
    assert len(back) == 6


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "bnVsbA",
        "W10",
        "WyJhIiwibiJd",
        "WyJhIiwxZTQwMF0",
        "WyJhXHUwMDAwIiwxXQ",
        "WyJhIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ",
        "WyJhIixudWxsXQ",
    ],
)
def test_a_cursor_of_the_wrong_shape_is_a_bad_request(client, cursor):
    assert client.get(URL, {"after": cursor}).status_code == 400


@given(text=st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text):
    ordering = Ordering(Party.objects.all(), ("created_at",), descending=False)
    try:
        ordering._decode(text)
    except BadCursor:
        return
    raise AssertionError(text)


@pytest.mark.parametrize(
    "query",
    [
        "foo=1",
        "name__startswith=a",
        "_connector=OR",
        "tax_id=52998224725",
        "order=tax_id",
        "order=name;drop",
        "order=--name",
        "order=name&order=-name",
        "created_at__gte=2020-01-01",
    ],
)
def test_what_the_list_does_not_know_is_a_bad_request(client, query):
    assert client.get(f"{URL}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["kind=alien", "created_from=yesterdayish", "worth_min=abc", "created_from=9999999-1-1"]
)
def test_a_value_that_cannot_be_read_shows_no_rows_and_says_so(client, query):
    parties(1)

    response = client.get(f"{URL}?{query}")

    assert response.status_code == 422
    assert not names(response)
    assert "There is a problem" in response.content.decode()


@pytest.mark.parametrize(
    "text", ["%", "_", "\\", "'", "\x00", "\ud800".encode("utf-8", "surrogatepass"), "a" * 300, "{{x}}"]
)
def test_odd_search_texts_find_nothing_and_break_nothing(client, text):
    parties(1)

    assert client.get(URL, {"q": text}).status_code in (200, 400)


def test_search_ignores_capitals_and_accents(client):
    Party.objects.create(name="João Conceição")
    Party.objects.create(name="Maria")

    assert names(client.get(URL, {"q": "CONCEICAO joao"})) == ["João Conceição"]


@pytest.mark.parametrize("order", ["name", "-name", "version", "-version"])
def test_what_a_search_finds_is_paged_in_the_order_asked_for(client, order):
    for i in range(25):
        parties(1, name=f"Found {i * 7 % 25:02d}", version=i % 3)
    parties(3)

    pages = walk(client, f"{URL}?q=found&order={order}")

    found = Party.objects.filter(name__startswith="Found")
    down = order.startswith("-")
    expected = found.order_by(order, "-pk" if down else "pk").values_list("name", flat=True)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [name for page in pages for name in page] == list(expected)


def test_a_search_that_surely_finds_many_is_not_counted_unless_asked_or_filtered(client, monkeypatch):
    parties(3, kind="person")
    monkeypatch.setattr(Everything, "abounds", lambda page, text: text == "party")

    def count(query: str) -> str:
        return re.search(r'class="pager-count">([^<]+?) ?[·<]', client.get(URL + query).content.decode())[1]

    assert count("?q=party") == "more than 1,000 rows"
    assert count("?q=part") == "3 rows"
    assert count("?q=party&kind=person") == "3 rows"
    assert count("?q=party&count=exact") == "3 rows"


def test_the_whole_page_asks_the_same_few_questions_for_one_row_and_for_fifty(client, django_assert_max_num_queries):
    parties(1)
    client.get(URL)  # what is asked once per process
    with django_assert_max_num_queries(10) as few:
        client.get(URL)
    parties(50)
    with django_assert_max_num_queries(10) as many:
        client.get(URL)

    assert len(few) == len(many)


def test_a_small_list_is_counted_and_added_up_and_a_large_one_on_request(client):
    parties(1001)

    capped = client.get(URL).content.decode()
    exact = client.get(URL, {"count": "exact"}).content.decode()

    assert "more than 1,000 rows" in capped
    assert "<tfoot>" not in capped
    assert "1,001 rows" in exact
    assert "500,500" in exact


def test_periods_hold_whole_local_days_and_instants_exactly(client):
    for hour in (2, 3):  # 23:00 of 31 December and 00:00 of 1 January in São Paulo
        Party.objects.create(name=f"{hour}", created_at=datetime(2026, 1, 1, hour, tzinfo=UTC))

    assert names(client.get(URL, {"created_from": "2026-01-01", "created_to": "2026-01-01"})) == ["3"]
    assert names(client.get(URL, {"created_to": "2025-12-31"})) == ["2"]
    assert names(
        client.get(URL, {"created_from": "2025-12-31T23:00:00-03:00", "created_to": "2026-01-01T00:00:00-03:00"})
    ) == ["2"]


def test_amounts_in_an_address_mean_the_same_in_every_language(client, clerk):
    parties(3)
    User.objects.filter(pk=clerk.pk).update(language="pt-br")

    typed = client.get(URL, {"worth_min": "2,00"})

    assert typed.status_code == 302
    assert "worth_min=2.00" in typed["Location"]
    User.objects.filter(pk=clerk.pk).update(language="en")
    assert names(client.get(URL + typed["Location"])) == ["Party 00002"]


def test_what_one_reader_filtered_by_is_not_filled_in_for_the_next(client, clerk):
    def fields(query: str = "") -> str:
        page = client.get(URL + query).content.decode()
        return re.search(r'(?s)<div class="menu filter-menu">(.*?)class="form-actions"', page)[1]

    parties(1)
    empty = fields()
    filled = fields("?kind=person&worth_min=1.00")
    again = fields()
    clerk.language = "pt-br"
    clerk.save()

    assert 'value="person" selected' in filled
    assert 'value="1.00"' in filled
    assert 'value="person"' in empty
    assert 'value="person" selected' not in empty
    assert again == empty
    assert "optional" in empty
    assert "opcional" in fields()


def test_conditions_read_as_a_sentence_and_each_can_be_taken_away(client):
    parties(2)

    page = client.get(URL, {"kind": "person", "q": "party"}).content.decode()

    assert re.search(r"Kind is</span> <b>Person</b>", page)
    assert 'href="?q=party"' in page


def test_a_sensitive_value_is_held_for_its_person_and_never_stands_in_an_address(client):
    Party.objects.create(name="Ana", tax_id="52998224725")
    parties(1)

    answer = client.post(URL, {"do": "filter", "tax_id": "52998224725", "kind": "person"})
    shown = client.get(answer["Location"])

    assert "52998224725" not in answer["Location"]
    assert names(shown) == ["Ana"]
    assert "52998224725" not in "".join(re.findall(r'(?:href|action)="[^"]*"', shown.content.decode()))
    stranger = Client()
    stranger.force_login(person("finance_clerk"))
    assert stranger.get(answer["Location"]).status_code == 404


def test_a_search_that_looks_like_a_cpf_is_held_and_a_name_is_not(client):
    by_number = client.post(URL, {"do": "filter", "q": "529.982.247-25"})
    by_name = client.post(URL, {"do": "filter", "q": "Ana"})

    assert "held=" in by_number["Location"]
    assert "529" not in by_number["Location"]
    assert by_name["Location"] == URL + "?q=Ana"
    assert HeldFilter.objects.count() == 1


def test_columns_order_and_density_are_kept_for_the_person(client, clerk):
    parties(1)

    client.post(
        URL,
        {
            "do": "columns",
            "column": ["name", "email", "version", "bogus"],
            "place-email": "3",
            "place-version": "2",
            "place-name": "1",
            "density": "roomy",
        },
    )

    assert ListPreference.objects.get(user=clerk).columns == ["name", "version", "email"]
    page = client.get(URL).content.decode()
    assert re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<]+)', page) == ["Name", "Worth", "E-mail"]
    assert 'class="table roomy"' in page


def test_a_column_is_shown_and_exported_only_to_who_may_see_it(client):
    Party.objects.create(name="Ana", tax_id="52998224725")
    reader = Client()
    reader.force_login(person("logistics_clerk"))

    assert "52998224725" in client.get(URL).content.decode()
    assert "52998224725" not in reader.get(URL).content.decode()
    assert reader.post(URL, {"do": "export", "format": "csv"}).status_code == 403


def test_a_view_keeps_known_conditions_only_and_opens_the_list_when_it_is_the_default(client, clerk):
    parties(3)
    address = f"{URL}?kind=person&order=-version&count=exact"

    client.post(address, {"do": "save-view", "name": "Mine", "default": "on", "shared": "on"})

    view = SavedView.objects.get()
    assert view.query == "kind=person&order=-version"
    opened = client.get(URL)
    assert opened["Location"] == f"?kind=person&order=-version&view={view.pk}"
    assert client.get(URL + opened["Location"]).status_code == 200
    colleague = Client()
    colleague.force_login(person("finance_clerk"))
    assert colleague.get(URL).status_code == 200
    assert "Mine" in colleague.get(URL).content.decode()
    assert colleague.post(URL, {"do": "drop-view", "view": view.pk}).status_code == 404


def test_a_stored_view_with_a_key_the_list_lost_still_opens(client, clerk):
    parties(1)
    view = SavedView.objects.create(list_key="test.parties", name="Old", owner=clerk, query="gone=1&kind=person")

    page = unescape(client.get(URL).content.decode())

    assert f"?kind=person&view={view.pk}" in page
    assert "gone=1" not in page


def test_the_three_kinds_of_nothing_are_told_apart(client):
    assert "Nothing here yet." in client.get(URL).content.decode()
    parties(1)
    assert "Nothing matches these filters." in client.get(URL, {"q": "zzz"}).content.decode()


def test_an_address_for_a_number_carries_known_keys_only():
    url = lists.url_for("test.parties", kind="person", created_from=date(2026, 1, 1), exact=True)

    assert url == URL + "?kind=person&created_from=2026-01-01&count=exact"
    with pytest.raises(lists.UnknownFilter):
        lists.url_for("test.parties", name="x")
    with pytest.raises(lists.UnknownFilter):
        lists.url_for("test.parties", tax_id="52998224725")


# many rows at once


def test_many_rows_are_tried_before_they_are_changed(client):
    fit = parties(3, phone="open")
    parties(2, phone="locked")

    tried = client.post(URL, {"do": "bulk", "bulk": "rename", "scope": "all"}).content.decode()

    assert "<b>3</b> rows will be changed" in tried
    assert "<b>2</b> rows are refused" in tried
    assert "Locked." in tried
    assert not Party.objects.filter(name="New").exists()
    key = re.search(r'name="once" value="([^"]+)"', tried)[1]
    sent = {"do": "bulk", "bulk": "rename", "scope": "all", "confirmed": "yes", "name": "New", "once": key}
    assert client.post(URL, sent).status_code == 302
    assert set(Party.objects.filter(name="New")) == set(fit)
    Party.objects.update(name="Old")
    client.post(URL, sent)
    assert not Party.objects.filter(name="New").exists()


def test_picked_rows_outside_the_filtered_set_are_left_alone(client):
    person_, firm = Party.objects.create(name="P"), Party.objects.create(name="F", kind="organisation")

    client.post(
        URL + "?kind=person",
        {"do": "bulk", "bulk": "rename", "pick": [person_.pk, firm.pk], "confirmed": "yes", "name": "New"},
    )

    assert list(Party.objects.filter(name="New")) == [person_]


def test_an_act_asks_its_own_right(client):
    row = parties(1)[0]
    reader = Client()
    reader.force_login(person("director"))

    answer = reader.post(URL, {"do": "bulk", "bulk": "rename", "pick": row.pk, "confirmed": "yes", "name": "New"})

    assert answer.status_code == 403
    assert client.post(URL, {"do": "bulk", "bulk": "rename", "pick": "x"}).status_code == 400


def run_job(job: Job) -> dict:
    class Now(jobs.Quiet):
        pass

    work = Now()
    work.job = job
    kind = jobs.kinds()[job.kind]
    return kind.run(work, **kind.arguments(job.args))


def test_more_than_five_hundred_rows_are_a_job(client, clerk):
    parties(501, phone="open")
    parties(1, phone="locked")

    client.post(URL, {"do": "bulk", "bulk": "rename", "scope": "all", "confirmed": "yes", "name": "New"})

    assert not Party.objects.filter(name="New").exists()
    result = run_job(Job.objects.get())
    assert Party.objects.filter(name="New").count() == 501
    assert result["text"] == "501 rows done, 1 refused."


# files


def csv_of(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))


def test_a_file_holds_exactly_the_filtered_rows_in_their_order(client):
    parties(30)
    parties(3, kind="organisation", name="Firm")

    answer = client.post(
        URL + "?kind=organisation&order=-version", {"do": "export", "format": "csv", "style": "machine"}
    )

    rows = csv_of(answer)
    assert rows[0] == ["name", "version", "created_at", "tax_id"]
    assert [row[:2] for row in rows[1:]] == [["Firm", "2"], ["Firm", "1"], ["Firm", "0"]]
    entry = AuditEntry.objects.get(action="core.list_exported")
    assert (entry.data["rows"], entry.data["query"]) == (3, "kind=organisation&order=-version")


def test_a_held_value_finds_its_way_into_the_file_and_not_into_the_trail(client):
    Party.objects.create(name="Ana", tax_id="52998224725")
    parties(2)
    location = client.post(URL, {"do": "filter", "tax_id": "52998224725"})["Location"]

    rows = csv_of(client.post(location, {"do": "export", "format": "csv"}))

    assert [row[0] for row in rows[1:]] == ["Ana"]
    assert "52998224725" not in str(AuditEntry.objects.get(action="core.list_exported").data)


def test_a_file_for_a_reader_speaks_their_language(client, clerk):
    User.objects.filter(pk=clerk.pk).update(language="pt-br")
    Party.objects.create(name="Ana", version=1234, created_at=datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC))

    rows = csv_of(client.post(URL, {"do": "export", "format": "csv", "style": "reader"}))

    assert rows[1][:3] == ["Ana", "1234", "02/03/2026 12:04:05"]


FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "a;=1+1",
    'a"=1+1',
    "  =1",
    "＝1",
    "x,=1",
    "a\n=cmd",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_cell_begins_a_formula_under_any_separator(text):
    safe = export.safe_text(text)

    for piece in re.split('[;,\t|\r\n"]', safe):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", piece), safe


@given(text=st.text("=+-@\t\r\n;,\"' a1", max_size=12))
def test_no_mixture_of_signs_gets_through(text):
    for piece in re.split('[;,\t|\r\n"]', export.safe_text(text)):
        assert not re.match(r"[ ]*[=+\-@]", piece)


def test_negative_numbers_stay_numbers():
    column = lists.Column("x", "X", kind="money")

    assert export.as_text(-5, column, "machine", "en") == "-5"
    assert export.as_text(Decimal("-1234.50"), column, "reader", "pt-br") == "-1234,50"


def test_a_sheet_holds_typed_cells_and_no_formula(client, tmp_path: Path):
    Party.objects.create(name="=1+1", version=7)

    answer = client.post(URL, {"do": "export", "format": "xlsx"})

    (tmp_path / "list.xlsx").write_bytes(answer.content)
    sheet = load_workbook(tmp_path / "list.xlsx").active
    assert [cell.value for cell in sheet[1]] == ["Name", "Worth", "Since", "CPF"]
    assert (sheet["A2"].value, sheet["A2"].data_type, sheet["B2"].value) == ("=1+1", "s", 7)


def test_a_large_file_is_a_job_and_waits_for_its_person_only(client, clerk, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    parties(5001)

    answer = client.post(URL + "?order=-name", {"do": "export", "format": "csv"})

    job = Job.objects.get()
    assert answer["Location"].endswith(f"/{job.pk}/")
    job.result = run_job(job)
    job.save()
    file = client.get(job.result["url"])
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert len(lines) == 5002
    assert lines[1].startswith("Party 05000")
    stranger = Client()
    stranger.force_login(person("finance_clerk"))
    assert stranger.get(job.result["url"]).status_code == 404
    StoredFile.objects.update(stored_by=clerk)
    Job.objects.update(kind="other")
    assert client.get(job.result["url"]).status_code == 404


def test_headings_say_how_the_list_is_ordered(client):
    parties(2)

    page = client.get(URL + "?order=-version").content.decode()

    assert re.search(r'aria-sort="descending"><a href="\?order=version">Worth</a>', page)
    assert len(re.findall("aria-sort", page)) == 1


def test_dates_are_written_as_the_reader_writes_them():
    from backoffice.core.lists.filters import in_words

    with translation.override("pt-br"):
        assert in_words(date(2026, 3, 2)) == "02/03/2026"
        assert in_words(timezone.now() - timedelta(days=1)).count("/") == 2


def test_a_queue_opens_with_what_is_open_and_shows_everything_on_request(client, clerk):
    Task.objects.create(title="Open one", assignee=clerk, asked_by=clerk)
    Task.objects.create(title="Done one", assignee=clerk, asked_by=clerk, done_at=timezone.now(), done_by=clerk)

    bare = client.get("/tasks/")
    everything = re.search(r'href="(\?[^"]*)"[^>]*>All<', bare.content.decode())[1]

    assert names(bare) == ["Open one"]
    assert sorted(names(client.get("/tasks/" + everything))) == ["Done one", "Open one"]


def test_a_person_takes_personal_data_so_many_times_an_hour_and_says_what_for(client, monkeypatch):
    from backoffice.core.lists import posts

    monkeypatch.setattr(posts, "EXPORTS_AN_HOUR", 1)
    ask = {"do": "export", "format": "csv"}

    assert client.post("/parties/", ask).status_code == 302
    assert client.post("/parties/", {**ask, "reason": "Yearly letter"}).status_code == 200
    assert client.post("/parties/", {**ask, "reason": "Yearly letter"}).status_code == 302
    entry = AuditEntry.objects.get(action="core.list_exported")
    assert entry.data["reason"] == "Yearly letter"
