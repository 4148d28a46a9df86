"""What people did during the demo's year: targets, waivers, a question that waits, talk and tasks."""

import datetime as dt
from decimal import Decimal

from django.db import connection

from backoffice.core.models import User
from backoffice.core.services import activity, approvals, tasks
from kpis.models import MeasureSetting
from logistics.models import Order, OrderException
from logistics.services import exceptions

# measure → owner's role, target, attention, alarm: some met, some missed, in the measure's own unit
TARGETS: dict[str, tuple[str, str, str | None, str | None]] = {
    "logistics.processing_time": ("logistics_manager", "36", "40", "48"),
    "finance.transaction_error_rate": ("finance_manager", "0.0080", "0.0120", "0.0200"),
    "finance.reconciliation_error_rate": ("finance_manager", "0.0200", "0.0500", "0.1000"),
    "finance.automatic_share": ("finance_manager", "0.9000", "0.8000", None),
    "logistics.review_score": ("logistics_manager", "4.3", "4.1", "3.8"),
    "logistics.answer_time": ("logistics_manager", "36", "42", "60"),
    "finance.freight_share": ("finance_manager", "0.1400", "0.1600", "0.1900"),
    "logistics.orders": ("director", "400", None, None),
    "finance.gmv": ("director", "110000", None, None),
    "finance.average_ticket": ("marketing_analyst", "290", None, None),
    "logistics.late_by_date": ("logistics_manager", "0.0500", "0.0700", "0.1000"),
    "logistics.late_by_stamp": ("logistics_manager", "0.0600", "0.0800", "0.1200"),
    "logistics.cancellation_rate": ("logistics_manager", "0.0150", "0.0200", "0.0300"),
    "marketing.leads": ("marketing_analyst", "50", None, None),
    "marketing.conversion": ("marketing_analyst", "0.1200", "0.0900", "0.0600"),
    "marketing.days_to_win": ("marketing_analyst", "21", "28", "40"),
}


def set_targets(people: dict[str, User]) -> None:
    MeasureSetting.objects.bulk_create(
        MeasureSetting(
            measure=measure,
            owner=people[role],
            target=Decimal(target),
            attention=attention and Decimal(attention),
            alarm=alarm and Decimal(alarm),
        )
        for measure, (role, target, attention, alarm) in TARGETS.items()
    )


def date_exceptions(*, now: dt.datetime) -> None:
    """The detectors have just opened a year of exceptions at once: date each by its order, as if they had run daily."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE logistics_orderexception e
            SET opened_at = least(%(now)s, dated.at), due_at = dated.at + interval '2 days'
            FROM (SELECT x.id AS pk, greatest(o.purchased_at + interval '3 hours',
                                  CASE WHEN x.code = 'late' THEN o.promised_at + interval '1 day' END) AS at
                  FROM logistics_order o JOIN logistics_orderexception x ON x.order_id = o.id) AS dated
            WHERE e.id = dated.pk
            """,
            {"now": now},
        )


def work_the_queue(people: dict[str, User], *, now: dt.datetime) -> None:
    """Old small differences were waived, recent ones are taken or wait; one above the limit asks a second person."""
    still_open = OrderException.objects.filter(closed_at=None).select_related("order").order_by("opened_at", "pk")
    asked = 0
    for row in still_open.exclude(code="late"):
        clerk = people["finance_clerk" if row.department == "finance" else "logistics_clerk"]
        if (now - row.opened_at).days > 12:
            question = exceptions.waive(row.pk, reason="Conferido com a adquirente; a diferença é deles.", by=clerk)
            if question:
                approvals.decide(question.pk, yes=True, by=people[f"{row.department}_manager"])
        elif asked < 2 and exceptions.needs_second_person(row):
            asked += 1
            exceptions.waive(row.pk, reason="O cliente ficou com a peça e acertou o resto no balcão.", by=clerk)
    for place, row in enumerate(still_open.filter(waived_at=None).order_by("-opened_at", "pk")[:12]):
        taker = people["finance_clerk" if row.department == "finance" else "logistics_clerk"]
        if place % 2:
            exceptions.assign([row.pk], owner=taker, by=people["logistics_manager"])


def talk(people: dict[str, User], *, today: dt.date) -> None:
    """Comments that call people, and tasks that are due."""
    late = list(
        OrderException.objects.filter(code="late", closed_at=None).select_related("order").order_by("-due_at", "pk")[:3]
    )
    for row, body in zip(
        late,
        (
            "Sem leitura da transportadora desde quinta. @Luciana, mandamos outra peça?",
            "O cliente já ligou duas vezes. @Jonas, cobre a transportadora amanhã cedo.",
            "Endereço confirmado por telefone; a entrega sai de novo hoje.",
        ),
        strict=False,
    ):
        activity.comment(
            ref=row.order.ref, body=body, by=people["logistics_clerk" if "Luciana" in body else "logistics_manager"]
        )
        tasks.create(
            title=f"Cobrar a transportadora do pedido {row.order.number}",
            assignee=people["logistics_clerk"],
            by=people["logistics_manager"],
            due_on=today + dt.timedelta(days=1),
            subject=row.order.ref,
        )
    newest = Order.objects.filter(status=Order.Status.DELIVERED).order_by("-purchased_at", "-pk").first()
    if newest:
        activity.comment(
            ref=newest.ref,
            body="@Bianca, o repasse do cartão deste pedido vem no arquivo de amanhã.",
            by=people["finance_manager"],
        )
    tasks.create(
        title="Rever a tabela de frete com as transportadoras",
        assignee=people["finance_manager"],
        by=people["director"],
        due_on=today + dt.timedelta(days=5),
    )
    tasks.create(
        title="Preparar os números da reunião de segunda",
        assignee=people["director"],
        by=people["director"],
        due_on=today + dt.timedelta(days=2),
    )
