"""The page that shows every component in every state, for whoever draws or checks screens."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from ..access import entrance
from ..charts import Chart, Point, Series, bars, line, ranked, shares, sparkline
from ..templatetags.display import money, number, percent, short_date

WAVE = [62, 58, 71, 66, 80, 74, 69, 77, 85, 79, 91, 88, 84, 96, 90, 99, 93, 104, 98, 101, 95, 108, 112, 105, 99, 116]


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As it stands on the invoice.")
    amount = forms.CharField(label="Amount", widget=forms.TextInput(attrs={"class": "money-input"}))
    kind = forms.ChoiceField(label="Kind", choices=[("a", "Customer"), ("b", "Supplier")])
    when = forms.DateField(label="Due", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    how = forms.ChoiceField(
        label="How it is paid",
        choices=[("card", "Card"), ("slip", "Bank slip")],
        widget=forms.RadioSelect,
        initial="card",
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    keep = forms.BooleanField(label="Tell me when it is done", required=False)


class SampleFile(forms.Form):
    sheet = forms.FileField(
        label="Drop files here, or choose them", help_text="CSV, CSV.GZ, XLSX or a ZIP of them, up to 512 MB."
    )


@entrance("core.person.read")
def design(request: HttpRequest) -> HttpResponse:
    """Its samples speak English only: for developers and the demo, not for the company's own house."""
    if not (settings.DEBUG or settings.DEMO):
        raise Http404
    return render(request, "core/design.html", samples())


