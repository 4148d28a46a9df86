"""What is sold: products and the categories they are filed under."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import ImportBatch, Referable


class ProductCategory(Referable):
    source = models.CharField(_("source"), max_length=60)
    key = models.CharField(_("key"), max_length=120)  # as the source writes it, `beleza_saude`
    name_pt = models.CharField(_("name in Portuguese"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120, blank=True)  # two of Olist's have none
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("product category")
        verbose_name_plural = _("product categories")
        constraints = [
            models.UniqueConstraint(
                name="logistics_category_once",
                fields=["source", "key"],
                violation_error_message=_("This source already has a category with this key."),
            )
        ]

    def __str__(self) -> str:
        return self.name_pt if (get_language() or "").startswith("pt") else (self.name_en or self.name_pt)


class Product(Referable):
    source = models.CharField(_("source"), max_length=60)
    code = models.CharField(_("code"), max_length=80)  # the source's own, its SKU
    name = models.CharField(_("name"), max_length=200, blank=True)
    category = models.ForeignKey(
        ProductCategory,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="products",
        verbose_name=_("category"),
    )
    weight_g = models.PositiveIntegerField(_("weight in grams"), null=True, blank=True)
    length_cm = models.PositiveIntegerField(_("length in centimetres"), null=True, blank=True)
    height_cm = models.PositiveIntegerField(_("height in centimetres"), null=True, blank=True)
    width_cm = models.PositiveIntegerField(_("width in centimetres"), null=True, blank=True)
    photo_count = models.PositiveSmallIntegerField(_("photos"), null=True, blank=True)
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.UniqueConstraint(
                name="logistics_product_once",
                fields=["source", "code"],
                violation_error_message=_("This source already has a product with this code."),
            )
        ]
        indexes = [models.Index(fields=["code", "id"], name="logistics_product_code")]

    def __str__(self) -> str:
        return self.name or self.code
