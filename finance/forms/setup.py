"""Forms of the guided set-up."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.documents import bare
from backoffice.core.forms import DateField, Form, MoneyField, TaxIdField
from finance.models import BankAccount, BooksSetup
from finance.services.setup import Purse

STATES = [
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI", "PR", "RJ",
    "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
]  # fmt: skip


class CompanyForm(Form):
    name = forms.CharField(label=gettext_lazy("Legal name"), max_length=200)
    trade_name = forms.CharField(label=gettext_lazy("Trade name"), max_length=200, required=False)
    cnpj = TaxIdField(label=gettext_lazy("CNPJ"), required=False)
    city = forms.CharField(label=gettext_lazy("City"), max_length=120, required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    tax_regime = forms.ChoiceField(
        label=gettext_lazy("Tax regime"),
        required=False,
        help_text=gettext_lazy(
            "Your accountant knows it; it is on the CNPJ card or in the last tax return. Only a note for now."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", "–"), *((state, state) for state in STATES)]  # type: ignore[attr-defined]
        self.fields["tax_regime"].choices = BooksSetup.Regime.choices  # type: ignore[attr-defined]

    def clean_cnpj(self) -> str:
        cnpj: str = self.cleaned_data["cnpj"]
        if cnpj and len(bare(cnpj)) != 14:
            raise forms.ValidationError(_("This is a CPF. A company has a CNPJ."), code="cpf")
        return cnpj


class BankForm(Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("As you call it: Itaú."))
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=BankAccount.Kind.choices)
    bank_code = forms.CharField(
        label=gettext_lazy("Bank code"), max_length=8, required=False, help_text=gettext_lazy("Three digits: 341.")
    )
    branch = forms.CharField(label=gettext_lazy("Branch"), max_length=10, required=False)
    number = forms.CharField(
        label=gettext_lazy("Account number"),
        max_length=34,
        required=False,
        help_text=gettext_lazy("With its digit. Statement files are recognised by it."),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if BankAccount.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError(_("Another account has this name."), code="taken")
        return name


class BalancesForm(Form):
    """A day and one amount for every account that holds money."""

    on = DateField(
        label=gettext_lazy("At the end of"),
        help_text=gettext_lazy("The day before the first statement that you will bring in."),
    )

    def __init__(self, *args: Any, purses: list[Purse], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.purses, self.today = {f"purse_{n}": purse for n, purse in enumerate(purses)}, today
        for name, purse in self.purses.items():
            self.fields[name] = MoneyField(label=purse.name, required=False, initial=purse.balance)

    def clean_on(self) -> date:
        on: date = self.cleaned_data["on"]
        if on > self.today:
            raise forms.ValidationError(_("This day has not come yet."), code="future")
        return on

    @property
    def amounts(self) -> dict[str, Any]:
        """What was said, by reference; an empty field says nothing."""
        return {
            purse.ref: self.cleaned_data[name]
            for name, purse in self.purses.items()
            if self.cleaned_data.get(name) is not None
        }
