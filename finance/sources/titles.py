"""Open titles from CSV or XLSX: what customers owe and what is owed to suppliers on the day the books begin."""

from typing import Any

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core.imports import Column, Source, Table, Waits
from backoffice.core.models import ImportBatch, User
from finance.services import second_person, title_intake

COLUMNS = [
    Column(
        "direction",
        title=_("Receivable or payable"),
        required=True,
        max_length=40,
        aliases=("tipo", "natureza", "type", "a receber ou a pagar"),
    ),
    Column(
        "number",
        title=_("Document number"),
        required=True,
        max_length=60,
        aliases=("document", "documento", "número do documento", "numero", "número", "nota", "título", "duplicata"),
    ),
    Column(
        "party",
        title=_("Customer or supplier"),
        max_length=200,
        aliases=("cliente", "fornecedor", "nome", "name", "razão social", "cliente ou fornecedor"),
    ),
    Column("tax_id", title=_("CPF or CNPJ"), max_length=20, aliases=("cpf/cnpj", "cnpj", "cpf", "cnpj/cpf", "tax id")),
    Column("issued", "date", title=_("Issued"), aliases=("emissão", "data de emissão", "issue date")),
    Column(
        "due",
        "date",
        title=pgettext_lazy("title", "Due"),
        required=True,
        aliases=("vencimento", "data de vencimento", "due date"),
    ),
    Column("amount", "money", title=_("Amount"), required=True, aliases=("valor", "valor em aberto", "saldo", "open")),
    Column("parts", "integer", title=_("Instalments"), aliases=("parcelas", "installments")),
    Column("discount", "decimal", title=_("Discount, %"), aliases=("desconto", "desconto %")),
    Column(
        "discount_days", "integer", title=_("Discount until so many days before due"), aliases=("dias de desconto",)
    ),
    Column("fine", "decimal", title=_("Fine, %"), aliases=("multa", "multa %")),
    Column("interest", "decimal", title=_("Interest, % a month"), aliases=("juros", "juros ao mês", "juros % ao mês")),
    Column("nosso_numero", title=_("Nosso número"), max_length=80, aliases=("nosso número",)),
    Column("txid", title=_("Pix txid"), max_length=80, aliases=("txid pix",)),
    Column("text", title=_("Text"), max_length=300, aliases=("observação", "histórico", "descrição")),
]


class OpenTitles(Source):
    key = title_intake.SOURCE
    title = _("Open titles")
    help = _("One row per title that is open today. Parts fall due monthly. The same file again changes nothing.")
    right_create = "finance.title_import.create"
    right_post = "finance.title_import.post"
    mapped = True
    fills = ("finance_title", "finance_instalment", "finance_instalmentkey", "finance_journalentry", "finance_posting")
    tables = (Table("titles", _("Titles"), COLUMNS),)

    def result_url(self, batch: ImportBatch) -> str:
        return f"{reverse('finance:receivables')}?view=all&batch={batch.pk}"

    def why_not_by(self, batch: ImportBatch, by: User | None) -> str:
        return second_person.sent_it(self.right_post, batch.received_by_id, by)

    def check(self, cursor: CursorWrapper) -> None:
        title_intake.check(cursor)

    def write(self, cursor: CursorWrapper, batch: ImportBatch | None) -> dict[str, Any]:
        by = batch.job.asked_by if batch and batch.job else None
        if why := title_intake.why_not_owed(cursor, by=by):
            raise Waits(why)
        return {"titles": title_intake.take(cursor, batch=batch, by=by, today=timezone.localdate())}

    def obstacles(self, cursor: CursorWrapper, batch: ImportBatch) -> list[str]:
        if title_intake.settled(batch):
            return [translated("Something of its titles was settled since. Undo that first.")]
        return []

    def undone(self, cursor: CursorWrapper, batch: ImportBatch) -> None:
        by = batch.job.asked_by if batch.job else None
        title_intake.take_back(cursor, batch, by=by, today=timezone.localdate())
