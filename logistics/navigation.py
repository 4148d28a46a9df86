"""Doors of logistics in the menu."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.shell import register_nav

register_nav("logistics", _("Exceptions"), "logistics:exceptions", "logistics.exception.read", "triangle-alert", 10)
register_nav("logistics", _("Orders"), "logistics:orders", "logistics.order.read", "package", 20)
register_nav("logistics", _("Reviews"), "logistics:reviews", "logistics.order.read", "star", 30)
register_nav("logistics", _("Products"), "logistics:products", "logistics.product.read", "boxes", 40)
