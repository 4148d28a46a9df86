"""Forms of the house: money and dates as people write them, errors told at the field and in a summary."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any, TypeVar, cast

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from .documents import NotATaxId, parse_tax_id
from .models import Submission, User
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


class DateField(forms.DateField):
    """A civil date between 1900 and 2200, picked, or typed as in the reader's language; ISO is always read."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {"range": gettext_lazy("The year must lie between 1900 and 2200.")}

    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(str(value).strip()) if isinstance(value, str) else super().to_python(value)
        if day is not None and not 1900 <= day.year <= 2200:
            raise forms.ValidationError(self.error_messages["range"], code="range")
        return day


class TaxIdField(forms.CharField):
    """A CPF or CNPJ written any way; cleans to letters and digits."""

    default_error_messages = {
        "length": gettext_lazy("A CPF has 11 digits; a CNPJ has 12 letters or digits and 2 check digits."),
        "check": gettext_lazy("The check digits do not fit: look for a digit that was mistyped."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text:
            return ""
        try:
            return parse_tax_id(text)
        except NotATaxId as problem:
            raise forms.ValidationError(self.error_messages[problem.reason], code=problem.reason) from problem


def new_key() -> str:
    return secrets.token_urlsafe(16)


class House:
    """What every form of the house shares: our components, no browser bubbles, a key that lets it take effect once."""

    use_required_attribute = False
    template_name_div = "components/fields.html"


class Form(House, forms.Form):
    """A plain form with its key; see `once`."""

    once = forms.CharField(required=False, widget=forms.HiddenInput, initial=new_key)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class ModelForm(House, forms.ModelForm):  # type: ignore[type-arg]
    """A form of one record: its key, and the version the reader saw where the model counts versions."""

    once = forms.CharField(required=False, widget=forms.HiddenInput, initial=new_key)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        if self.instance.pk and hasattr(self.instance, "version"):
            self.fields["version"] = forms.IntegerField(
                widget=forms.HiddenInput, initial=self.instance.version, min_value=0, max_value=2**31 - 1
            )

    @property
    def version(self) -> int | None:
        """The version the reader saw when they opened the form."""
        seen: int | None = self.cleaned_data.get("version")
        return seen


class Conflict(Exception):
    """The record was changed since the reader opened it. `current`: as it stands now."""

    def __init__(self, current: Model) -> None:
        super().__init__(str(current))
        self.current = current


def show_conflict(
    request: HttpRequest, form: ModelForm, current: Model, template: str, context: dict[str, Any]
) -> HttpResponse:
    """409: both versions side by side, what was typed kept; sending again writes over the present version knowingly."""
    theirs = type(form)(instance=current)
    rows = []
    for name in form.fields:
        if form.fields[name].widget.is_hidden:
            continue
        mine, now = in_words(form[name]), in_words(theirs[name])
        rows.append({"label": form.fields[name].label or name, "mine": mine, "now": now, "differs": mine != now})
    data = QueryDict(mutable=True)
    data.update(request.POST)
    data["version"] = str(getattr(current, "version", ""))
    data["once"] = new_key()
    form.data = data
    return render(request, template, {**context, "form": form, "conflict": rows}, status=409)


def in_words(field: forms.BoundField) -> str:
    """What a field holds, as text: the names of choices, not their keys."""
    value = field.value()
    choices = getattr(field.field, "choices", None)
    if choices is not None:
        chosen = {str(one) for one in (value if isinstance(value, list | tuple | set) else [value])}
        names = [str(label) for key, label in choices if str(key) in chosen]
        return ", ".join(names)
    if isinstance(value, Decimal):
        return format_money(value, get_language() or "en", symbol=False)
    return "" if value is None else str(value)


Door = TypeVar("Door", bound=Callable[..., HttpResponse])


def once(view: Door) -> Door:
    """Let a form take effect once: its second sending goes where the first one went, another body under its key is 409.

    The view runs in one transaction with the key; an answer that is no redirect (errors to correct) frees the key.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.POST.get("once", "") if request.method == "POST" else ""
        if not re.fullmatch(r"[A-Za-z0-9_-]{8,40}", key):
            return view(request, *args, **kwargs)
        assert isinstance(request.user, User)
        fingerprint = _fingerprint(request)
        with transaction.atomic():
            sent = Submission(key=key, user=request.user, fingerprint=fingerprint)
            Submission.objects.bulk_create([sent], ignore_conflicts=True)  # waits for a sender who is still at it
            first = Submission.objects.select_for_update().get(pk=key)
            if first.location or first.fingerprint != fingerprint or first.user_id != request.user.pk:
                if first.fingerprint == fingerprint and first.user_id == request.user.pk:
                    return HttpResponseRedirect(first.location)
                return render(request, "errors/409.html", {"reason": _("This form was already sent.")}, status=409)
            response = view(request, *args, **kwargs)
            if response.status_code in (302, 303):
                Submission.objects.filter(pk=key).update(location=response["Location"][:1000])
            else:
                first.delete()
        return response

    return cast("Door", guarded)


def _fingerprint(request: HttpRequest) -> str:
    fields = sorted((name, request.POST.getlist(name)) for name in request.POST if name != "csrfmiddlewaretoken")
    files = sorted((name, [(file.name, file.size) for file in request.FILES.getlist(name)]) for name in request.FILES)
    return hashlib.sha256(json.dumps([request.get_full_path(), fields, files]).encode()).hexdigest()
