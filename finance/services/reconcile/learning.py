"""Names that payers use: each match by a person confirms the payer's text for the party, each undo takes it back."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest

from backoffice.core.models import Party
from finance.models import Instalment, PayerName, Posting, StatementLine

_LEARN = """
INSERT INTO finance_payername AS n (text, party_id, times) SELECT unnest(%s::text[]), %s, 1
ON CONFLICT (text, party_id) DO UPDATE SET times = n.times + 1
"""


def folded(text: str) -> str:
    """Upper case, letters and digits, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^A-Z0-9]+", " ", bare.upper()).strip()[:200]


def learn(lines: Sequence[StatementLine], parts: Iterable[Instalment]) -> None:
    """These lines were paid by, or to, the one party of these instalments; several parties teach nothing."""
    parties = {part.party_id for part in parts}
    names = sorted({folded(line.payer) for line in lines} - {""})
    if len(parties) == 1 and names:
        with connection.cursor() as cursor:
            cursor.execute(_LEARN, [names, parties.pop()])


def stranger(lines: Iterable[StatementLine], met: Mapping[int, Instalment]) -> str:
    """Who paid, or was paid, where it is known and none of the parties of the instalments; else nothing.

    Known: by CPF or CNPJ, else by a name that earlier matches taught.
    """
    parties = {part.party_id for part in met.values()}
    if not parties:
        return ""
    for line in lines:
        known: set[int] = set()
        if line.payer_tax_id:
            found = dict(Party.objects.filter(tax_id=line.payer_tax_id).values_list("pk", "is_intermediary"))
            if any(found.values()):
                continue  # it pays for others
            known = set(found)
        if not known and (name := folded(line.payer)):
            known = set(PayerName.objects.filter(text=name, times__gt=0).values_list("party", flat=True))
        if known and not known & parties:
            return line.payer or line.payer_tax_id
    return ""


def forget(lines: Sequence[StatementLine], moved: Iterable[Posting]) -> None:
    """Take back what `learn` noted for a match that was undone."""
    parties = {posting.party_id for posting in moved if posting.instalment_id and posting.party_id}
    names = {folded(line.payer) for line in lines} - {""}
    if len(parties) == 1 and names:
        PayerName.objects.filter(text__in=names, party_id__in=parties).update(times=Greatest(F("times") - 1, Value(0)))
