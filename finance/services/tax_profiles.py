"""The tax treatments a new company starts with; people rename, add and retire them in the configuration.

Usual rates: ISS 5 % (LC 116/2003, art. 8), ICMS 18 % (São Paulo, Lei 6.374/1989, art. 34), PIS 0.65 % and COFINS 3 %
(cumulative, Lei 9.718/1998) or 1.65 % and 7.6 % (Lei 10.637/2002, 10.833/2003); withheld from services to companies:
IRRF 1.5 % (RIR/2018, art. 714), PIS 0.65 %, COFINS 3 %, CSLL 1 % (Lei 10.833/2003, art. 30).
"""

from decimal import Decimal

from django.db import transaction

from finance.models import TaxProfile, TaxRate

OWN_SERVICE = {"iss": "0.05", "pis": "0.0065", "cofins": "0.03"}
FROM_SERVICE = {"irrf": "0.015", "pis": "0.0065", "cofins": "0.03", "csll": "0.01"}
PROFILES: list[tuple[str, dict[str, str], dict[str, str]]] = [  # name, own rates, withheld rates
    ("Serviços, lucro presumido", OWN_SERVICE, {}),
    ("Serviços a empresas, com retenções", OWN_SERVICE, FROM_SERVICE),
    ("Serviços a empresas, com retenções e ISS retido", OWN_SERVICE, FROM_SERVICE | {"iss": "0.05"}),
    ("Mercadorias, lucro presumido", {"icms": "0.18", "pis": "0.0065", "cofins": "0.03"}, {}),
    ("Mercadorias, lucro real", {"icms": "0.18", "pis": "0.0165", "cofins": "0.076"}, {}),
]


@transaction.atomic
def install() -> None:
    """Give a company without tax treatments the usual ones; those that exist are left as they are."""
    if TaxProfile.objects.exists():
        return
    for name, own, withheld in PROFILES:
        profile = TaxProfile.objects.create(name=name)
        TaxRate.objects.bulk_create(
            TaxRate(profile=profile, tax=tax, rate=Decimal(rate), is_withheld=is_withheld)
            for rates, is_withheld in ((own, False), (withheld, True))
            for tax, rate in rates.items()
        )
