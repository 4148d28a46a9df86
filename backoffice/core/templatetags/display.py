"""How values look: money, numbers, instants, durations, states. Loaded in every template, in the reader's language.

Filters answer plain text (`{{ amount|money }}`), tags answer markup (`{% money amount %}`). Nothing is shown as "–".
"""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext
from lucide import _render_icon as render_icon

register = template.Library()

MINUS = "\u2212"
NBSP = "\u00a0"
NOTHING = "–"
NOTHING_TAG = SafeString(f'<span class="muted">{NOTHING}</span>')
CENT = Decimal("0.01")
SWAPPED = str.maketrans(",.", ".,")
CURRENCIES = {"BRL": "R$", "USD": "US$", "EUR": "€"}
TONES = ("good", "attention", "wrong", "info", "quiet")

Numeric = Decimal | int | float | str | None


def portuguese() -> bool:
    return (get_language() or "en").startswith("pt")


def grouped(value: Decimal, digits: int) -> str:
    """The digits of `value` without its sign, grouped as the reader writes them."""
    text = f"{abs(value):,.{digits}f}"
    return text.translate(SWAPPED) if portuguese() else text


def decimal_of(value: Numeric) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None


def sign_of(value: Decimal, *, plus: bool = False) -> str:
    return MINUS if value < 0 else "+" if plus and value > 0 else ""


@register.filter
def money(value: Numeric, currency: str = "BRL") -> str:
    """`−R$ 1.234,56` in Portuguese, `−R$1,234.56` in English."""
    amount = decimal_of(value)
    if amount is None:
        return NOTHING
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    gap = NBSP if portuguese() else ""
    return f"{sign_of(amount)}{CURRENCIES.get(currency, currency)}{gap}{grouped(amount, 2)}"


@register.simple_tag(name="money")
def money_tag(value: Numeric, currency: str = "BRL", plus: bool = False) -> SafeString:
    """The amount with its unit quieter than its digits; `plus=True` writes the sign of a gain too."""
    amount = decimal_of(value)
    if amount is None:
        return NOTHING_TAG
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    unit = CURRENCIES.get(currency) or escape(currency)
    gap = NBSP if portuguese() else ""
    figure = f'{sign_of(amount, plus=plus)}<span class="unit">{unit}{gap}</span>{grouped(amount, 2)}'
    return SafeString(f'<span class="money">{figure}</span>')


@register.filter
def number(value: Numeric, digits: int | None = None) -> str:
    """`1.234,5`; without `digits`, as many decimals as the value carries, six at most."""
    amount = decimal_of(value)
    if amount is None:
        return NOTHING
    exponent = amount.normalize().as_tuple().exponent
    carried = min(6, max(0, -exponent)) if isinstance(exponent, int) else 0
    places = carried if digits is None else digits
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{sign_of(rounded)}{grouped(rounded, places)}"


@register.filter
def compact(value: Numeric) -> str:
    """For axes: `1,2 mil`, `3 mi` in Portuguese, `1.2 k`, `3 M` in English."""
    amount = decimal_of(value)
    if amount is None:
        return NOTHING
    words = ("mil", "mi", "bi") if portuguese() else ("k", "M", "B")
    for power, word in zip((9, 6, 3), reversed(words), strict=True):
        if abs(amount) >= 10**power:
            return f"{number((amount / 10**power).quantize(Decimal('0.1')))}{NBSP}{word}"
    return number(amount)


@register.filter
def signed(value: Numeric, digits: int | None = None) -> str:
    """`+12` or `−12`: for changes."""
    amount = decimal_of(value)
    if amount is None:
        return NOTHING
    return ("+" if amount > 0 else "") + number(amount, digits)


@register.filter
def percent(value: Numeric, digits: int = 1) -> str:
    """A fraction of one as `12,5 %`."""
    amount = decimal_of(value)
    return NOTHING if amount is None else f"{number(amount * 100, digits)}{NBSP}%"


@register.filter
def points(value: Numeric, digits: int = 1) -> str:
    """The difference of two fractions in percentage points: `+1,2 pp`."""
    amount = decimal_of(value)
    return NOTHING if amount is None else f"{signed(amount * 100, digits)}{NBSP}pp"


@register.filter
def size(value: int | None) -> str:
    """Bytes as people say them: `1,4 MB`."""
    if value is None:
        return NOTHING
    amount = Decimal(value)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{number(amount, 0 if unit == 'B' or amount >= 100 else 1)}{NBSP}{unit}"
        amount /= 1000
    return f"{number(amount, 1)}{NBSP}GB"


@register.filter
def duration(value: timedelta | Numeric) -> str:
    """Seconds or a timedelta as people say it: `45 s`, `12 min`, `5,3 h`, `12,1 days`."""
    seconds = Decimal(str(value.total_seconds())) if isinstance(value, timedelta) else decimal_of(value)
    if seconds is None:
        return NOTHING
    length = abs(seconds)
    if length < 60:
        return f"{number(seconds, 0 if length >= 10 or length == 0 else 1)}{NBSP}s"
    if length < 3600:
        return f"{number(seconds / 60, 0)}{NBSP}min"
    if length < 48 * 3600:
        return f"{number(seconds / 3600, 1)}{NBSP}h"
    days = number(seconds / 86400, 1)
    unit = gettext("days")
    return f"{days}{NBSP}{unit}"


@register.filter
def day(value: date | datetime | None) -> str:
    """A civil date: `today`, `12 Nov`, and the year when it is another one."""
    if value is None:
        return NOTHING
    civil = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return named_day(civil, timezone.localdate(), get_language() or "en")


