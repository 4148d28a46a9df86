"""Who may enter the pages that other packages bring; our own views carry `@entrance` themselves."""

from django.urls import ResolverMatch

from backoffice.core.access import Entrance

# A person is known only after the second factor, so the page that asks for it is open like the sign-in page before it.
_PUBLIC = {
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_inactive",
    "mfa_authenticate",
}
_SIGNED_IN = {
    "account_logout",
    "account_reauthenticate",
    "account_change_password",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "usersessions_list",
}


def foreign(match: ResolverMatch) -> Entrance | None:
    """The entrance of a door that is not ours, or None: unknown doors stay shut."""
    if match.app_name == "admin":
        return Entrance("public") if match.url_name == "login" else Entrance("staff")
    if match.url_name in _PUBLIC:
        return Entrance("public")
    if match.url_name in _SIGNED_IN:
        return Entrance("signed_in")
    return None
