"""What a person keeps of a list: named filters, chosen columns, density."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    list_key = models.CharField(max_length=60)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(
        max_length=1000, blank=True
    )  # an allow-listed query string, parsed by the list's own filters
    columns = models.JSONField(default=list)
    is_shared = models.BooleanField(_("share with everyone who can open this list"), default=False)
    is_default = models.BooleanField(_("open this list with it"), default=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list_key", "owner", "name"], name="core_saved_view_name_once"),
            models.UniqueConstraint(
                fields=["list_key", "owner"], condition=models.Q(is_default=True), name="core_saved_view_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ListPreference(models.Model):
    list_key = models.CharField(max_length=60)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_preferences")
    columns = models.JSONField(default=list)
    dense = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list_key", "user"], name="core_list_preference_once")]


class HeldFilter(models.Model):
    """Filter values that must not stand in an address (CPF, salary, account): one person's, under an opaque token."""

    token = models.CharField(max_length=32, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    list_key = models.CharField(max_length=60)
    values = models.JSONField(default=dict)  # filter key → list of texts
    held_at = models.DateTimeField(db_default=Now())