def samples() -> dict[str, Any]:
    now = timezone.now()
    today = timezone.localdate()
    days = [today - timedelta(days=len(WAVE) - 1 - n) for n in range(len(WAVE))]
    points = [
        Point(short_date(day, year=False), Decimal(value), "/help/") for day, value in zip(days, WAVE, strict=True)
    ]
    before = [
        Point(point.label, Decimal(value - 14 + n % 5))
        for n, (point, value) in enumerate(zip(points, WAVE, strict=True))
    ]
    months = [Point(name, Decimal(value), "/help/") for name, value in zip("JFMAMJJASOND", WAVE[::2], strict=False)]
    names = [
        Point(label, Decimal(value), "/help/")
        for label, value in [("Credit card", 7400), ("Bank slip", 1904), ("Voucher", 555), ("Debit card", 152)]
    ]
    spark = sparkline([Decimal(value) for value in WAVE])
    tile: dict[str, Any] = {
        "label": "Orders a day",
        "url": "/help/",
        "value": number(116),
        "target": number(100),
        "state": "On target",
        "tone": "good",
        "changes": [
            {"text": "+12,4 %", "against": "on the month before", "tone": "good"},
            {"text": "+31,0 %", "against": "on last year", "tone": "good"},
        ],
        "spark": spark,
        "as_of": now,
        "definition": "Orders bought in the period and not cancelled, divided by its days.",
        "owner": "Marta Azevedo",
    }
    return {
        "crumbs": [("Components", "")],
        "now": now,
        "old": now - timedelta(days=400),
        "long": timedelta(hours=293),
        "tones": ["good", "attention", "wrong", "info", "quiet"],
        "tabs": [
            {"label": "All open", "url": "#", "current": True, "count": "1.204"},
            {"label": "Mine", "url": "#", "count": 12},
            {"label": "Late", "url": "#"},
        ],
        "chips": [
            {"label": "State", "value": "delivered", "remove_url": "#"},
            {"label": "bought", "value": "in October", "remove_url": "#"},
        ],
        "links": [
            {
                "kind": "Order",
                "label": "PED-2024-00812",
                "url": "#",
                "state": "Delivered",
                "tone": "good",
                "current": True,
            },
            {
                "kind": "Delivery",
                "label": "4 Nov",
                "url": "#",
                "state": "Late",
                "tone": "attention",
                "detail": "2 days",
            },
            {"kind": "Payment", "label": money("1204.5"), "url": "#", "state": "Paid", "tone": "good"},
        ],
        "entries": [
            {
                "at": now,
                "who": "Marta Azevedo",
                "text": "changed the due date",
                "changes": [{"label": "Due", "before": "4 Nov", "after": "12 Nov"}],
            },
            {
                "at": now - timedelta(hours=5),
                "who": "Ana Prado",
                "text": "wrote",
                "body": "@marta the carrier confirmed.",
                "kind": "comment",
            },
            {
                "at": now - timedelta(days=3),
                "who": "",
                "text": "imported the order",
                "source": "import #12",
                "url": "#",
            },
        ],
        "tiles": [
            tile,
            tile
            | {
                "label": "Error rate of financial transactions",
                "value": percent("0.0123"),
                "target": "≤ 1,0 %",
                "state": "Above target",
                "tone": "wrong",
                "changes": [{"text": "+0,2 pp", "against": "on the month before", "tone": "wrong"}],
            },
            tile
            | {
                "label": "Order processing time, median",
                "value": "10,2",
                "unit": "h",
                "target": "≤ 12 h",
                "changes": tile["changes"][:1],
            },
            tile
            | {
                "label": "Review score",
                "value": "4,1",
                "unit": "of 5",
                "state": "Close",
                "tone": "attention",
                "target": "≥ 4,2",
            },
            tile
            | {
                "label": "Cancellations",
                "value": "–",
                "target": "",
                "changes": [],
                "spark": "",
                "tone": "",
                "note": "No orders in this period.",
                "note_url": "#",
                "note_label": "Show October",
            },
        ],
        "charts": [
            Chart(
                finding="Orders rose to 116 a day",
                question="Orders bought each day, against the month before",
                svg=line(
                    [Series("now", points, "now"), Series("previous", before, "month before")],
                    title="Orders a day",
                    text=number,
                    target=Decimal(90),
                    target_label="target 90",
                ),
                headings=["Day", "Orders", "Month before"],
                rows=[(p.label, number(p.value), number(q.value)) for p, q in zip(points, before, strict=True)],
            ),
            Chart(
                finding="Revenue follows the season",
                question="Goods and freight by month of purchase",
                svg=bars(
                    months,
                    previous=[Point(p.label, Decimal(p.value or 0) - 9) for p in months],
                    title="Revenue",
                    text=money,
                ),
                headings=["Month", "Revenue"],
                rows=[(p.label, money(p.value)) for p in months],
            ),
            Chart(finding="Three of four orders are paid by card", svg=shares(names, title="Payment mix", text=number)),
            Chart(finding="Credit card brings most", svg=ranked(names, title="By kind", text=number)),
            Chart(
                finding="No orders in this period",
                empty="No data between 1 and 7 Nov.",
                empty_url="#",
                empty_label="Show October",
            ),
        ],
        "form": SampleForm(),
        "bad": SampleForm({"amount": "1.234,5O"}),
        "file": SampleFile(),
        "steps": [
            {"label": "File", "state": "past"},
            {"label": "Columns", "state": "past"},
            {"label": "Check", "state": "now"},
            {"label": "Done", "state": "next"},
        ],
        "numbers": [
            {"label": _("To create"), "value": 99_441},
            {"label": _("To update"), "value": 12},
            {"label": _("Unchanged"), "value": 0},
            {"label": _("Refused"), "value": 37, "tone": "wrong", "url": "#", "link": _("Download the rows")},
        ],
        "rows": [
            {
                "name": f"PED-2024-{812 + n:05}",
                "who": who,
                "state": state,
                "tone": tone,
                "at": now - timedelta(hours=31 * n),
                "total": Decimal(total),
            }
            for n, (who, state, tone, total) in enumerate(
                [
                    ("Livraria Horizonte", "Delivered", "good", "1204.50"),
                    ("Mercado Bom Dia", "In transit", "info", "88.90"),
                    ("Casa Verde Jardins", "Late", "attention", "15230.00"),
                    ("Paulo Siqueira", "Cancelled", "wrong", "-62.10"),
                    ("Ateliê Nogueira", "Created", "quiet", "431.07"),
                ]
            )
        ],
        "groups": [
            {
                "label": "Pages",
                "entries": [
                    {"label": "Orders", "detail": "Logistics", "url": "#", "icon": "package", "shortcut": "g o"}
                ],
            },
            {
                "label": "Orders",
                "entries": [{"label": "PED-2024-00812", "detail": "Livraria Horizonte · R$ 1.204,50", "url": "#"}],
            },
        ],
        "query": "812",
    }
