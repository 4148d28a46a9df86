"""The outbox: an event is a row of the business transaction; a delivery is one handler's copy, held by one worker."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    name = models.CharField(max_length=80)  # past tense, `logistics.orders_imported`
    data = models.JSONField(default=dict)  # ids and text only
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["name", "-id"], name="core_event_name")]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class Delivery(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        PARKED = "parked"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    cause = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "handler"], name="core_delivery_once")]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(state="waiting"), name="core_delivery_waiting"),
            models.Index(fields=["-id"], condition=models.Q(state="parked"), name="core_delivery_parked"),
        ]
