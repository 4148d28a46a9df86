"""Forms of bills and invoices: a head and lines, all on one page that works without a script."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.forms import DateField, Form, House, ModelForm, MoneyField
from backoffice.core.models import Party
from backoffice.core.money import CENT
from finance import taxes
from finance.forms.ledger import find_party
from finance.forms.titles import TermsFields
from finance.models import Account, Bill, CostCentre, RecurringBill, Tax, TaxProfile
from finance.services import bills, invoices

FIRST_ROWS, MORE_ROWS, MOST_ROWS = 3, 3, 100
MOST = Decimal("9999999999999.99")
WITHHELD = [Tax.IRRF, Tax.PIS, Tax.COFINS, Tax.CSLL, Tax.ISS, Tax.INSS]


def choices_of(rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [("", "–"), *((str(row.pk), str(row)) for row in rows)]


def line_choices(kinds: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What the lines of one page choose from: read once, whatever the number of lines."""
    accounts = Account.objects.filter(kind__in=kinds, is_active=True, is_group=False, is_control=False)
    accounts = accounts.filter(bank_account=None, transit_of=None).order_by("code")
    return {
        "account": choices_of(accounts),
        "cost_centre": choices_of(CostCentre.objects.filter(is_active=True).order_by("code")),
        "profile": choices_of(TaxProfile.objects.filter(is_active=True).order_by("name", "pk")),
    }


