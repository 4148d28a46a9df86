"""Forms of a party: who it is, which roles it plays, where it is."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .documents import format_tax_id
from .forms import House, ModelForm, TaxIdField
from .models import Party, PartyAddress, PartyRole

OPEN_ROLES = [PartyRole.Role.CUSTOMER, PartyRole.Role.SUPPLIER, PartyRole.Role.SELLER]
STATES = "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO".split()  # noqa: SIM905


class PartyForm(ModelForm):
    tax_id = TaxIdField(label=_("CPF or CNPJ"), required=False)
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        choices=[(role.value, role.label) for role in OPEN_ROLES],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Party
        fields = ["kind", "name", "tax_id", "email", "phone", "is_intermediary"]
        widgets = {"kind": forms.RadioSelect}
        error_messages = {"name": {"required": _("Say who it is.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = Party.Kind.choices  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial["tax_id"] = format_tax_id(self.instance.tax_id)
            self.initial["roles"] = list(self.instance.roles.values_list("role", flat=True))

    def clean_phone(self) -> str:
        phone = re.sub(r"[^0-9+]", "", self.cleaned_data["phone"])
        if phone and not 8 <= len(phone) <= 16:
            raise forms.ValidationError(_("A phone number has 8 to 15 digits."), code="length")
        return phone

    def clean_tax_id(self) -> str:
        tax_id: str = self.cleaned_data["tax_id"]
        if tax_id and Party.objects.filter(tax_id=tax_id).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another party has this CPF or CNPJ."), code="taken")
        return tax_id

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tax_id, kind = cleaned.get("tax_id"), cleaned.get("kind")
        if tax_id and kind == Party.Kind.ORGANISATION and len(tax_id) == 11:
            self.add_error("tax_id", _("This is a CPF, and an organisation has a CNPJ."))
        elif tax_id and kind == Party.Kind.PERSON and len(tax_id) == 14:
            self.add_error("tax_id", _("This is a CNPJ, and a person has a CPF."))
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    @property
    def kept_roles(self) -> list[str]:
        """The chosen roles, and those that this form does not offer."""
        offered = {role.value for role in OPEN_ROLES}
        held = set(self.instance.roles.values_list("role", flat=True)) if self.instance.pk else set()
        return sorted({*self.cleaned_data["roles"], *(held - offered)})


class AddressForm(House, forms.ModelForm):  # type: ignore[type-arg]
    state = forms.ChoiceField(label=_("State"), choices=[("", "–"), *((uf, uf) for uf in STATES)])
    postal_code = forms.CharField(label=_("CEP"), required=False, max_length=12)

    class Meta:
        model = PartyAddress
        fields = ["label", "street", "district", "city", "state", "postal_code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def clean_postal_code(self) -> str:
        code = re.sub(r"[\s.-]", "", self.cleaned_data["postal_code"])
        if code and not re.fullmatch(r"[0-9]{5}([0-9]{3})?", code):
            raise forms.ValidationError(_("A CEP has 8 digits."), code="length")
        return code


AddressFormSet = forms.modelformset_factory(
    PartyAddress, form=AddressForm, extra=1, can_delete=True, can_delete_extra=False, max_num=20
)


def rows_of(formset: Any) -> list[dict[str, str]]:
    """The addresses to keep, as the service takes them."""
    kept = [form.cleaned_data for form in formset.forms if form.cleaned_data and form not in formset.deleted_forms]
    return [{name: row[name] for name in AddressForm.Meta.fields} for row in kept if row.get("city")]
