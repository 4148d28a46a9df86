"""Who may enter the pages that other packages bring; our own views carry `@entrance` themselves."""

from django.urls import ResolverMatch

from backoffice.core.access import Entrance

_PUBLIC = {
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_inactive",
    "mfa_authenticate",
}


def foreign(match: ResolverMatch) -> Entrance | None:
    """The entrance of a door that is not ours, or None: unknown doors stay shut."""
    if match.app_name == "admin":
        return Entrance("public") if match.url_name in ("login", "jsi18n") else Entrance("staff")
    name = match.url_name or ""
    if name in _PUBLIC:
        return Entrance("public")
    if name.startswith(("account_", "mfa_", "usersessions_")):
        return Entrance("signed_in")
    return None
