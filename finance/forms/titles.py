"""Forms of titles: settle, write off, renegotiate, due dates and terms."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.forms import DateField, Form, MoneyField
from backoffice.core.models import Party
from backoffice.core.money import CENT
from finance.models import Instalment, Title
from finance.services import settlement
from finance.terms import Terms

PARTS = 6  # rows of a renegotiation


class PercentField(forms.DecimalField):
    """A percentage as people write it, 1.5 or 1,5; cleans to the fraction of one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "min_value": 0,
                "max_value": Decimal("99.9999"),
                "max_digits": 6,
                "decimal_places": 4,
                "localize": True,
                **kwargs,
            }
        )
        self.widget.attrs |= {"inputmode": "decimal", "class": "money"}

    def clean(self, value: Any) -> Decimal:
        found: Decimal | None = super().clean(value)
        return Decimal(0) if found is None else found / 100

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return (value * 100).normalize() if value else Decimal(0)
        return value


class TermsFields(forms.Form):
    """What the late owe and the early save."""

    discount_rate = PercentField(label=gettext_lazy("Discount, %"), required=False)
    discount_days = forms.IntegerField(
        label=gettext_lazy("Discount until so many days before due"), required=False, min_value=0, max_value=365
    )
    fine_rate = PercentField(
        label=gettext_lazy("Fine, %"),
        required=False,
        help_text=gettext_lazy("Once, when it is late; for a consumer at most 2 %."),
    )
    interest_rate = PercentField(
        label=gettext_lazy("Interest, % a month"),
        required=False,
        help_text=gettext_lazy("By the day, a month being 30, from the due date on; usually at most 1 %."),
    )

    @property
    def terms(self) -> Terms:
        data = self.cleaned_data
        return Terms(data["discount_rate"], data["discount_days"] or 0, data["fine_rate"], data["interest_rate"])


def doubts(terms: Terms, party: Party) -> list[str]:
    """What of these terms may not hold against who owes, in words; they are kept all the same.

    A consumer's fine: 2 % (Lei 8.078/1990, CDC, art. 52, § 1). Interest: 1 % a month is what is usually upheld
    (CTN, art. 161, § 1, which courts apply beside the Civil Code's rate).
    """
    found = []
    if terms.interest_rate > Decimal("0.01"):
        found.append(_("Interest above 1 % a month may not hold before a court. Check that the contract says so."))
    if terms.fine_rate > Decimal("0.02") and party.kind == Party.Kind.PERSON:
        found.append(_("A fine above 2 percent does not hold against a consumer (CDC, art. 52, § 1). Lower it to 2 %."))
    return found


def terms_initial(terms: Any) -> dict[str, Any]:
    """The terms of a title, a paper or the company's policy, as first values."""
    names = ("discount_rate", "discount_days", "fine_rate", "interest_rate")
    return {name: getattr(terms, name) for name in names if hasattr(terms, name)}


class SettleForm(Form):
    account = forms.ModelChoiceField(
        label=gettext_lazy("Paid by"),
        queryset=settlement.means(),
        help_text=gettext_lazy("What a bank statement shows is settled by reconciling that statement."),
    )
    on = DateField(label=gettext_lazy("Paid on"))
    paid = MoneyField(label=gettext_lazy("Amount paid"), min_value=CENT)
    charge = forms.BooleanField(label=gettext_lazy("Charge fine and interest"), required=False, initial=True)
    text = forms.CharField(label=gettext_lazy("Text"), max_length=300, required=False)

    @property
    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "account": data["account"].pk,
            "on": data["on"],
            "paid": data["paid"],
            "charge": data["charge"],
            "text": data["text"],
        }


class CreditForm(Form):
    """Which open instalment of the same party a credit settles."""

    instalment = forms.ModelChoiceField(label=gettext_lazy("Settle with it"), queryset=Instalment.objects.none())
    amount = MoneyField(label=gettext_lazy("Amount"), min_value=CENT)

    def __init__(self, *args: Any, credit: Instalment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Instalment.objects.filter(
            title__party=credit.party_id, title__direction=credit.title.direction
        ).select_related("title")
        rows = rows.filter(balance__gt=0) if credit.balance < 0 else rows.filter(balance__lt=0)
        field = self.fields["instalment"]
        field.queryset = rows.order_by("due_on", "pk")[:200]  # type: ignore[attr-defined]
        self.fields["amount"].initial = abs(credit.balance)


class WriteOffForm(Form):
    amount = MoneyField(label=gettext_lazy("Amount to give up"), min_value=CENT)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class CancelForm(Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class RenegotiateForm(TermsFields, Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in range(1, PARTS + 1):
            self.fields[f"due_{n}"] = DateField(label=_("Part %(n)s due") % {"n": n}, required=n == 1)
            self.fields[f"amount_{n}"] = MoneyField(label=_("Amount"), min_value=CENT, required=n == 1)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for n in range(2, PARTS + 1):
            if (cleaned.get(f"due_{n}") is None) != (cleaned.get(f"amount_{n}") is None) and not self.errors:
                self.add_error(f"due_{n}", _("A part has a due date and an amount."))
        return cleaned

    @property
    def parts(self) -> list[Any]:
        data = self.cleaned_data
        return [(data[f"due_{n}"], data[f"amount_{n}"]) for n in range(1, PARTS + 1) if data[f"due_{n}"]]

    @property
    def rows(self) -> list[tuple[Any, Any]]:
        return [(self[f"due_{n}"], self[f"amount_{n}"]) for n in range(1, PARTS + 1)]


class TitleForm(TermsFields, Form):
    """Text, terms and open due dates; the facts of a title stay."""

    text = forms.CharField(label=gettext_lazy("Text"), max_length=300, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    field_order = ("text",)

    def __init__(self, *args: Any, title: Title, **kwargs: Any) -> None:
        initial = {"text": title.text, "version": title.version, **terms_initial(title)}
        super().__init__(*args, initial=initial, **kwargs)
        self.open_parts = [part for part in title.instalments.order_by("seq") if part.balance]
        for part in self.open_parts:
            self.fields[f"due_{part.pk}"] = DateField(label=_("Part %(n)s due") % {"n": part.seq}, initial=part.due_on)

    @property
    def moved(self) -> dict[int, Any]:
        """Instalment → its new due date."""
        data = self.cleaned_data
        return {part.pk: data[f"due_{part.pk}"] for part in self.open_parts if data[f"due_{part.pk}"] != part.due_on}


class BulkSettleForm(Form):
    account = forms.ModelChoiceField(label=gettext_lazy("Paid by"), queryset=settlement.means())
    on = DateField(label=gettext_lazy("Paid on"))


class BulkDueForm(Form):
    due_on = DateField(label=gettext_lazy("New due date"))
