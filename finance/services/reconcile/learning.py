"""Names that payers use: each match by a person confirms the payer's text for the party, each undo takes it back."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest

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


def forget(lines: Sequence[StatementLine], moved: Iterable[Posting]) -> None:
    """Take back what `learn` noted for a match that was undone."""
    parties = {posting.party_id for posting in moved if posting.instalment_id and posting.party_id}
    names = {folded(line.payer) for line in lines} - {""}
    if len(parties) == 1 and names:
        PayerName.objects.filter(text__in=names, party_id__in=parties).update(times=Greatest(F("times") - 1, Value(0)))
