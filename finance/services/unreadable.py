"""What could not be read, as a file: where it stood, why, and what stood there."""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _

from backoffice.core.imports.failures import harmless
from backoffice.core.models import ImportBatch
from finance.models import ParkedLine


def sentence(words: dict[str, Any]) -> str:
    """A reason as kept, `{"text": msgid, "data": {…}}`, in the reader's language."""
    text: str = words.get("text", "")
    if not text:
        return ""
    try:
        return str(_(text) % words.get("data", {}))
    except (ValueError, KeyError, TypeError):  # a reader's sentence with a stray percent sign
        return _(text)


def as_file(batch: ImportBatch) -> tuple[str, bytes] | None:
    """A CSV of the unreadable lines; None when there is none. Before the import is written: those the check kept."""
    kept = ParkedLine.objects.filter(batch=batch, reason=ParkedLine.Reason.UNREADABLE).order_by("pk")
    rows: Iterator[tuple[str, dict[str, Any], str]] = ((line.place, line.words, line.text) for line in kept.iterator())
    first = next(rows, None)
    if first is None:
        told = batch.counts.get("parked_lines", [])
        rows = ((line["place"], line["words"], line["text"]) for line in told if line["reason"] == "unreadable")
        first = next(rows, None)
    if first is None:
        return None
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([_("Where"), _("Reason"), _("As it stood")])
    for place, words, stood in chain([first], rows):
        writer.writerow([harmless(place), harmless(sentence(words)), harmless(stood)])
    return f"import-{batch.pk}-unreadable.csv", text.getvalue().encode("utf-8-sig")
