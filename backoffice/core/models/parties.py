"""Whom we deal with: one Party per person or organisation, whatever roles it plays."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..folding import Plain
from .base import Referable
from .imports import ImportBatch


class Party(Referable):
    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        ORGANISATION = "organisation", _("Organisation")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(_("name"), max_length=200)
    tax_id = models.CharField(_("CPF or CNPJ"), max_length=14, blank=True)  # letters and digits only; digits checked
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    is_intermediary = models.BooleanField(  # a bank line that shows it does not say who pays
        _("intermediary of payments"),
        default=False,
        db_default=False,
        help_text=_(
            "A bank, an acquirer or a marketplace that pays for others: its CNPJ never says whose title is paid."
        ),
    )
    created_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)
    search = models.GeneratedField(  # stored: folding a name costs more than reading it
        expression=Plain("name"), output_field=models.TextField(), db_persist=True
    )

    class Meta:
        verbose_name = _("party")
        indexes = [
            GinIndex(OpClass("search", name="gin_trgm_ops"), name="core_party_search"),
            models.Index(fields=["name", "id"], name="core_party_name"),
            models.Index(fields=["kind", "name", "id"], name="core_party_kind"),
            models.Index(fields=["created_at", "id"], name="core_party_created"),
        ]
        verbose_name_plural = _("parties")
        constraints = [
            models.UniqueConstraint(fields=["tax_id"], condition=~models.Q(tax_id=""), name="core_party_tax_id_once"),
            models.CheckConstraint(
                name="core_party_tax_id_shape",
                condition=models.Q(tax_id="") | models.Q(tax_id__regex=r"^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$"),
                violation_error_message=_("A CPF has 11 digits; a CNPJ has 12 letters or digits and 2 check digits."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PartyRole(models.Model):
    class Role(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        SUPPLIER = "supplier", _("Supplier")
        SELLER = "seller", _("Seller")
        EMPLOYEE = "employee", _("Employee")

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "role"], name="core_party_role_once")]
        indexes = [models.Index(fields=["role", "party"], name="core_party_role")]


class PartyKey(models.Model):
    """The name another system gives a party; one import source never makes the same party twice."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="keys")
    source = models.CharField(max_length=60)
    key = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="core_party_key_once")]


class PartyAddress(models.Model):
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="addresses")
    label = models.CharField(_("label"), max_length=60, blank=True)
    street = models.CharField(_("street and number"), max_length=200, blank=True)
    district = models.CharField(_("district"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=120)
    state = models.CharField(_("state"), max_length=2)
    postal_code = models.CharField(_("CEP"), max_length=8, blank=True)  # 5 (prefix) or 8 digits
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["party", "postal_code", "city", "state", "street"], name="core_party_address_once"
            )
        ]
