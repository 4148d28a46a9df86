"""Forms of bank accounts and statements: the files, whose account a file is, an account, a line taken in by hand."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.forms import DateField, Form, ModelForm
from backoffice.core.import_forms import FilesForm, ManyFilesField
from backoffice.core.models import ImportBatch
from backoffice.core.templatetags.display import day, money, number
from finance.models import BankAccount
from finance.services import bank_accounts

NEW, LEAVE_OUT = "new", "0"
ACCEPT = ".ofx,.ofc,.qfx,.csv,.txt,.tsv,.xlsx,.xml,.ret,.cnab,.sta,.mt940,.940,.qif,.zip"
FORMATS = [
    ("", gettext_lazy("By its content")),
    ("ofx", "OFX"),
    ("cnab240", "CNAB 240"),
    ("camt053", "camt.053"),
    ("camt054", "camt.054"),
    ("mt940", "MT940"),
    ("qif", "QIF"),
    ("csv", "CSV"),
    ("xlsx", "XLSX"),
]


def active_accounts() -> Any:
    return BankAccount.objects.filter(is_active=True).order_by("name")


class StatementFilesForm(FilesForm):
    uploads = ManyFilesField(
        label=gettext_lazy("Choose or drop statement files"),
        help_text=gettext_lazy("As the bank gives them: OFX, CNAB 240, camt.053, MT940, QIF, CSV, XLSX, also zipped."),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty.")},
        max_length=255,
    )
    bank_account = forms.ModelChoiceField(
        label=gettext_lazy("Bank account, if the file does not say it"),
        queryset=BankAccount.objects.none(),
        required=False,
        empty_label=gettext_lazy("Recognised by the file"),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Read as"),
        choices=FORMATS,
        required=False,
        help_text=gettext_lazy("Only when the format is not recognised."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bank_account"].queryset = active_accounts()  # type: ignore[attr-defined]
        self.fields["uploads"].widget.attrs["accept"] = ACCEPT


class AccountsForm(forms.Form):
    """Which bank account each part of a file is, where the file alone does not tell."""

    title = gettext_lazy("Which bank account is it?")
    lead = gettext_lazy("The answer is remembered for later files of the same account.")

    def __init__(self, batch: ImportBatch, data: Any = None, *, may_open: bool) -> None:
        super().__init__(data)
        self.asked: list[dict[str, Any]] = batch.preview
        choices = [("", _("– choose –")), *((str(one.pk), one.name) for one in active_accounts())]
        if may_open:
            choices.append((NEW, _("A new bank account")))
        choices.append((LEAVE_OUT, _("Leave it out of this import")))
        for place, asked in enumerate(self.asked):
            self.fields[f"account_{place}"] = forms.ChoiceField(
                label=asked["name"] or _("The file names no account"),
                choices=choices,
                help_text=self._help(asked),
                error_messages={"required": _("Say which bank account this is.")},
            )
            if may_open:
                self.fields[f"name_{place}"] = forms.CharField(
                    label=_("Name of the new account"), required=False, max_length=80, initial=self._name(asked)
                )

    @staticmethod
    def _help(asked: dict[str, Any]) -> str:
        if not asked["found"]:
            return _("No movement in this part.")
        return _("%(count)s lines from %(first)s to %(last)s, %(sum)s in all.") % {
            "count": number(asked["found"]),
            "first": day(forms.DateField().to_python(asked["first"])),
            "last": day(forms.DateField().to_python(asked["last"])),
            "sum": money(forms.DecimalField().to_python(asked["sum"])),
        }

    @staticmethod
    def _name(asked: dict[str, Any]) -> str:
        return " ".join(piece for piece in (_("Account"), asked["bank"], asked["number"]) if piece)[:80]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        taken: set[str] = set()
        for place in range(len(self.asked)):
            if cleaned.get(f"account_{place}") != NEW:
                continue
            name = cleaned.get(f"name_{place}", "").strip()
            if not name:
                self.add_error(f"name_{place}", _("Give the new account a name."))
            elif name in taken or BankAccount.objects.filter(name=name).exists():
                self.add_error(f"name_{place}", _("Another bank account has this name."))
            taken.add(name)
        return cleaned

    def answers(self) -> Iterator[tuple[dict[str, Any], int, dict[str, Any] | None]]:
        """What was asked, the account chosen (0: leave out), and the facts of one that is to be opened."""
        for place, asked in enumerate(self.asked):
            chosen = self.cleaned_data[f"account_{place}"]
            if chosen != NEW:
                yield asked, int(chosen), None
                continue
            yield (
                asked,
                0,
                {
                    "name": self.cleaned_data[f"name_{place}"].strip(),
                    "kind": asked["kind"] if asked["kind"] in BankAccount.Kind.values else BankAccount.Kind.CHECKING,
                    "bank_code": asked["bank"][:8],
                    "branch": asked["branch"][:10],
                    "number": asked["number"][:34],
                    "currency": asked["currency"][:3].upper(),
                    "aliases": [asked["alias"]] if asked["alias"] else [],
                },
            )


class ColumnsForm(forms.Form):
    """Which column of a table holds what, where its headings do not say it."""

    title = gettext_lazy("Which column holds what?")
    lead = gettext_lazy("The answer is remembered for files with the same headings.")
    ROLES = {
        "date": gettext_lazy("Date"),
        "text": gettext_lazy("Text"),
        "amount": gettext_lazy("Amount, with its sign"),
        "debit": gettext_lazy("Money out"),
        "credit": gettext_lazy("Money in"),
        "payer": gettext_lazy("Other side"),
        "tax_id": gettext_lazy("CPF or CNPJ of the other side"),
        "document": gettext_lazy("Document number"),
        "reference": gettext_lazy("Reference"),
        "balance": gettext_lazy("Balance after the line"),
    }

    def __init__(self, batch: ImportBatch, data: Any = None) -> None:
        super().__init__(data)
        sheet = batch.preview[0]
        self.headings: list[str] = sheet["headings"]
        choices = [("", _("– not in the file –"))]
        for place, heading in enumerate(self.headings):
            found = next((row[place] for row in sheet["raw"] if len(row) > place and row[place]), "")
            name = heading or _("Column %(number)s") % {"number": place + 1}
            choices.append((str(place + 1), f"{name} · {found[:40]}" if found else name))
        for role, label in self.ROLES.items():
            self.fields[role] = forms.ChoiceField(label=label, choices=choices, required=role == "date")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(role) for role in ("amount", "debit", "credit")):
            self.add_error("amount", _("Say which column holds the amounts, or those in and out."))
        taken: set[str] = set()
        for role in self.ROLES:
            place = cleaned.get(role)
            if place and place in taken:
                self.add_error(role, _("This column is chosen twice."))
            taken.add(place or "")
        return cleaned

    def chosen(self) -> dict[str, int]:
        return {role: int(self.cleaned_data[role]) for role in self.ROLES if self.cleaned_data[role]}


class BankAccountForm(ModelForm):
    class Meta:
        model = BankAccount
        fields = ["name", "kind", "bank_code", "branch", "number", "currency", "is_active"]
        help_texts = {
            "bank_code": gettext_lazy("Three digits, as 001 or 341; of a bank abroad, its BIC."),
            "number": gettext_lazy("With its check digit. Statement files are recognised by it."),
            "currency": gettext_lazy("The books are in BRL; an account in another currency is kept but not posted."),
        }
        error_messages = {
            "name": {
                "required": gettext_lazy("Give the account a name."),
                "unique": gettext_lazy("Another bank account has this name."),
            }
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = BankAccount.Kind.choices  # type: ignore[attr-defined]
        if not self.instance.pk:
            del self.fields["is_active"]

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if len(currency) != 3 or not currency.isalpha():
            raise forms.ValidationError(_("A currency has three letters, as BRL."), code="length")
        return currency

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        mine = bank_accounts.alias(
            bank=cleaned.get("bank_code", ""), branch=cleaned.get("branch", ""), number=cleaned.get("number", "")
        )
        if mine:
            for other in BankAccount.objects.filter(is_active=True).exclude(pk=self.instance.pk):
                if mine == bank_accounts.alias(bank=other.bank_code, branch=other.branch, number=other.number):
                    self.add_error("number", _("%(name)s has this number already.") % {"name": other.name})
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self._meta.fields or [] if name in self.cleaned_data}


class TakeInForm(Form):
    """A parked line as the movement it is."""

    on = DateField(label=gettext_lazy("Date"))

    def __init__(self, *args: Any, latest: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.latest = latest

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if self.latest and on > self.latest:
            raise forms.ValidationError(_("A movement is not dated in the future."), code="future")
        return on