class PartyField(forms.CharField):
    """Whom the paper is with, by name, CPF or CNPJ; cleans to the party."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        party, problem = find_party(text)
        if problem:
            raise forms.ValidationError(problem, code="party")
        return party

    def prepare_value(self, value: Any) -> Any:
        return f"{value} (#{value.pk})" if isinstance(value, Party) else value


class PaperForm(TermsFields, Form):
    party = PartyField(
        label=gettext_lazy("Party"), max_length=200, help_text=gettext_lazy("Name, CPF or CNPJ."),
    )  # fmt: skip
    issued_on = DateField(label=gettext_lazy("Issued"))
    first_due_on = DateField(label=gettext_lazy("First due"))
    count = forms.IntegerField(
        label=gettext_lazy("Instalments"), min_value=1, max_value=120, initial=1, help_text=gettext_lazy("One a month.")
    )
    text = forms.CharField(label=gettext_lazy("Text"), max_length=300, required=False)
    cost_centre = forms.ModelChoiceField(
        label=gettext_lazy("Cost centre"),
        queryset=CostCentre.objects.filter(is_active=True).order_by("code"),
        required=False,
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)

    KEPT = (
        *("party", "issued_on", "first_due_on", "count", "text", "cost_centre"),
        *("discount_rate", "fine_rate", "interest_rate"),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        issued, due = cleaned.get("issued_on"), cleaned.get("first_due_on")
        if issued and due and due < issued:
            self.add_error("first_due_on", _("It falls due before it is issued."))
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {name: data[name] for name in self.KEPT} | {"discount_days": data["discount_days"] or 0}


class BillForm(PaperForm):
    number = forms.CharField(label=gettext_lazy("Document number"), max_length=60)
    barcode = forms.CharField(label=gettext_lazy("Barcode or typed line"), max_length=60, required=False)
    is_no_twin = forms.BooleanField(label=gettext_lazy("It is another paper, keep it"), required=False)
    field_order = ("party", "number", "issued_on", "first_due_on", "count", "barcode", "text", "cost_centre")

    def __init__(self, *args: Any, bill: Bill | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bill = bill
        self.twins: list[Bill] = []
        self.fields["party"].label = _("Supplier")
        for tax in WITHHELD:
            self.fields[f"withheld_{tax}"] = MoneyField(
                label=_("%(tax)s withheld") % {"tax": tax.label}, required=False, min_value=CENT
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("party") and cleaned.get("number"):
            found = bills.twins(
                party=cleaned["party"], number=cleaned["number"], besides=self.bill.pk if self.bill else None
            )
            self.twins = list(found.order_by("-pk")[:3])
            if self.twins and not cleaned.get("is_no_twin"):
                self.add_error(
                    "number",
                    _("This supplier has a bill with this number: %(date)s, %(state)s. Tick below if this is another.")
                    % {"date": self.twins[0].issued_on, "state": self.twins[0].get_state_display()},
                )
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        return super().values | {"number": self.cleaned_data["number"], "barcode": self.cleaned_data["barcode"]}

    @property
    def withheld(self) -> dict[str, Decimal]:
        found = {str(tax): self.cleaned_data[f"withheld_{tax}"] for tax in WITHHELD}
        return {tax: amount for tax, amount in found.items() if amount}

    @property
    def withheld_fields(self) -> list[forms.BoundField]:
        return [self[f"withheld_{tax}"] for tax in WITHHELD]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        names = ["party", "number", "issued_on", "first_due_on", "count", "barcode", "text", "cost_centre"]
        return [self[name] for name in names]

    @property
    def terms_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("fine_rate", "interest_rate", "discount_rate", "discount_days")]


class InvoiceForm(PaperForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].label = _("Customer")
        self.fields["text"].help_text = _("Stands on the invoice below the lines.")

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("party", "issued_on", "first_due_on", "count", "text", "cost_centre")]

    @property
    def terms_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("fine_rate", "interest_rate", "discount_rate", "discount_days")]


class LineForm(House, forms.Form):
    text = forms.CharField(label=gettext_lazy("Text"), max_length=300, required=False)
    account = forms.ChoiceField(label=gettext_lazy("Account"))
    cost_centre = forms.ChoiceField(label=gettext_lazy("Cost centre"), required=False)

    def __init__(self, *args: Any, choices: dict[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for name, field in self.fields.items():
            field.widget.attrs |= {"aria-label": str(field.label)}
            if name in choices:
                field.choices = choices[name]  # type: ignore[attr-defined]

    def number(self, name: str) -> int | None:
        return int(self.cleaned_data[name]) if self.cleaned_data[name] else None


class BillLineForm(LineForm):
    amount = MoneyField(label=gettext_lazy("Amount"), min_value=CENT, max_value=MOST)
    field_order = ("account", "amount", "cost_centre", "text")

    @property
    def facts(self) -> bills.LineFacts:
        data = self.cleaned_data
        return bills.LineFacts(int(data["account"]), data["amount"], self.number("cost_centre"), data["text"])


class InvoiceLineForm(LineForm):
    text = forms.CharField(label=gettext_lazy("What"), max_length=300)
    qty = forms.DecimalField(
        label=gettext_lazy("Quantity"), min_value=Decimal("0.000001"), max_digits=12, decimal_places=6, localize=True
    )
    unit = forms.CharField(label=gettext_lazy("Unit"), max_length=10, required=False)
    price = forms.DecimalField(
        label=gettext_lazy("Price"), min_value=Decimal("0.000001"), max_digits=15, decimal_places=6, localize=True
    )
    profile = forms.ChoiceField(label=gettext_lazy("Taxes"), required=False)
    field_order = ("text", "qty", "unit", "price", "account", "profile", "cost_centre")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        qty, price = cleaned.get("qty"), cleaned.get("price")
        if qty and price and not CENT <= taxes.line_amount(qty, price) <= MOST:
            self.add_error("price", _("The line's amount is less than a cent or too large."))
        return cleaned

    @property
    def facts(self) -> invoices.LineFacts:
        data = self.cleaned_data
        return invoices.LineFacts(
            data["text"],
            data["qty"],
            data["price"],
            int(data["account"]),
            self.number("profile"),
            data["unit"],
            self.number("cost_centre"),
        )


class BaseLines(forms.BaseFormSet):  # type: ignore[type-arg]
    """Rows left empty are left out; one at least stays. `facts` after `is_valid`."""

    def initial_form_count(self) -> int:
        return 0 if self.is_bound else super().initial_form_count()

    def clean(self) -> None:
        if not any(form.has_changed() for form in self.forms):
            raise forms.ValidationError(_("Write one line at least."), code="none")

    @property
    def facts(self) -> list[Any]:
        return [form.facts for form in self.forms if form.has_changed()]


BillLines = forms.formset_factory(
    BillLineForm, formset=BaseLines, extra=FIRST_ROWS, max_num=MOST_ROWS, absolute_max=MOST_ROWS, validate_max=True
)
InvoiceLines = forms.formset_factory(
    InvoiceLineForm, formset=BaseLines, extra=FIRST_ROWS, max_num=MOST_ROWS, absolute_max=MOST_ROWS, validate_max=True
)


def with_more(data: QueryDict) -> QueryDict:
    """What was sent, with room for more lines."""
    more = data.copy()
    total = data.get("line-TOTAL_FORMS", "")
    more["line-TOTAL_FORMS"] = str(min((int(total) if total.isdigit() else 0) + MORE_ROWS, MOST_ROWS))
    return more


class SendForm(Form):
    to = forms.EmailField(label=gettext_lazy("Send to"))


class RecurringBillForm(ModelForm):
    party = PartyField(label=gettext_lazy("Supplier"), max_length=200, help_text=gettext_lazy("Name, CPF or CNPJ."))
    amount = MoneyField(label=gettext_lazy("Amount"), min_value=CENT, max_value=MOST)

    class Meta:
        model = RecurringBill
        fields = [
            *("party", "text", "account", "cost_centre", "amount", "months", "day"),
            *("next_due_on", "days_before", "ends_on", "is_active"),
        ]
        field_classes = {"next_due_on": DateField, "ends_on": DateField}
        help_texts = {"day": gettext_lazy("In a shorter month: its last day.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["party"] = self.instance.party
        else:
            del self.fields["is_active"]
        for name in ("next_due_on", "ends_on"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        self.fields["account"].queryset = (  # type: ignore[attr-defined]
            Account.objects.filter(kind="expense", is_active=True, is_group=False).order_by("code")
        )
        self.fields["cost_centre"].queryset = CostCentre.objects.filter(is_active=True).order_by("code")  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name in self.fields}
