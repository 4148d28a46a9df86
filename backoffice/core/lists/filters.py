"""The questions a list answers: typed filters, the only keys its address may carry, told back as a sentence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_filters.widgets import SuffixedMultiWidget

from ..forms import MoneyField
from ..money import format_number

# Filters that nobody filled in, as drawn for the first reader of a language: filter set, name, language.
_DRAWN: dict[tuple[type, str, str], str] = {}


@dataclass(frozen=True)
class Chip:
    """One condition in words ("Status is" "Late"), with the address of the list without it."""

    label: str
    value: str
    remove_url: str


class ListFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Base of every list's filters.

    sensitive: names of filters whose values never stand in an address; they are posted and kept under an opaque key.
    """

    sensitive: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def keys_of(cls, name: str) -> list[str]:
        """The address keys of one filter: its name, or one per end of a range."""
        widget = cls.base_filters[name].field.widget
        if isinstance(widget, SuffixedMultiWidget):
            return [widget.suffixed(name, suffix) for suffix in widget.suffixes]
        return [name]

    @classmethod
    def url_keys(cls) -> set[str]:
        return {key for name in cls.base_filters if name not in cls.sensitive for key in cls.keys_of(name)}

    def applied(self) -> Iterable[tuple[str, Any]]:
        """Name and cleaned value of every filter that narrows the list."""
        if not self.form.is_valid():
            return
        for name in self.filters:
            value = self.form.cleaned_data.get(name)
            if value is None or value == "" or (hasattr(value, "__len__") and not len(value)):
                continue
            if isinstance(value, QuerySet) and not value:
                continue
            yield name, value

    def canonical(self, query: QueryDict) -> QueryDict:
        """The query with amounts and dates written so that a shared link means the same in every language."""
        plain = query.copy()
        for name, value in self.applied():
            plainly = getattr(self.form.fields[name], "plain", None)
            if plainly is not None and isinstance(value, slice) and name not in self.sensitive:
                for key, end in zip(self.keys_of(name), (value.start, value.stop), strict=True):
                    plain.pop(key, None)
                    if end is not None:
                        plain[key] = plainly(end)
        return plain

    def markup(self) -> SafeString:
        """The form's fields, as HTML."""
        return mark_safe("".join(self._field(name) for name in self.form.fields))

    def _field(self, name: str) -> str:
        """One field; empty and with fixed choices it is the same for every reader of a language, and drawn once."""
        extra = self.filters[name].extra
        is_fixed = "queryset" not in extra and not callable(extra.get("choices"))
        if not is_fixed or any(self.data.get(key) for key in self.keys_of(name)):
            return render_to_string("components/field.html", {"field": self.form[name]})
        key = (type(self), name, get_language() or "en")
        if key not in _DRAWN:
            _DRAWN[key] = render_to_string("components/field.html", {"field": self.form[name]})
        return _DRAWN[key]

    def sentence(self, name: str, value: Any) -> tuple[str, str]:
        """Verb and value in words."""
        filter_, field = self.filters[name], self.form.fields[name]
        if isinstance(value, slice):
            return _range(value, field)
        if isinstance(field, forms.ModelMultipleChoiceField):
            return _("is"), _(" or ").join(str(one) for one in value)
        if isinstance(field, forms.ModelChoiceField) or isinstance(value, Model):
            return _("is"), str(value)
        if isinstance(field, forms.MultipleChoiceField):
            names = dict(_flat(field.choices))
            return _("is"), _(" or ").join(str(names.get(one, one)) for one in value)
        if isinstance(field, forms.ChoiceField):
            return _("is"), str(dict(_flat(field.choices)).get(str(value), value))
        verb = {"icontains": _("contains"), "gte": _("from"), "lte": _("to"), "gt": _("above"), "lt": _("below")}
        return verb.get(filter_.lookup_expr, _("is")), in_words(value)


def _flat(choices: Any) -> Iterable[tuple[str, Any]]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield str(value), label


def _range(value: slice, field: Any) -> tuple[str, str]:
    low, high = value.start, value.stop
    if isinstance(field, PeriodField) and isinstance(high, Until):
        high = high.as_written
    if low is None:
        return _("up to"), in_words(high)
    if high is None:
        return _("from"), in_words(low)
    if in_words(low) == in_words(high):
        return _("is"), in_words(low)
    return _("from"), _("%(low)s to %(high)s") % {"low": in_words(low), "high": in_words(high)}


