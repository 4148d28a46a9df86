"""Evidence of a match or a suggestion as a sentence: at least two signals, and how sure it is, in words.

Evidence: `{"stage": "S2", "contests": ["other_line"], "signals": [{"key": "amount", "same": true}], "alternatives": 1}`
Keys of signals: key (kind, value), document, payer (value, by tax_id or name), amount, part, surplus, sum, terms,
waived, days, learned, rule (value, version), text, transfer, opposite.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from backoffice.core.money import format_money

HIGH, MEDIUM = Decimal("0.93"), Decimal("0.75")  # from here on; below medium it is low
DOCUMENTS_SHOWN = 3

KINDS: dict[str, str | Promise] = {
    "e2e": gettext_lazy("Pix id"),
    "txid": gettext_lazy("Pix txid"),
    "nosso": gettext_lazy("nosso número"),
    "barcode": gettext_lazy("barcode"),
    "nsu": gettext_lazy("NSU"),
}

CONTESTS: dict[str, str | Promise] = {
    "worked_on": gettext_lazy("the line was matched before"),
    "other_claim": gettext_lazy("other evidence in the line points elsewhere"),
    "other_line": gettext_lazy("another line claims the same title"),
    "other_item": gettext_lazy("another open title of the payer has this amount"),
    "other_number": gettext_lazy("another number in the text names an open title"),
    "other_key": gettext_lazy("a payment key in the text names another title"),
    "rule": gettext_lazy("a rule fits the line too"),
    "transfer": gettext_lazy("it may be a transfer between own accounts"),
    "sum": gettext_lazy("other open titles of the payer sum to this amount"),
    "many": gettext_lazy("the payer has too many open titles to rule out a sum"),
    "named_elsewhere": gettext_lazy("the text names a document that is paid already or not in the books"),
    "before_issue": gettext_lazy("the title was issued after this day"),
    "far": gettext_lazy("this key is unique only for a time, and the title's days are far"),
    "other_payer": gettext_lazy("the line shows somebody else's CPF or CNPJ, and the number may be theirs"),
    "other_form": gettext_lazy("the text divides the number's digits otherwise"),
    "longer_number": gettext_lazy("the number may be cut short of another open title's with this amount"),
    "other_part": gettext_lazy("the text says another part of the document"),
    "pays_for_others": gettext_lazy(
        "this payer's CPF or CNPJ also stands where others' titles were paid; an intermediary is marked on its page"
    ),
    "reversal": gettext_lazy("it may be a reversal or may have been reversed"),
    "waiting": gettext_lazy("a second person is asked about it"),
    "charges": gettext_lazy("it would let go more fine and interest than one person may"),
    "by_terms": gettext_lazy("another title of the payer asks this amount by its terms"),
    "by_date": gettext_lazy("an open title has this amount and nearly this date"),
    "not_trusted": gettext_lazy("the rule does not post by itself"),
    "amount": gettext_lazy("the amounts differ"),
}


def confidence_word(confidence: Decimal | None) -> str:
    """high, medium or low for people; empty when a person decided."""
    if confidence is None:
        return ""
    if confidence >= HIGH:
        return _("high")
    return _("medium") if confidence >= MEDIUM else _("low")


def band(confidence: Decimal | None) -> str:
    """high, medium, low or manual: as figures are grouped by."""
    if confidence is None:
        return "manual"
    return "high" if confidence >= HIGH else "medium" if confidence >= MEDIUM else "low"


def sentence(evidence: Mapping[str, Any], stage: str) -> str:
    """Why, in one sentence: `Document INV/2025/000123, same amount and 3 days after the due date.`"""
    said = signals(evidence)
    if stage == "M" and not said:
        return _("Matched by hand.")
    if not said:
        return _("The evidence was not kept.")
    text = get_text_list(said, _("and"))
    why = list(doubts(evidence))
    if why:
        return _("%(signals)s; but %(doubts)s.") % {"signals": _capital(text), "doubts": "; ".join(why)}
    return f"{_capital(text)}."


def signals(evidence: Mapping[str, Any]) -> list[str]:
    """What speaks for it, in words."""
    found: list[str] = []
    documents: list[str] = []
    given = evidence.get("signals", [])
    is_transfer = any(signal.get("key") == "transfer" for signal in given)
    for signal in given:
        if signal.get("key") == "document":
            documents.append(str(signal.get("value", "")))
        elif is_transfer and signal.get("key") == "days":
            found.append(_apart(signal.get("value")))
        elif text := _signal(signal):
            found.append(text)
    if documents:
        found.insert(0, _documents(documents))
    return found


def doubts(evidence: Mapping[str, Any]) -> Iterable[str]:
    """What speaks against posting it without a person, in words."""
    return [str(CONTESTS[key]) for key in evidence.get("contests", []) if key in CONTESTS and key != "amount"]


def _documents(numbers: list[str]) -> str:
    shown = ", ".join(numbers[:DOCUMENTS_SHOWN])
    more = len(numbers) - DOCUMENTS_SHOWN
    if more > 0:
        return ngettext("documents %(shown)s and %(more)s more", "documents %(shown)s and %(more)s more", more) % {
            "shown": shown,
            "more": more,
        }
    return ngettext("document %(shown)s", "documents %(shown)s", len(numbers)) % {"shown": shown}


def _signal(signal: Mapping[str, Any]) -> str:
    key, value = signal.get("key"), signal.get("value")
    match key:
        case "key":
            return f"{KINDS.get(signal.get('kind', ''), '')} {value}".strip()
        case "payer":
            return _payer(signal)
        case "amount":
            return _("same amount") if signal.get("same", True) else _("another amount")
        case "part":
            return _("in part: %(rest)s stay open") % {"rest": _money(value)}
        case "surplus":
            return _("%(surplus)s more than is open") % {"surplus": _money(value)}
        case "sum":
            return ngettext("the sum of %(n)s title", "the sum of %(n)s titles", int(value or 0)) % {"n": value}
        case "terms":
            return _terms(signal)
        case "waived":
            return _("%(amount)s fine and interest let go") % {"amount": _money(value)}
        case "days":
            return _days(value)
        case "learned":
            return ngettext("name confirmed %(n)s time", "name confirmed %(n)s times", int(value or 0)) % {"n": value}
        case "rule":
            return _("rule “%(name)s”, version %(version)s") % {"name": value, "version": signal.get("version", 1)}
        case "text":
            return _("its text and sign")
        case "transfer":
            return _("opposite amount in %(account)s") % {"account": value}
        case "opposite":
            return _("no other line fits")
        case _:
            return ""


def _apart(value: Any) -> str:
    """How far the two sides of a transfer lie from each other."""
    days = abs(int(value or 0))
    return ngettext("%(n)s day apart", "%(n)s days apart", days) % {"n": days} if days else _("on the same day")


def _payer(signal: Mapping[str, Any]) -> str:
    if signal.get("by") == "tax_id":
        return _("payer %(name)s by CPF or CNPJ") % {"name": signal.get("value", "")}
    return _("payer's name like %(name)s") % {"name": signal.get("value", "")}


def _terms(signal: Mapping[str, Any]) -> str:
    parts = [
        text % {"amount": _money(signal.get(name))}
        for name, text in (
            ("discount", _("less %(amount)s discount")),
            ("fine", _("plus %(amount)s fine")),
            ("interest", _("plus %(amount)s interest")),
        )
        if _decimal(signal.get(name))
    ]
    return _("amount by its terms: %(parts)s") % {"parts": ", ".join(parts)} if parts else _("amount by its terms")


def _days(value: Any) -> str:
    days = int(value or 0)
    if days == 0:
        return _("on the due date")
    if days > 0:
        return ngettext("%(n)s day after the due date", "%(n)s days after the due date", days) % {"n": days}
    return ngettext("%(n)s day before the due date", "%(n)s days before the due date", -days) % {"n": -days}


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def _money(value: Any) -> str:
    return format_money(abs(_decimal(value)), get_language() or "en")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
