from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KpisConfig(AppConfig):
    name = "kpis"
    verbose_name = _("Indicators")
    default_auto_field = "django.db.models.BigAutoField"
    append_only = ("kpis_fact",)  # what the application's database role may only add to
