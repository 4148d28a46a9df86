"""Forms of the account pages that differ from allauth's."""

from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from django.http import HttpRequest

from .services import people


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **options: object) -> str:
        """Ask; whether the address is known is found out by a worker, so the answer and its time say nothing."""
        email = str(self.cleaned_data["email"])
        people.ask_for_password_reset(email)
        return email