def in_words(value: Any) -> str:
    """A typed value as the reader writes it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        day = formats.date_format(local, "SHORT_DATE_FORMAT")
        return day if local.time() == time.min else f"{day} {local:%H:%M}"
    if isinstance(value, date):
        return formats.date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, Decimal):
        return format_number(value, get_language() or "en")
    return str(value)


@dataclass(frozen=True)
class Until:
    """An exclusive end, and what the person wrote for it (the last day that is still inside)."""

    instant: datetime
    as_written: date | datetime


class PeriodField(forms.MultiValueField):
    """`from` and `to`, each a civil date (the whole day is inside) or an instant (`to` is then exclusive).

    Cleans to a slice of an aware instant and an `Until`, in the office's time zone.
    """

    def __init__(self, **kwargs: Any) -> None:
        ends = (forms.CharField(required=False, max_length=40), forms.CharField(required=False, max_length=40))
        super().__init__(ends, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> slice | None:
        if not data_list:
            return None
        low, high = (self._read(text) for text in data_list)
        if low is None and high is None:
            return None
        until = None if high is None else Until(_instant(high, after=True), high)
        start = None if low is None else _instant(low)
        if start is not None and until is not None and start >= until.instant:
            raise forms.ValidationError(_("The period ends before it begins."), code="order")
        return slice(start, until)

    @staticmethod
    def plain(end: Any) -> str:
        """One end as the address carries it."""
        if isinstance(end, Until):
            end = end.as_written
        elif timezone.localtime(end).time() == time.min:
            end = timezone.localdate(end)
        return str(end.isoformat())

    def _read(self, text: str) -> date | datetime | None:
        text = (text or "").strip()
        if not text:
            return None
        try:
            if "T" in text or " " in text:
                instant = parse_datetime(text)
                if instant is not None and 1900 <= instant.year <= 2200:
                    return instant if timezone.is_aware(instant) else timezone.make_aware(instant)
            else:
                day = parse_date(text) or read_date(text)
                if day is not None and 1900 <= day.year <= 2200:
                    return day
        except (ValueError, OverflowError):
            pass
        raise forms.ValidationError(_("“%(text)s” is not a date.") % {"text": text}, code="date")


def read_date(text: str) -> date | None:
    """A date in the reader's formats."""
    try:
        day: date | None = forms.DateField(localize=True).clean(text)
    except forms.ValidationError:
        return None
    return day


def _instant(value: date | datetime, *, after: bool = False) -> datetime:
    if isinstance(value, datetime):
        return value
    return timezone.make_aware(datetime.combine(value + timedelta(days=1 if after else 0), time.min))


ENDS = (gettext_lazy("from"), gettext_lazy("to"))
LIMITS = (gettext_lazy("at least"), gettext_lazy("at most"))


class PeriodWidget(SuffixedMultiWidget):  # type: ignore[misc]
    suffixes = ["from", "to"]
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        ends = [forms.DateInput(attrs={"type": "date", "aria-label": label}) for label in ENDS]
        super().__init__(ends, attrs)

    def decompress(self, value: slice | None) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]


class PeriodFilter(django_filters.Filter):  # type: ignore[misc]
    """`<name>_from` and `<name>_to` over a date or an instant column; half-open in the query."""

    field_class = PeriodField

    def __init__(self, *args: Any, civil: bool = False, **kwargs: Any) -> None:
        self.civil = civil
        kwargs.setdefault("widget", PeriodWidget())
        super().__init__(*args, **kwargs)

    def filter(self, queryset: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        if value is None:
            return queryset
        low, high = value.start, value.stop.instant if value.stop else None
        if self.civil:
            low, high = (timezone.localdate(end) if end else None for end in (low, high))
        if low is not None:
            queryset = queryset.filter(**{f"{self.field_name}__gte": low})
        if high is not None:
            queryset = queryset.filter(**{f"{self.field_name}__lt": high})
        return queryset


class MoneyRangeWidget(SuffixedMultiWidget):  # type: ignore[misc]
    suffixes = ["min", "max"]
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        ends = [forms.TextInput(attrs={"inputmode": "decimal", "aria-label": label}) for label in LIMITS]
        super().__init__(ends, attrs)

    def decompress(self, value: slice | None) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]


class PlainMoneyField(MoneyField):
    """Also reads the form an address carries, `1234.50`, which no language writes otherwise."""

    def to_python(self, value: Any) -> Decimal | None:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}\.[0-9]{2}", value):
            return Decimal(value)
        return super().to_python(value)


class MoneyRangeField(forms.MultiValueField):
    def __init__(self, **kwargs: Any) -> None:
        ends = (PlainMoneyField(required=False), PlainMoneyField(required=False))
        super().__init__(ends, require_all_fields=False, **kwargs)

    @staticmethod
    def plain(end: Decimal) -> str:
        """One end as the address carries it."""
        return f"{end:f}"

    def compress(self, data_list: list[Any]) -> slice | None:
        if not data_list or all(end is None for end in data_list):
            return None
        return slice(*data_list)


class MoneyRangeFilter(django_filters.Filter):  # type: ignore[misc]
    """`<name>_min` and `<name>_max`, both inside, typed as the reader writes money."""

    field_class = MoneyRangeField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("widget", MoneyRangeWidget())
        super().__init__(*args, **kwargs)

    def filter(self, queryset: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        if value is None:
            return queryset
        if value.start is not None:
            queryset = queryset.filter(**{f"{self.field_name}__gte": value.start})
        if value.stop is not None:
            queryset = queryset.filter(**{f"{self.field_name}__lte": value.stop})
        return queryset


def without(query: QueryDict, keys: Iterable[str]) -> QueryDict:
    """A copy of the query lacking some keys."""
    rest = query.copy()
    for key in keys:
        rest.pop(key, None)
    return rest
