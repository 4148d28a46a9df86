"""Which column of a table holds what: by headings in Portuguese and English, else by what the cells look like."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .keys import folded

SINGLE = (
    *("date", "valued", "amount", "debit", "credit", "side", "balance", "payer", "tax_id", "document", "reference"),
    *("currency", "original_amount", "original_currency", "kind", "account", "fee", "gross", "status"),
)

# Heading, folded, to role. Where two columns claim a role, the earlier name in its list wins.
_NAMES: dict[str, str] = {
    "date": "DATA LANCAMENTO|DATA DO LANCAMENTO|DATA DE LANCAMENTO|DATA MOV|DATA MOVIMENTO|DATA DO MOVIMENTO"
    "|DATA MOVIMENTACAO"
    "|DATA DA MOVIMENTACAO|DATA DE MOVIMENTACAO|BOOKING DATE|POSTED DATE|POSTING DATE|DATE POSTED|DATA TRANSACAO"
    "|DATA DA TRANSACAO|DATA OPERACAO|DATA DA OPERACAO|TRANSACTION DATE|RELEASE DATE|DATA DE LIBERACAO|DATA|DATE|DT|DIA"
    "|DATA HORA|DATA E HORA|DATA COMPRA|DATA DE COMPRA|DATA DA COMPRA|DATA CONTABIL|DATA PAGAMENTO|DATA DO PAGAMENTO"
    "|DT LANCAMENTO|DT MOVIMENTO|DATA HORA TRANSACAO|DATA DE CRIACAO|DATETIME|CREATED AT|DATUM|FECHA",
    "valued": "DATA CONTABIL|DATA VALOR|VALUE DATE|DATA BALANCETE|DATA DO BALANCETE|DATA EFETIVA"
    "|DATA DE EFETIVACAO|VALUTA",
    "amount": "VALOR R|VALOR EM R|VALOR BRL|VALOR LIQUIDO|VALOR LIQUIDO R|NET|NET AMOUNT|TRANSACTION NET AMOUNT|VALOR"
    "|AMOUNT|QUANTIA|MONTANTE|VALOR LANCAMENTO|VALOR DO LANCAMENTO|VALOR TRANSACAO|VALOR DA TRANSACAO|VALOR OPERACAO"
    "|VALOR DA OPERACAO|VALOR MOVIMENTO|VALOR MOVIMENTADO|VALOR FINAL|AMOUNT BRL|AMOUNT R|VALUE|TOTAL AMOUNT|VLR|BETRAG"
    "|IMPORTE|VALOR PAGO|GROSS|VALOR BRUTO|VALOR DA COMPRA",
    "gross": "GROSS|VALOR BRUTO",
    "fee": "FEE|TARIFA|TAXA|VALOR TARIFA|VALOR DA TARIFA",
    "debit": "DEBITO|DEBITOS|DEBIT|DEBITO R|DEBITOS R|VALOR DEBITO|VALOR DEBITO R|SAIDA|SAIDAS|SAIDA R|SAIDAS R"
    "|WITHDRAWAL|WITHDRAWALS|PAID OUT|MONEY OUT|DEBIT AMOUNT|PAGAMENTOS",
    "credit": "CREDITO|CREDITOS|CREDIT|CREDITO R|CREDITOS R|VALOR CREDITO|VALOR CREDITO R|ENTRADA|ENTRADAS|ENTRADA R"
    "|ENTRADAS R|DEPOSIT|DEPOSITS|PAID IN|MONEY IN|CREDIT AMOUNT|RECEBIMENTOS",
    "side": "D C|C D|DC|CD|DEB CRED|DEBITO CREDITO|CREDITO DEBITO|NATUREZA|SINAL|INF|INDICADOR|TIPO D C|ENTRADA SAIDA"
    "|TIPO LANCAMENTO|TIPO DO LANCAMENTO|TIPO DE LANCAMENTO|TIPO MOVIMENTO|CREDIT DEBIT|DEBIT CREDIT|TIPO TRANSACAO"
    "|TIPO DE TRANSACAO|TIPO DA TRANSACAO|TIPO|TYPE|OPERACAO|MOVIMENTACAO|TIPO DE OPERACAO",
    "text": "HISTORICO|LANCAMENTO|LANCAMENTOS|DESCRICAO|DESCRIPTION|TITULO|TITLE|TRANSACAO|DETALHES|DETALHE|LABEL|MEMO"
    "|DESCRICAO DO LANCAMENTO|DESCRICAO LANCAMENTO|DETALHAMENTO HIST|DETALHAMENTO|COMPLEMENTO|ESTABELECIMENTO"
    "|OBSERVACAO|OBSERVACOES|NARRATIVE|TRANSACTION TYPE|DETAILS|HISTORICO DO LANCAMENTO|HISTORICO COMPLEMENTAR"
    "|DESCRICAO DA TRANSACAO|IDENTIFICACAO|FINALIDADE|MENSAGEM|SUBJECT|NOTE|COMMENT|MOVIMENTO|PARCELA|TRANSACTION",
    "balance": "SALDO|SALDO R|SALDOS|SALDOS R|BALANCE|PARTIAL BALANCE|SALDO PARCIAL|RUNNING BALANCE"
    "|SALDO APOS|SALDO DEPOIS"
    "|SALDO DO DIA|SALDO DO DIA R|SALDO ATUAL|SALDO FINAL|SALDO APOS TRANSACAO|SALDO EM CONTA|SALDO CONTA|SALDO BRL",
    "payer": "FAVORECIDO|RAZAO SOCIAL|NOME|PARTNER NAME|PAGADOR|BENEFICIARIO|CONTRAPARTE|DESTINATARIO|REMETENTE|NAME"
    "|ORIGEM DESTINO|DESTINO ORIGEM|PAYEE|COUNTERPARTY|NOME CONTRAPARTE|NOME DA CONTRAPARTE|CLIENTE|NOME FAVORECIDO"
    "|NOME DO FAVORECIDO|PAYER|DESTINO|ORIGEM|NOME RAZAO SOCIAL|FORNECEDOR|NOME DO PAGADOR|REMETENTE DESTINATARIO",
    "tax_id": "CPF CNPJ|CNPJ CPF|CPF|CNPJ|CPF OU CNPJ|DOCUMENTO FAVORECIDO|DOCUMENTO DO FAVORECIDO|CPF CNPJ FAVORECIDO"
    "|CPF CNPJ DO FAVORECIDO|DOCUMENTO CONTRAPARTE|CPF CNPJ CONTRAPARTE|TAX ID|CPF CNPJ DO PAGADOR|DESTINO DOCUMENTO",
    "document": "DOCUMENTO|DOCTO|DCTO|DOC|NUMERO DO DOCUMENTO|NUMERO DOCUMENTO|N DOCUMENTO|N DO DOCUMENTO"
    "|NUM DOC|NR DOC"
    "|NRO DOCUMENTO|N DOC|NO DOC|NUMERO DOC|CHEQUE|CHECK NUMBER|DOCUMENT|CHEQUE NUMBER|INVOICE NUMBER|INVOICE ID"
    "|FATURA COBRANCA|NR DOCUMENTO|NUM DOCUMENTO",
    "reference": "IDENTIFICADOR|ID|TRANSACTION ID|REFERENCE|REFERENCIA|ID TRANSACAO|ID DA TRANSACAO|FITID|REFERENCE ID"
    "|CODIGO DA TRANSACAO|CODIGO TRANSACAO|END TO END|END TO END ID|AUTENTICACAO|CODIGO|SOURCE ID|EXTERNAL ID"
    "|TRANSACAO ID"
    "|ID DA OPERACAO|ID OPERACAO|CODIGO DE AUTENTICACAO|NSU|IDENTIFICADOR DA TRANSACAO|E2E ID|REF",
    "currency": "CURRENCY|MOEDA|CURRENCY CODE|MOEDA DA CONTA",
    "original_amount": "AMOUNT CURRENCY|VALOR MOEDA ORIGINAL|VALOR ORIGINAL|FOREIGN AMOUNT|VALOR EM US"
    "|VALOR US|ORIGINAL AMOUNT"
    "|VALOR EM MOEDA ORIGINAL|VALOR EM DOLAR",
    "original_currency": "ORIGINAL CURRENCY|MOEDA ORIGINAL|FOREIGN CURRENCY|MOEDA ESTRANGEIRA",
    "kind": "TIPO|TYPE|CATEGORIA|CATEGORY|TIPO TRANSACAO|TIPO DE TRANSACAO|TIPO DA TRANSACAO|CODIGO HISTORICO"
    "|COD HISTORICO"
    "|COD HIST|TIPO LANCAMENTO|TIPO DO LANCAMENTO|TIPO DE LANCAMENTO|OPERACAO|CODIGO DO HISTORICO",
    "account": "CONTA|ACCOUNT|CONTA CORRENTE|ACCOUNT NUMBER|NUMERO DA CONTA|N CONTA",
    "status": "SITUACAO|STATUS",
}
_ROLES = {role: names.split("|") for role, names in _NAMES.items()}
_CARD_MARKS = {
    "FINAL DO CARTAO",
    "NOME NO CARTAO",
    "FINAL CARTAO",
    "PORTADOR",
    "COTACAO EM R",
    "CARTAO",
    "NUMERO DO CARTAO",
}
_NUBANK_CARD = ({"DATE", "TITLE", "AMOUNT"}, {"DATE", "CATEGORY", "TITLE", "AMOUNT"})
_SETTLEMENTS = {"PSP REFERENCE", "MERCHANT ACCOUNT", "NSU CV", "CODIGO DE AUTORIZACAO", "BANDEIRA"}
_INSTALMENT_SIGNS = {"VENCIMENTO", "DATA VENCIMENTO", "DATA DE VENCIMENTO", "DUE DATE"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the roles in a row."""

    single: Mapping[str, int] = field(default_factory=dict)
    texts: tuple[int, ...] = ()
    headings: tuple[str, ...] = ()
    is_card: bool = False
    is_inverted: bool = False

    def is_enough(self) -> bool:
        return "date" in self.single and bool({"amount", "debit", "credit"} & set(self.single))

    def cell(self, row: Sequence[str], role: str) -> str:
        place = self.single.get(role, -1)
        return row[place] if 0 <= place < len(row) else ""


