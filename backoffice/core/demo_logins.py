"""Demo logins have passwords that everybody knows; production does not start where one exists."""

from django.conf import settings

from .models import User


def refuse() -> None:
    """End this process with a clear line if production settings meet a demo login."""
    if settings.REFUSE_DEMO_LOGINS and User.objects.filter(is_demo=True).exists():
        raise SystemExit(
            "This database holds demo logins, whose passwords are public. Production does not start with them: "
            "use an empty database (migrate, then create_administrator)."
        )
