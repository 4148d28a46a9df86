"""Forms about accounts."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from .forms import Form
from .roles import ROLES

_ROLES = [(role.key, role.name) for role in ROLES if role.key != "employee"]


class InvitationForm(Form):
    email = forms.EmailField(label=_("E-mail"), max_length=254, help_text=_("The link to set a password goes there."))
    name = forms.CharField(label=_("Name"), max_length=120)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=_ROLES,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Everyone is also an employee and sees their own things."),
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)
