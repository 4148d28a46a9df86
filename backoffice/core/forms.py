"""Forms of the house: money and dates as people write them, errors told at the field and in a summary."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy

from .money import NotMoney, format_money, parse_money


class MoneyInput(forms.TextInput):
    """A text field with the keyboard of amounts."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", "class": "money", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, Decimal | int):
            return format_money(Decimal(value), get_language() or "en", symbol=False).replace("\u2212", "-")
        text: str | None = super().format_value(value)
        return text


class MoneyField(forms.Field):
    """An amount in reais; see `core.money.parse_money` for what is read. Cleans to Decimal or None."""

    widget = MoneyInput
    default_error_messages = {
        "mark": gettext_lazy("“%(text)s” is not an amount here. Write %(offer)s?"),
        "decimals": gettext_lazy("“%(text)s” has more than two decimals."),
        "size": gettext_lazy("“%(text)s” is too large."),
        "text": gettext_lazy("“%(text)s” is not an amount. Write it as %(example)s."),
        "min": gettext_lazy("The amount must be %(limit)s or more."),
        "max": gettext_lazy("The amount must be %(limit)s or less."),
    }

    def __init__(self, *, min_value: Decimal | None = None, max_value: Decimal | None = None, **kwargs: Any) -> None:
        self.min_value, self.max_value = min_value, max_value
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        language = get_language() or "en"
        try:
            return parse_money(str(value), language)
        except NotMoney as problem:
            if problem.reason == "empty":
                return None
            text = problem.text if len(problem.text) <= 40 else problem.text[:40] + "…"
            raise forms.ValidationError(
                self.error_messages[problem.reason],
                code=problem.reason,
                params={
                    "text": text.replace("\x00", ""),
                    "offer": problem.offer,
                    "example": format_money(Decimal("1234.56"), language, symbol=False),
                },
            ) from problem

    def validate(self, value: Decimal | None) -> None:
        super().validate(value)
        if value is None:
            return
        for name, limit, broken in (
            ("min", self.min_value, self.min_value is not None and value < self.min_value),
            ("max", self.max_value, self.max_value is not None and value > self.max_value),
        ):
            if broken and limit is not None:
                raise forms.ValidationError(
                    self.error_messages[name],
                    code=name,
                    params={"limit": format_money(limit, get_language() or "en")},
                )
