"""The web process: pages for people, nothing slow."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings.dev")
os.environ.setdefault("RETAGUARDA_PROCESS", "web")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from backoffice.core import demo_logins  # noqa: E402 (needs the applications)

demo_logins.refuse()
