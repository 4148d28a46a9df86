"""Production: every secret and address from the environment, nothing assumed."""

from django.core.exceptions import ImproperlyConfigured

from backoffice.core import logs

from .base import *  # noqa: F403
from .base import BEHIND_PROXY, DEMO, env

DEBUG = False
SECRET_KEY = env("SECRET_KEY")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
    raise ImproperlyConfigured("SECRET_KEY is weak: take 50 random characters or more.")
if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG is set: production never shows its inside. Remove it from the environment.")
if DEMO:
    raise ImproperlyConfigured("RETAGUARDA_DEMO is set: demo data has no place in production.")
REFUSE_DEMO_LOGINS = True
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SITE_URL = env("SITE_URL")
MFA_REQUIRED = True  # whoever approves or sees pay; no environment switches it off

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
KNOWN_BROWSER_COOKIE = "__Host-known"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = logs.configuration(as_json=True, level=env("LOG_LEVEL", default="INFO"))
