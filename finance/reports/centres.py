"""Cost centres as the columns of a report."""

from collections.abc import Iterable

from finance.models import CostCentre


def of(pks: Iterable[int]) -> list[CostCentre]:
    """Those of the given cost centres that there are, by code."""
    return list(CostCentre.objects.filter(pk__in=[pk for pk in pks if pk]).order_by("code", "pk"))


def active() -> list[CostCentre]:
    """Those one may choose."""
    return list(CostCentre.objects.filter(is_active=True).order_by("code", "pk"))
