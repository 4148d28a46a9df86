"""Bank statements as an import: looked at, asked about, shown, taken, taken back."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.imports import FileSource
from backoffice.core.jobs import Work
from backoffice.core.models import ImportBatch
from finance.services import statements


class Statements(FileSource):
    key = statements.SOURCE
    title = _("Bank statement")
    help = _("OFX, CNAB 240, camt.053, MT940, QIF, CSV or XLSX, also in a zip.")
    right_create = "finance.statement_import.create"
    right_post = "finance.statement_import.post"

    def take(self, batch: ImportBatch, work: Work) -> None:
        statements.take(batch, work)
