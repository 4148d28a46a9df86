"""Forms of the books: accounts, cost centres, entries line by line, months."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.documents import bare
from backoffice.core.folding import plain
from backoffice.core.forms import DateField, Form, House, ModelForm, MoneyField
from backoffice.core.models import Party, User
from finance.models import Account, CostCentre, RecurringEntry
from finance.services import entries
from finance.services.ledger import Line

CENT = Decimal("0.01")
FIRST_ROWS, MORE_ROWS = 4, 4


class AccountForm(ModelForm):
    class Meta:
        model = Account
        fields = ["code", "name", "parent", "kind", "section", "cash_flow", "is_group"]
        labels = {"parent": gettext_lazy("Group above")}
        help_texts = {
            "code": gettext_lazy("Sorts the plan; begins with its group's code, as 6.2.02.010."),
            "section": gettext_lazy("For revenue and expense accounts only."),
            "is_group": gettext_lazy("A group sums its accounts and takes no entry."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parents = Account.objects.filter(is_group=True).order_by("code").exclude(pk=self.instance.pk)
        self.fields["parent"].queryset = parents  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].strip()
        if not all(part.isalnum() and part.isascii() for part in code.split(".")):
            raise forms.ValidationError(_("A code is numbers with dots between them, as 6.2.02.010."), code="code")
        if Account.objects.filter(code=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another account has this code."), code="taken")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        parent, code, kind = cleaned.get("parent"), cleaned.get("code"), cleaned.get("kind")
        if parent and code and not code.startswith(parent.code + "."):
            self.add_error("code", _("The code begins with its group's: %(code)s.") % {"code": parent.code})
        if parent and kind and parent.kind != kind:
            self.add_error(
                "kind", _("Its group holds accounts of the kind %(kind)s.") % {"kind": parent.get_kind_display()}
            )
        has_results = kind in (Account.Kind.REVENUE, Account.Kind.EXPENSE)
        if has_results and not cleaned.get("section") and not cleaned.get("is_group"):
            self.add_error("section", _("Say where it stands in the DRE."))
        elif kind and not has_results and cleaned.get("section"):
            self.add_error("section", _("Only revenue and expense accounts stand in the DRE."))
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class CostCentreForm(ModelForm):
    class Meta:
        model = CostCentre
        fields = ["code", "name", "is_active"]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].strip()
        if CostCentre.objects.filter(code=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another cost centre has this code."), code="taken")
        return code

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class ReasonForm(Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.fields if name != "once"}


class ReverseForm(ReasonForm):
    on = DateField(label=gettext_lazy("Date of the reversal"), help_text=gettext_lazy("A day in an open month."))
    field_order = ("on", "reason")


class CloseForm(ReasonForm):
    """A reason is asked when points are left open."""

    def __init__(self, *args: Any, is_clean: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_clean:
            del self.fields["reason"]
        else:
            self.fields["reason"].label = _("Why it closes with open points")


class LeaveForm(ReasonForm):
    person = forms.ModelChoiceField(label=gettext_lazy("Who may post"), queryset=User.objects.none())
    until = DateField(label=gettext_lazy("Until the end of"))
    field_order = ("person", "until", "reason")

    def __init__(self, *args: Any, people: Iterable[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = User.objects.filter(pk__in=people).order_by("name", "pk")  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        day: date = self.cleaned_data["until"]
        until = timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
        return {"person": self.cleaned_data["person"], "until": until, "reason": self.cleaned_data["reason"]}


# --- entries line by line --------------------------------------------------------------------------------------------


class HeadForm(Form):
    """Date and text of an entry, and the version the reader saw."""

    on = DateField(label=gettext_lazy("Date"), help_text=gettext_lazy("The day it belongs to (competence)."))
    text = forms.CharField(label=gettext_lazy("Text"), max_length=300)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)


class RecurringHeadForm(ModelForm):
    class Meta:
        model = RecurringEntry
        fields = ["text", "day", "starts_on", "ends_on", "mode", "is_active"]
        field_classes = {"starts_on": DateField, "ends_on": DateField}
        widgets = {"mode": forms.RadioSelect}
        help_texts = {
            "day": gettext_lazy("In a shorter month: its last day."),
            "ends_on": gettext_lazy("The last day on which one is made; empty: no end."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mode"].choices = RecurringEntry.Mode.choices  # type: ignore[attr-defined]
        for name in ("starts_on", "ends_on"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        if not self.instance.pk:
            del self.fields["is_active"]

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name in self.fields}


class LineForm(House, forms.Form):
    """One posting to be: accounts and cost centres by code, parties by name or tax id; read together, see the set."""

    account = forms.CharField(label=gettext_lazy("Account"), max_length=160)
    party = forms.CharField(label=gettext_lazy("Party"), max_length=200, required=False)
    cost_centre = forms.CharField(label=gettext_lazy("Cost centre"), max_length=150, required=False)
    text = forms.CharField(label=gettext_lazy("Text"), max_length=300, required=False)
    debit = MoneyField(
        label=gettext_lazy("Debit"), min_value=CENT, max_value=Decimal("9999999999999.99"), required=False
    )
    credit = MoneyField(
        label=gettext_lazy("Credit"), min_value=CENT, max_value=Decimal("9999999999999.99"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for name, field in self.fields.items():
            field.widget.attrs |= {"aria-label": str(field.label), "autocomplete": "off"}
            if name in ("account", "cost_centre"):
                field.widget.attrs["list"] = f"{name}s"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        debit, credit = cleaned.get("debit"), cleaned.get("credit")
        if not self.errors and (debit is None) == (credit is None):
            self.add_error("debit", _("Write a debit or a credit, one of them."))
        return cleaned

    @property
    def amount(self) -> Decimal:
        debit: Decimal | None = self.cleaned_data["debit"]
        credit: Decimal = self.cleaned_data["credit"]
        return debit if debit is not None else -credit


class BaseLines(forms.BaseFormSet):  # type: ignore[type-arg]
    """The lines of one entry; rows left empty are left out. `lines` after `is_valid`."""

    def initial_form_count(self) -> int:
        return 0 if self.is_bound else super().initial_form_count()

    def clean(self) -> None:
        self.lines: list[Line] = []
        rows = [form for form in self.forms if form.has_changed() and not form.errors]
        accounts = self._accounts({form.cleaned_data["account"] for form in rows})
        centres = self._centres({form.cleaned_data["cost_centre"] for form in rows})
        refused = entries.account_problems([one for one in accounts.values() if one])
        for form in rows:
            data = form.cleaned_data
            account, centre = accounts[data["account"]], centres.get(data["cost_centre"])
            if account is None:
                form.add_error("account", _("No account has this code. Begin with the code, as 6.2.02.001."))
            elif account.code in refused:
                form.add_error("account", str(refused[account.code]))
            if data["cost_centre"] and centre is None:
                form.add_error("cost_centre", _("No active cost centre has this code."))
            party = None
            if data["party"]:
                party, problem = find_party(data["party"])
                if problem:
                    form.add_error("party", problem)
            if account and not form.errors:
                self.lines.append(
                    Line(
                        account.pk,
                        form.amount,
                        party.pk if party else None,
                        centre.pk if centre else None,
                        text=data["text"],
                    )
                )
        if not self.lines and not any(form.errors for form in self.forms):
            raise forms.ValidationError(
                _("Write the lines of the entry: accounts with debits and credits."), code="none"
            )

    def is_valid(self) -> bool:
        """Also what `clean` found in a row counts."""
        return super().is_valid() and not any(form.errors for form in self.forms)

    def _accounts(self, texts: set[str]) -> dict[str, Account | None]:
        codes = {text: text.split()[0] if text.split() else "" for text in texts}
        found = {account.code: account for account in Account.objects.filter(code__in=set(codes.values()))}
        return {text: found.get(code) for text, code in codes.items()}

    def _centres(self, texts: set[str]) -> dict[str, CostCentre | None]:
        codes = {text: text.split()[0] for text in texts if text.split()}
        rows = CostCentre.objects.filter(code__in=set(codes.values()), is_active=True) if codes else []
        found = {centre.code: centre for centre in rows}
        return {text: found.get(code) for text, code in codes.items()}


LineFormSet = forms.formset_factory(
    LineForm, formset=BaseLines, extra=0, max_num=entries.MOST_LINES, absolute_max=entries.MOST_LINES, validate_max=True
)


def find_party(text: str) -> tuple[Party | None, str]:
    """The one party that a person means, by number `(#12)`, tax id or words of its name; else why not."""
    if numbered := re.fullmatch(r".*\(#([0-9]{1,15})\)\s*", text):
        found = list(Party.objects.filter(pk=int(numbered.group(1))))
        return (found[0], "") if found else (None, _("Nobody with this number is known."))
    tax_id = bare(text)
    rows = Party.objects.filter(tax_id=tax_id) if len(tax_id) in (11, 14) else Party.objects.none()
    found = list(rows[:1])
    if not found:
        words = Q()
        for word in text.split()[:8]:
            words &= Q(search__contains=plain(word))
        found = list(Party.objects.filter(words).order_by("name", "pk")[:5])
    exact = [party for party in found if plain(party.name) == plain(text)]
    if len(found) == 1 or len(exact) == 1:
        return (exact or found)[0], ""
    if not found:
        return None, _("Nobody with this name, CPF or CNPJ is known.")
    return None, _("Several are named so: %(names)s. Write the CPF or CNPJ.") % {
        "names": ", ".join(party.name for party in found)
    }


def rows_of(lines: Iterable[Any]) -> list[dict[str, Any]]:
    """Lines of a draft or a template as the form shows them; account, party and cost centre are loaded."""
    return [
        {
            "account": str(line.account),
            "party": f"{line.party} (#{line.party_id})" if line.party else "",
            "cost_centre": str(line.cost_centre or ""),
            "text": line.text,
            "debit": line.amount if line.amount > 0 else None,
            "credit": -line.amount if line.amount < 0 else None,
        }
        for line in lines
    ]