@lru_cache(maxsize=8192)
def named_day(civil: date, today: date, language: str) -> str:
    """Kept, because a list writes the same few days hundreds of times."""
    away = (civil - today).days
    if -1 <= away <= 1:
        return gettext("yesterday") if away < 0 else gettext("tomorrow") if away else gettext("today")
    return short_date(civil, year=civil.year != today.year)


def short_date(civil: date, *, year: bool) -> str:
    text = date_format(civil, "j M Y" if year else "j M")
    return (text.lower() if portuguese() else text).replace(" ", NBSP)


@register.filter
def dated(value: date) -> str:
    """A civil date with its year, for reports and papers: `12 Nov 2026`."""
    return short_date(value, year=True)


@lru_cache(maxsize=8192)
def full_date(civil: date, language: str) -> str:
    return date_format(civil, "D j M Y")


@register.filter
def month(value: date) -> str:
    """`November 2026`, `novembro de 2026`."""
    text = date_format(value, "YEAR_MONTH_FORMAT")
    return text.lower() if portuguese() else text


@register.filter
def moment(value: datetime | None) -> str:
    """An instant on the company's clock: `today, 14:02`; `12 Nov, 09:30`."""
    if value is None:
        return NOTHING
    return _moment(timezone.localtime(value))


def _moment(local: datetime) -> str:
    return f"{day(local.date())}, {local:%H:%M}"


@register.filter
def stamp(value: datetime | date | None) -> str:
    """The whole truth of an instant, for titles: `Tue 12 Nov 2024, 14:02:33 −03`."""
    if value is None:
        return NOTHING
    return (
        _stamp(timezone.localtime(value)) if isinstance(value, datetime) else full_date(value, get_language() or "en")
    )


def _stamp(local: datetime) -> str:
    clock, offset = f"{local:%H:%M:%S/%z}".split("/")
    offset = offset.removesuffix("00").replace("-", MINUS)
    return f"{full_date(local.date(), get_language() or 'en')}, {clock} {offset}"


@register.filter
def ago(value: datetime | date | None) -> str:
    """How long since: `just now`, `5 min ago`, `3 h ago`, `yesterday`, `6 days ago`, then the date."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        seconds = int((timezone.now() - value).total_seconds())
        if 0 <= seconds < 60:
            return gettext("just now")
        if 0 <= seconds < 3600:
            return gettext("%(n)s min ago") % {"n": seconds // 60}
        if 0 <= seconds < 6 * 3600:
            return gettext("%(n)s h ago") % {"n": seconds // 3600}
    civil = timezone.localtime(value).date() if isinstance(value, datetime) else value
    days = (timezone.localdate() - civil).days
    if 1 < days < 30:
        return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}
    return moment(value) if isinstance(value, datetime) and days < 2 else day(civil)


@register.filter
def age(value: datetime | date | None) -> str:
    """How old, short, for queues: `40 min`, `5 h`, `6 d`."""
    if value is None:
        return NOTHING
    if not isinstance(value, datetime):
        return gettext("%(n)s d") % {"n": (timezone.localdate() - value).days}
    seconds = max(0, int((timezone.now() - value).total_seconds()))
    if seconds < 3600:
        return gettext("%(n)s min") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return gettext("%(n)s h") % {"n": seconds // 3600}
    return gettext("%(n)s d") % {"n": number(seconds // 86400)}


@register.filter
def overdue(value: datetime | date | None) -> bool:
    """Whether a due date or instant has passed."""
    if value is None:
        return False
    return value < timezone.now() if isinstance(value, datetime) else value < timezone.localdate()


SHORT = {"day": day, "ago": ago, "age": age}


@register.simple_tag
def when(value: datetime | date | None, style: str = "moment") -> SafeString:
    """`<time>` with the full stamp on hover; `style` is moment, day, ago or age."""
    if value is None:
        return NOTHING_TAG
    if isinstance(value, datetime):
        local = timezone.localtime(value)
        text, whole = _moment(local) if style == "moment" else SHORT[style](value), _stamp(local)
    else:
        text, whole = SHORT.get(style, day)(value), stamp(value)
    return SafeString(f'<time datetime="{value.isoformat()}" title="{escape(whole)}">{escape(text)}</time>')


@register.simple_tag
def badge(tone: str, label: Any) -> SafeString:
    """A state as a word with a shape; `tone` is good, attention, wrong, info or quiet."""
    return format_html('<span class="badge {}">{}</span>', tone if tone in TONES else "quiet", label)


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """A lucide icon that says nothing to a screen reader: the word stands beside it."""
    return drawn(name, size)


@lru_cache(maxsize=256)
def drawn(name: str, size: int) -> SafeString:
    return SafeString(render_icon(name, size, aria_hidden="true", focusable="false", **{"class": "icon"}))


@register.simple_tag
def avatar(person: Any) -> SafeString:
    """The initials of a person; their name is read and shown on hover."""
    words = [word for word in str(person or "").replace("@", " ").split() if word[0].isalnum()]
    initials = "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()
    shade = sum(str(person).encode()) % 5
    return format_html('<span class="avatar shade-{}" aria-hidden="true">{}</span>', shade, initials or "·")


@register.simple_tag
def kbd(keys: str) -> SafeString:
    """Keys as they stand on the keyboard: `{% kbd "Ctrl K" %}`."""
    parts = [format_html("<kbd>{}</kbd>", key) for key in keys.split()]
    return format_html('<span class="keys">{}</span>', mark_safe("".join(parts)))


# The first name that a browser's long self-description holds is the true one.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser(agent: str) -> str:
    """`Firefox, Linux` from the self-description that a browser sends."""
    found = [next((name for mark, name in names if mark in agent), "") for names in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or agent[:60] or NOTHING
