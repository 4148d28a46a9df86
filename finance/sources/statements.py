"""Bank statements as an import: looked at, asked about, shown, taken, taken back."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from backoffice.core.imports import FileSource
from backoffice.core.jobs import Work
from backoffice.core.models import ImportBatch, User
from backoffice.core.templatetags.display import number
from finance.forms.statements import AccountsForm, ColumnsForm, StatementFilesForm
from finance.models import ParkedLine, Statement
from finance.selectors.statements import Control
from finance.services import (
    bank_accounts,
    statement_check,
    statement_columns,
    statement_twice,
    statement_undo,
    statements,
    unreadable,
)


class Statements(FileSource):
    key = statements.SOURCE
    title = gettext_lazy("Bank statement")
    help = gettext_lazy("OFX, CNAB 240, camt.053, MT940, QIF, CSV or XLSX, also in a zip.")
    right_create = "finance.statement_import.create"
    right_post = "finance.statement_import.post"
    left = gettext_lazy("What was written so far is complete in itself. Write the rest.")
    findings_template = "finance/statements/findings.html"
    question_template = "finance/statements/question.html"
    question_title = gettext_lazy("Question")

    def files_form(self, *args: Any, **kwargs: Any) -> Form:
        return StatementFilesForm(*args, **kwargs)

    def options(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        account = cleaned.get("bank_account")
        said = {"bank_account": account.pk if account else None, "format": cleaned.get("format")}
        return {name: value for name, value in said.items() if value}

    def look(self, batch: ImportBatch, work: Work) -> dict[str, Any]:
        return statement_check.look(batch, work)

    def take(self, batch: ImportBatch, work: Work) -> None:
        statements.take(batch, work)

    def has_begun(self, batch: ImportBatch) -> bool:
        return Statement.objects.filter(batch=batch).exists()

    def take_back(self, cursor: Any, batch: ImportBatch, by: User | None) -> int:
        return statement_undo.take_back(batch, by=by)

    def undo_words(self, batch: ImportBatch) -> str:
        lines = batch.counts.get("create", 0)
        words = [
            ngettext(
                "%(n)s line leaves the bank account, and the entries that brought it are reversed.",
                "%(n)s lines leave the bank account, and the entries that brought them are reversed.",
                lines,
            )
            % {"n": number(lines)}
        ]
        if shared := statement_undo.shared_lines(batch):
            words.append(
                _("Up to %(n)s of them stood in a later file too; import that file again afterwards.")
                % {"n": number(shared)}
            )
        return " ".join(words)

    def question(self, batch: ImportBatch, user: User, data: Any = None) -> Form:
        if "headings" in batch.preview[0]:
            return ColumnsForm(batch, data)
        return AccountsForm(batch, data, may_open=user.may("finance.bank_account.create"))

    def answer(self, batch: ImportBatch, form: Form, by: User) -> dict[str, Any]:
        mapping: dict[str, Any] = batch.mapping
        if isinstance(form, ColumnsForm):
            statement_columns.remember(self, form.headings, form.chosen(), by)
            return mapping
        assert isinstance(form, AccountsForm)
        chosen = dict(batch.mapping.get("accounts", {}))
        for asked, account, facts in form.answers():
            if facts:
                account = bank_accounts.open_account(by=by, **facts).pk
            chosen[asked["key"]] = account
        return mapping | {"accounts": chosen}

    def findings(self, batch: ImportBatch) -> dict[str, Any]:
        counts = batch.counts
        here = reverse("import", args=[batch.pk])
        fresh = any(part["is_fresh"] for part in counts.get("parts", []))
        return {
            "numbers": [
                {"label": _("New lines"), "value": counts["create"], "tone": "good" if counts["create"] else "quiet"},
                {"label": _("Known already"), "value": counts["skip"], "tone": "quiet"},
                {
                    "label": pgettext("lines", "Set aside"),
                    "value": counts["parked"],
                    "tone": "info" if counts["parked"] else "quiet",
                    "url": f"{here}#set-aside" if counts["parked"] else "",
                    "link": _("see which"),
                },
                {
                    "label": _("Unreadable"),
                    "value": counts["error"],
                    "tone": "wrong" if counts["error"] else "quiet",
                    "url": f"{here}#set-aside" if counts["error"] else "",
                    "link": _("see why"),
                },
            ],
            "parts": [_shown(part, sheet) for part, sheet in zip(counts.get("parts", []), batch.preview, strict=False)],
            "warnings": [_filled(each) for each in counts.get("warnings", [])],
            "obstacles": counts.get("obstacles", []),
            "aside": [
                line
                | {
                    "why": _filled(line["words"]) or str(ParkedLine.Reason(line["reason"]).label),
                    "day": _day(line["on"]),
                    "money": _amount(line["amount"]),
                }
                for line in counts.get("parked_lines", [])
            ],
            "has_failures": counts["error"] > 0,
            "aside_count": counts["parked"] + counts["error"],
            "to_write": int(fresh and not counts.get("obstacles")),
            "is_fresh": fresh,
            "verb": self._verb(counts["create"]),
            "confirm_words": _("I have compared the lines: they are not in the books yet."),
            "statements": list(Statement.objects.filter(batch=batch).select_related("bank_account").order_by("part")),
            "can_undo": counts["create"] > 0 or Statement.objects.filter(batch=batch).exists(),
        }

    def _verb(self, new: int) -> str:
        if not new:
            return _("Keep the statement")
        return ngettext("Take %(n)s line in", "Take %(n)s lines in", new) % {"n": number(new)}

    def result_url(self, batch: ImportBatch) -> str:
        ours = list(Statement.objects.filter(batch=batch).order_by("part").values_list("pk", flat=True)[:2])
        if len(ours) == 1:
            return reverse("finance:statement", args=[ours[0]])
        return reverse("finance:statements") + f"?batch={batch.pk}" if ours else ""

    def failures_file(self, batch: ImportBatch) -> tuple[str, bytes] | None:
        return unreadable.as_file(batch)


def _shown(part: dict[str, Any], sheet: dict[str, Any]) -> dict[str, Any]:
    """A part as counted, with its dates and amounts as such again."""
    opening, closing = _amount(part["opening"]), _amount(part["closing"])
    totals = Control(opening, part["opening_is_derived"], Decimal(part["sum"]), closing, _amount(part["difference"]))
    sample = [line | {"day": _day(line["on"]), "money": Decimal(line["amount"])} for line in sheet["sample"]]
    told = [_filled(each) for each in part["warnings"]]
    dates: dict[str, Any] = {"starts": _day(part["starts_on"]), "ends": _day(part["ends_on"])}
    dates |= {"twice": _twice(part.get("twice")), "agreed": ""}
    if closing is not None and part.get("is_agreed"):
        dates["agreed"] = statement_check.agreed_words(closing, dates["ends"])
    return part | dates | {"control": totals, "sample": sample, "told": told}


def _twice(kept: dict[str, Any] | None) -> str:
    """What seems to be in the books already, in the reader's language."""
    if not kept:
        return ""
    days = {name: date.fromisoformat(kept[name]) for name in ("first", "last")}
    return statement_twice.words(statement_twice.Twice(**(kept | days)))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _filled(words: dict[str, Any]) -> str:
    return unreadable.sentence(words)
