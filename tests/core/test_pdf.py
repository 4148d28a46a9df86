"""Paper needs a library of the machine; where it is missing, the work ends and says so."""

import builtins
from typing import Any

import pytest

from backoffice.core import jobs, pdf


def test_a_machine_without_pango_ends_the_work_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return ordinary(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(jobs.Unworkable, match=r"libpangoft2-1\.0-0"):
        pdf.render("kpis/sheet.html", {})
