"""The command: one JSON object, exit status 2 for a refusal, no database, no servers."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.launch.commands import needs_no_server

FILES = Path(__file__).parent.parent / "files"


def answer(*words: str) -> dict[str, object]:
    out = StringIO()
    call_command("read_statement", *words, "--json", stdout=out)
    last: dict[str, object] = json.loads(out.getvalue().splitlines()[-1])
    return last


def test_a_statement_as_one_json_object_with_money_as_text() -> None:
    said = answer(str(FILES / "bb.csv"))
    assert said["format"] == "csv"
    assert said["totals"] == {"lines": 2, "sum": "304.90", "parked": 2, "quarantined": 0}
    assert (said["quarantined"], said["warnings"]) == ([], [])
    account = said["accounts"][0]  # type: ignore[index]
    assert (account["opening"], account["closing"]) == ("1000.00", "1304.90")
    line = account["lines"][0]
    assert (line["date"], line["amount"], line["text"], line["reference"]) == (
        "2024-01-02",
        "350.00",
        "Pix - Recebido",
        "20412",
    )
    assert [each["parked"] for each in account["parked"]] == ["balance", "balance"]


def test_bad_lines_warnings_and_the_asked_format_are_told(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text("Quando;Quanto\n01/02/2024;abc1\n")
    said = answer(str(file), "--as", "csv", "--mapping", '{"date": "Quando", "amount": "Quanto"}')
    assert said["quarantined"] == [
        {"where": "line 2", "reason": "The amount “abc1” cannot be read.", "raw": "01/02/2024;abc1"}
    ]


def test_a_refusal_is_json_and_status_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.pdf"
    file.write_bytes(b"%PDF-1.7")
    out = StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("read_statement", str(file), "--json", stdout=out)
    assert leaving.value.code == 2
    assert "PDF" in json.loads(out.getvalue())["refused"]
    with pytest.raises(CommandError) as problem:
        call_command("read_statement", str(file))
    assert problem.value.returncode == 2


def test_people_get_a_summary() -> None:
    out = StringIO()
    call_command("read_statement", str(FILES / "bb.csv"), stdout=out)
    assert "2 lines, 304.90; opening 1000.00, closing 1304.90" in out.getvalue()


def test_no_server_is_started_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "backoffice.settings.dev")
    assert needs_no_server(["manage.py", "read_statement", "x.ofx", "--json"])
