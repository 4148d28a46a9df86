"""Forms of logistics."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.core.forms import DateField, Form, ModelForm
from backoffice.core.models import User
from backoffice.core.roles import roles_with

from .filters import STATES
from .models import Order


class OrderForm(ModelForm):
    customer_state = forms.ChoiceField(
        label=_("State of Brazil"), required=False, choices=[("", "–"), *((one, one) for one in STATES)]
    )
    promised_on = DateField(label=_("Promised for"), required=False)

    class Meta:
        model = Order
        fields = ["customer_name", "customer_city", "customer_state", "customer_postal", "promised_on"]
        help_texts = {"customer_postal": _("The first 5 digits or all 8.")}

    def clean_customer_postal(self) -> str:
        digits = "".join(sign for sign in self.cleaned_data["customer_postal"] if sign.isdigit())
        if len(digits) not in (0, 5, 8):
            raise forms.ValidationError(_("A CEP has 5 digits or 8."))
        return digits


class WaiveForm(Form):
    reason = forms.CharField(
        label=_("Why nothing is to be done"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why; the reason stays with the exception.")},
    )


class AssignForm(Form):
    owner = forms.ModelChoiceField(
        label=_("Who sees to it"), queryset=User.objects.none(), required=False, empty_label=_("The department")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = people_for_exceptions()


def people_for_exceptions() -> Any:
    """Who may see to exceptions, by name."""
    roles = [role.key for role in roles_with("logistics.exception.edit")]
    return User.objects.filter(is_active=True, groups__name__in=roles).distinct().order_by("name", "pk")