def bare(heading: str) -> str:
    """`Crédito (R$)` → `CREDITO R`, `RELEASE_DATE` → `RELEASE DATE`, `Nº Doc.` → `N DOC`."""
    return folded(re.sub(r"[ºª°]", " ", heading))


def is_settlement(headings: Sequence[str]) -> bool:
    """Whether the table is a card processor's settlement and no statement of an account."""
    return len(_SETTLEMENTS & {bare(heading) for heading in headings}) >= 2


def by_headings(row: Sequence[str]) -> Columns:
    """Roles by name. A heading has one role; sides and kinds are settled later, by what the cells hold."""
    headings = [bare(cell) for cell in row]
    single: dict[str, int] = {}
    for role in SINGLE:
        ranks = {name: rank for rank, name in enumerate(_ROLES[role])}
        claims = [(ranks[name], place) for place, name in enumerate(headings) if name in ranks]
        if claims:
            single[role] = min(claims)[1]
    if single.get("valued") == single.get("date"):
        single.pop("valued", None)
    if single.get("gross") is None or single.get("fee") is None:
        single = {role: place for role, place in single.items() if role not in ("gross", "fee")}
    ranks = {name: rank for rank, name in enumerate(_ROLES["text"])}
    texts = [place for place, name in enumerate(headings) if name in ranks and place not in single.values()]
    names = set(headings)
    is_nubank = names - {""} in _NUBANK_CARD
    is_card = is_nubank or bool(names & _CARD_MARKS)
    return Columns(single, tuple(texts), tuple(headings), is_card, is_nubank)


def is_title_list(columns: Columns) -> bool:
    """Whether it is a list of titles (what is owed) and not of movements."""
    return bool(_INSTALMENT_SIGNS & set(columns.headings)) and "balance" not in columns.single


def by_mapping(mapping: Mapping[str, object], headings: Sequence[str]) -> Columns:
    """Roles as a person gave them: {"date": "Data", "amount": 3, "text": ["Histórico"], …}; numbers count from 1."""
    names = [bare(heading) for heading in headings]

    def place(column: object) -> int:
        if isinstance(column, int):
            return column - 1
        name = bare(str(column))
        if name in names:
            return names.index(name)
        return int(name) - 1 if name.isdigit() else -1

    single = {role: place(mapping[role]) for role in SINGLE if mapping.get(role)}
    stated = mapping.get("text") or ()
    texts = [stated] if isinstance(stated, str | int) else list(stated) if isinstance(stated, list | tuple) else []
    return Columns(
        {role: spot for role, spot in single.items() if spot >= 0},
        tuple(spot for spot in map(place, texts) if spot >= 0),
        tuple(names),
        mapping.get("kind_of_account") == "card",
        bool(mapping.get("inverted")),
    )
