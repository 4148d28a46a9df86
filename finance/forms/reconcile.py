"""What the acts of reconciling ask."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from backoffice.core.documents import NotATaxId, parse_tax_id
from backoffice.core.forms import Form
from backoffice.core.keys import is_key
from backoffice.core.models import Party
from backoffice.core.money import NotMoney, format_money, parse_money
from finance.models import Account, CostCentre, Instalment, StatementLine
from finance.services.reconcile import Item

ZERO = Decimal("0.00")
EXTRAS = 3  # rows for differences

# Kind of a difference → its sign towards the line's amount, for money in and for money out.
SIGNS = {
    "fee": (-1, 1),
    "interest": (1, 1),
    "fine": (1, 1),
    "discount": (-1, -1),
    "rebate": (-1, -1),
    "exchange": (1, 1),
    "write_off": (-1, -1),
    "advance": (1, 1),
    "account": (1, 1),
}
BOTH_WAYS = ("exchange", "account")  # kinds whose amount may be below zero
NAMES = {
    "fee": gettext_lazy("Fee"),
    "interest": gettext_lazy("Interest"),
    "fine": gettext_lazy("Fine"),
    "discount": gettext_lazy("Discount"),
    "rebate": gettext_lazy("Rebate"),
    "exchange": gettext_lazy("Exchange difference"),
    "write_off": gettext_lazy("Write-off"),
    "advance": gettext_lazy("Paid in advance, as a credit"),
    "account": gettext_lazy("Another account"),
}


def bookable_accounts() -> Any:
    """Accounts that a person may choose: neither groups, nor of titles, nor of banks."""
    own = Q(bank_account__isnull=False) | Q(transit_of__isnull=False)
    return Account.objects.filter(is_group=False, is_control=False, is_active=True).exclude(own).order_by("code")


class EntryForm(Form):
    account = forms.ModelChoiceField(label=gettext_lazy("Account"), queryset=Account.objects.none(), empty_label="")
    cost_centre = forms.ModelChoiceField(
        label=gettext_lazy("Cost centre"), queryset=CostCentre.objects.none(), required=False, empty_label="–"
    )
    party = forms.CharField(
        label=gettext_lazy("Party"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("The whole name, or CPF or CNPJ."),
    )
    text = forms.CharField(label=gettext_lazy("Text"), required=False, max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = bookable_accounts()  # type: ignore[attr-defined]
        self.fields["cost_centre"].queryset = CostCentre.objects.filter(is_active=True).order_by("code")  # type: ignore[attr-defined]

    def clean_party(self) -> int | None:
        text: str = self.cleaned_data["party"].strip()
        if not text:
            return None
        try:
            found = Party.objects.filter(tax_id=parse_tax_id(text))
        except NotATaxId:
            found = Party.objects.filter(name__iexact=text)
        keys = list(found.values_list("pk", flat=True)[:2])
        if len(keys) != 1:
            raise forms.ValidationError(
                _("No party has this name.") if not keys else _("Several have this name: write the CPF or CNPJ.")
            )
        return int(keys[0])


class ReasonForm(Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, strip=True)


@dataclass
class Extra:
    """One row of difference as typed."""

    place: int
    kind: str = ""
    amount: str = ""
    account: str = ""
    problem: str = ""


@dataclass
class Split:
    """What a person sets against one line: titles with amounts, differences; amounts count in the line's direction.

    Read from a sent form or begun from picked titles; `problems` says what cannot be read.
    """

    line: StatementLine
    amounts: dict[int, str] = field(default_factory=dict)  # instalment → as typed
    extras: list[Extra] = field(default_factory=list)
    partly: bool = False
    reason: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def sign(self) -> int:
        return 1 if self.line.open_amount >= 0 else -1

    @classmethod
    def begun(cls, line: StatementLine, parts: list[Instalment]) -> "Split":
        """Each picked title in full, the last one as far as the line reaches."""
        split = cls(line, extras=[Extra(place) for place in range(EXTRAS)])
        left = split.sign * line.open_amount
        for part in parts:
            whole = split.sign * part.balance
            amount = min(whole, left) if whole > 0 and left > 0 else whole
            left -= amount
            split.amounts[part.pk] = shown(amount)
        return split

    @classmethod
    def sent(cls, line: StatementLine, data: QueryDict) -> "Split":
        split = cls(line, partly=bool(data.get("partly")), reason=data.get("reason", "").strip()[:300])
        for pk in data.getlist("pick"):
            if is_key(pk):
                split.amounts[int(pk)] = data.get(f"amount-{pk}", "")
        for place in range(EXTRAS):
            names = (f"kind-{place}", f"extra-{place}", f"account-{place}")
            split.extras.append(Extra(place, *(data.get(name, "") for name in names)))
        return split

    def items(self, parts: dict[int, Instalment]) -> tuple[Decimal, list[Item]]:
        """What the rows come to in the line's direction, and the items to post; fills `problems`."""
        total, items = ZERO, []
        for pk, typed in self.amounts.items():
            amount, part = self._read(typed), parts.get(pk)
            if part is None:
                self.problems.append(_("A chosen title is settled by now."))
            elif amount:
                total += amount
                items.append(Item("instalment", -self.sign * amount, pk))
        party = next((part.party_id for part in parts.values()), None)
        accounts: set[str] = set()
        if any(extra.kind == "account" for extra in self.extras):
            accounts = {str(pk) for pk in bookable_accounts().values_list("pk", flat=True)}
        for extra in self.extras:
            if not extra.amount.strip():
                continue
            amount = self._read(extra.amount)
            if extra.kind not in SIGNS:
                self.problems.append(_("Say what the difference is."))
            elif extra.kind == "advance" and party is None:
                self.problems.append(_("A credit needs a title of its party beside it."))
            elif amount is not None and amount <= 0 and extra.kind not in BOTH_WAYS:
                self.problems.append(
                    _("%(kind)s: “%(text)s” is not above zero. Write it without a sign, or choose another kind.")
                    % {"kind": NAMES[extra.kind], "text": extra.amount[:40]}
                )
            elif extra.kind == "account" and extra.account not in accounts:
                self.problems.append(_("Choose the account."))
            elif amount:
                counts = amount * SIGNS[extra.kind][0 if self.sign > 0 else 1]
                total += counts
                items.append(self._difference(extra, -self.sign * counts, party))
        return total, items

    def _difference(self, extra: Extra, posting: Decimal, party: int | None) -> Item:
        if extra.kind == "advance":
            return Item("advance", posting, party=party)
        if extra.kind == "account":
            return Item("account", posting, int(extra.account), party=party, text=self.reason)
        return Item("account", posting, role=extra.kind, party=party, text=self.reason)

    def _read(self, typed: str) -> Decimal | None:
        """The amount; None for nothing, and for what cannot be read, which is said."""
        try:
            return parse_money(typed, get_language() or "en")
        except NotMoney as problem:
            if problem.reason != "empty":
                self.problems.append(_("“%(text)s” is not an amount.") % {"text": typed[:40]})
            return None


def shown(amount: Decimal) -> str:
    """An amount as its field holds it."""
    return format_money(amount, get_language() or "en", symbol=False).replace("−", "-")


def kinds(sign: int) -> list[tuple[str, Any, int]]:
    """Kinds of difference with their names and signs for a line of this direction."""
    return [(key, NAMES[key], pair[0 if sign > 0 else 1]) for key, pair in SIGNS.items()]
