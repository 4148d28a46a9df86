"""What an audit entry says to a person: one sentence per action, filled with the entry's data when it is shown.

    sentences.register({"logistics.exception_waived": _("waived this exception: %(reason)s")})

A sentence is lazy gettext, begins with its verb and follows the name of who did it. An action without a sentence is
shown by its own name, so that nothing that was done is ever left out of a timeline.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .money import format_money

_SENTENCES: dict[str, str | Promise] = {}


_AMOUNTS = ("amount", "total", "paid")  # written into the trail as plain text, read as money


class _Filled(dict[str, Any]):
    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if name in _AMOUNTS and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}\.[0-9]{2}", value):
            return format_money(Decimal(value), get_language() or "en")
        return value

    def __missing__(self, name: str) -> str:
        return "–"


def register(sentences: Mapping[str, str | Promise]) -> None:
    _SENTENCES.update(sentences)


def say(action: str, data: Mapping[str, Any]) -> str:
    """The sentence of one entry in the reader's language."""
    sentence = _SENTENCES.get(action)
    if sentence is None:
        return action.rpartition(".")[2].replace("_", " ")
    return str(sentence) % _Filled(data)


def fill(text: str, data: Mapping[str, Any]) -> str:
    """A stored msgid in the reader's language, filled with its data."""
    return _(text) % _Filled(data)
