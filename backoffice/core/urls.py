from django.urls import path

from .views import health, home, shell

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("language/", shell.language, name="language"),
    path("theme/", shell.theme, name="theme"),
    path("shortcuts/", shell.shortcuts, name="shortcuts"),
    path("help/", shell.help_page, name="help"),
    path("design/", shell.design, name="design"),
]
