"""The form of a matching rule: which lines it is about, and where their amounts go."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.forms import Form, MoneyField
from finance.models import BankAccount, CostCentre, MatchRule, MatchRuleVersion, Posting
from finance.rules import CONTAINS, EXACT, IN, OUT, STARTS, WORDS, Condition, Part, WrongRule, condition_of, template_of
from finance.services import rules
from finance.services.plan import account_for

from .statements import active_accounts

ROWS = 3  # accounts that one rule may share a line between
HUNDRED = Decimal(100)


class MatchRuleForm(Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    how = forms.ChoiceField(
        label=gettext_lazy("The line's text"),
        choices=[
            (WORDS, gettext_lazy("has all these words")),
            (CONTAINS, gettext_lazy("contains")),
            (STARTS, gettext_lazy("starts with")),
            (EXACT, gettext_lazy("is exactly")),
        ],
    )
    pattern = forms.CharField(
        label=gettext_lazy("Words"),
        max_length=120,
        help_text=gettext_lazy(
            "Capitals, accents and punctuation do not matter; the text and the other side's name are read."
        ),
    )
    sign = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=[("", gettext_lazy("In or out")), (IN, gettext_lazy("Money in")), (OUT, gettext_lazy("Money out"))],
        required=False,
    )
    least = MoneyField(label=gettext_lazy("Amount from"), required=False)
    most = MoneyField(label=gettext_lazy("Amount to"), required=False)
    bank_account = forms.ModelChoiceField(
        label=gettext_lazy("Bank account"),
        queryset=BankAccount.objects.none(),
        required=False,
        empty_label=gettext_lazy("Every account"),
    )
    tried = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, rule: MatchRule | None = None, version: MatchRuleVersion | None = None
    ) -> None:
        initial = _initial(rule, version) if rule and version else {"share_1": "100"}
        super().__init__(data, initial=initial)
        self.rule = rule
        self.fields["bank_account"].queryset = active_accounts()  # type: ignore[attr-defined]
        usable = rules.usable_accounts()
        centres = CostCentre.objects.filter(is_active=True).order_by("code")
        for row in range(1, ROWS + 1):
            self.fields[f"account_{row}"] = forms.ModelChoiceField(
                label=_("Account %(row)s") % {"row": row}, queryset=usable, required=row == 1, empty_label=_("– none –")
            )
            self.fields[f"share_{row}"] = forms.DecimalField(
                label=_("Share in %%, account %(row)s") % {"row": row},
                required=row == 1,
                min_value=Decimal("0.01"),
                max_value=HUNDRED,
                decimal_places=2,
                localize=True,
            )
            self.fields[f"centre_{row}"] = forms.ModelChoiceField(
                label=_("Cost centre, account %(row)s") % {"row": row}, queryset=centres, required=False
            )
        self.order_fields([name for name in self.fields if name != "tried"] + ["tried"])

    @property
    def lines(self) -> list[list[forms.BoundField]]:
        """The fields as the page sets them: what stands on one line together."""
        single = [["name"], ["how", "pattern"], ["sign", "bank_account"], ["least", "most"]]
        rows = [[f"account_{row}", f"share_{row}", f"centre_{row}"] for row in range(1, ROWS + 1)]
        return [[self[name] for name in names] for names in (*single, *rows)]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        others = MatchRule.objects.filter(name=name)
        if self.rule:
            others = others.exclude(pk=self.rule.pk)
        if others.exists():
            raise forms.ValidationError(_("Another rule has this name."), code="taken")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        bank = cleaned["bank_account"]
        try:
            self.condition = Condition(
                how=cleaned["how"],
                pattern=cleaned["pattern"].strip(),
                sign=cleaned["sign"],
                least=cleaned["least"],
                most=cleaned["most"],
                bank_account=bank.pk if bank else None,
            )
        except WrongRule as problem:
            self.add_error(problem.args[0], self._words(problem.args[0]))
            return cleaned
        fees = account_for("bank_fees").pk
        rows = [
            {
                "account": account.pk,
                "share": str((cleaned[f"share_{row}"] or HUNDRED) / HUNDRED),
                "role": Posting.Role.FEE if account.pk == fees else "",
                "cost_centre": centre.pk if (centre := cleaned[f"centre_{row}"]) else None,
            }
            for row in range(1, ROWS + 1)
            if (account := cleaned[f"account_{row}"])
        ]
        try:
            self.template: list[Part] = template_of(rows)
        except WrongRule:
            self.add_error("share_1", _("The shares of the accounts sum to 100 %."))
        return cleaned

    @property
    def digest(self) -> str:
        """What was tried: saving asks for the same."""
        told = [self.condition.as_json(), [part.as_json() for part in self.template]]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    @staticmethod
    def _words(field: str) -> str:
        return {
            "pattern": _("Write at least three letters or digits; less fits every line."),
            "most": _("The upper amount is below the lower one."),
        }.get(field, _("This says nothing usable."))


def _initial(rule: MatchRule, version: MatchRuleVersion) -> dict[str, Any]:
    condition = condition_of(version.condition)
    found: dict[str, Any] = {
        "name": rule.name,
        "how": condition.how,
        "pattern": condition.pattern,
        "sign": condition.sign,
    }
    found |= {"least": condition.least, "most": condition.most, "bank_account": condition.bank_account}
    for row, part in enumerate(template_of(version.template)[:ROWS], 1):
        found |= {f"account_{row}": part.account, f"share_{row}": (part.share * HUNDRED).normalize()}
        found[f"centre_{row}"] = part.cost_centre
    return found
