"""A year of the shop's books: banks, statements, titles, rules, a budget, months closed, and work that waits.

Everything goes through the services that people and workers use; statements are real files, read as any bank's.
The newest statement of the main bank is half reconciled: its open lines hold one of every kind of decision.
"""

import datetime as dt
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.db import connection, transaction

from backoffice.core.jobs import Quiet
from backoffice.core.models import Company, Party, PartyRole, User
from backoffice.core.services import approvals
from finance.models import Account, BankAccount, BooksSetup, CostCentre, Match, Period, StatementLine
from finance.rules import Condition, Part
from finance.services import (
    bank_accounts,
    bills,
    budgets,
    entries,
    invoices,
    ledger,
    matching,
    periods,
    plan,
    reconcile,
    recurring,
    rules,
    setup,
    statements,
    titles,
)
from finance.services.ledger import Line
from logistics.services import sales

CENT, ZERO = Decimal("0.01"), Decimal(0)
CUSTOMERS = [
    "Hotel Serra Verde", "Pousada das Araucárias", "Restaurante Dona Zica", "Cafeteria Bom Grão", "Escola Girassol",
    "Bistrô do Largo", "Hospedaria Campo Largo", "Padaria Estrela", "Clube Santa Mônica", "Buffet Alegria",
]  # fmt: skip
SUPPLIERS = [
    "Cerâmica Vale Azul", "Têxtil Rio Negro", "Móveis Campo Alegre", "Vidros Paraná", "Importadora Mesa Posta",
    "Embalagens Iguaçu", "Transportes Graciosa", "Agência Pinhão Digital",
]  # fmt: skip
# What the bank takes every month: day, text, amount, account, whose rule the manager trusts.
MONTHLY = [
    (5, "ALUGUEL IMOBILIARIA PINHEIRAL", "4850.00", "6.2.02.001"),
    (6, "FOLHA DE PAGAMENTO", "17400.00", "6.2.01.001"),
    (7, "FGTS E INSS GUIA", "5220.00", "6.2.01.002"),
    (10, "COPEL ENERGIA DEBITO AUT", "930.40", "6.2.02.002"),
    (12, "ASSINATURA SISTEMA FISCAL", "389.90", "6.2.02.003"),
    (15, "CONTABILIDADE HONORARIOS", "1450.00", "6.2.02.004"),
    (20, "SIMPLES NACIONAL DAS", "6980.00", "4.2.01.006"),
    (28, "TARIFA PACOTE SERVICOS", "89.00", "6.3.01.001"),
]
PAYOUTS = [
    ("acquirer_cards", "REPASSE CARTOES ADQUIRENTE"),
    ("acquirer_pix", "REPASSE PIX LOJA"),
    ("acquirer_boleto", "LIQUIDACAO BOLETOS COBRANCA"),
]
BUDGET = {
    "4.1.01.001": "112000", "5.1.01.001": "48000", "6.1.01.001": "5200", "6.1.01.003": "4500", "6.2.01.001": "17400",
    "6.2.01.002": "5200", "6.2.02.001": "4850", "6.2.02.002": "900", "6.2.02.003": "400", "6.2.02.004": "1400",
    "6.3.01.001": "120",
}  # fmt: skip
MOST_PAID_OUT = Decimal("100000.00")  # of one payout by an acquirer, for the rules
OPEN_MONTHS = 2
LAST_DAYS = 18  # what the newest statement covers
WAITING_DAYS = 6  # how old its open lines are at most


@dataclass(frozen=True)
class Movement:
    on: dt.date
    amount: Decimal
    text: str


@dataclass
class Owed:
    """A title to be. amount: signed."""

    number: str
    party: Party
    issued: dt.date
    due: dt.date
    amount: Decimal
    against: int


@dataclass
class Story:
    rng: random.Random
    today: dt.date
    team: dict[str, User]
    owed: list[Owed] = field(default_factory=list)
    main: list[Movement] = field(default_factory=list)
    second: list[Movement] = field(default_factory=list)

    @property
    def first(self) -> dt.date:
        """The first day of the books."""
        return (self.today - dt.timedelta(days=400)).replace(day=1)

    def months(self) -> list[dt.date]:
        found, month = [], self.first
        while month <= self.today:
            found.append(month)
            month = (month + dt.timedelta(days=31)).replace(day=1)
        return found


def seed(rng: random.Random, *, today: dt.date, team: dict[str, User]) -> None:
    """today: the company's civil day. Orders and their payments must be there."""
    story = Story(rng, today, team)
    main, second = _set_up(story)
    sales.book(Quiet())
    _payouts(story)
    customers, suppliers = (
        _parties(CUSTOMERS, PartyRole.Role.CUSTOMER, 7),
        _parties(SUPPLIERS, PartyRole.Role.SUPPLIER, 8),
    )
    _trade(story, customers, suppliers)
    _every_month(story)
    _waiting_lines(story, customers)
    _issue(story)
    _rules(story)
    edge = today - dt.timedelta(days=LAST_DAYS)
    for bank, moves in ((main, story.main), (second, story.second)):
        _bring(bank, [one for one in moves if one.on < edge], by=team["finance_clerk"])
    matching.run(today=today)
    _by_hand(story)
    for bank, moves in ((main, story.main), (second, story.second)):
        _bring(bank, [one for one in moves if one.on >= edge], by=team["finance_clerk"])
    matching.run(today=today)
    _fees_of_acquirers(story)
    _documents(story, customers, suppliers)
    _plans(story)
    _close(story)


# Set-up and files ---------------------------------------------------------------------------------------------------


def _set_up(story: Story) -> tuple[BankAccount, BankAccount]:
    manager = story.team["finance_manager"]
    periods.ensure(story.first - dt.timedelta(days=1), story.today)
    company = Company.objects.get(pk=1)
    setup.describe_company(
        values={key: getattr(company, key) for key in setup.COMPANY}, tax_regime=BooksSetup.Regime.SIMPLES, by=manager
    )
    main = bank_accounts.open_account(
        by=manager, name="Itaú", kind="checking", bank_code="341", branch="0812", number="45210-7"
    )
    second = bank_accounts.open_account(
        by=manager, name="Banco do Brasil", kind="checking", bank_code="001", branch="3051", number="98104-2"
    )
    setup.accept_banks()
    setup.open_balances(
        on=story.first - dt.timedelta(days=1),
        amounts={
            main.ref: Decimal("82450.00"), second.ref: Decimal("21300.00"),
            plan.account_for("cash").ref: Decimal("1500.00"),
        },
        text="Saldo de abertura",
        by=manager,
    )  # fmt: skip
    setup.finish(by=manager)
    for code, name in (("ADM", "Administração"), ("LOJA", "Loja virtual"), ("LOG", "Expedição")):
        CostCentre.objects.create(code=code, name=name)
    return main, second


def _bring(bank: BankAccount, moves: Sequence[Movement], *, by: User) -> None:
    """One OFX file, through the door that people use."""
    moves = sorted(moves, key=lambda one: (one.on, one.text, one.amount))
    if not moves:
        return
    rows = "".join(
        f"<STMTTRN><TRNTYPE>{'CREDIT' if one.amount > 0 else 'DEBIT'}<DTPOSTED>{one.on:%Y%m%d}120000[-3:BRT]"
        f"<TRNAMT>{one.amount}<FITID>{one.on:%Y%m%d}{number:04}<MEMO>{one.text}</STMTTRN>\n"
        for number, one in enumerate(moves)
    )
    closing = _balance(bank) + sum(one.amount for one in moves)
    text = (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:UTF-8\nCHARSET:NONE\nCOMPRESSION:NONE\n"
        "OLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STMTRS><CURDEF>BRL<BANKACCTFROM>"
        f"<BANKID>{bank.bank_code}<BRANCHID>{bank.branch}<ACCTID>{bank.number}<ACCTTYPE>CHECKING</BANKACCTFROM>\n"
        f"<BANKTRANLIST><DTSTART>{moves[0].on:%Y%m%d}<DTEND>{moves[-1].on:%Y%m%d}\n{rows}</BANKTRANLIST>\n"
        f"<LEDGERBAL><BALAMT>{closing}<DTASOF>{moves[-1].on:%Y%m%d}</LEDGERBAL>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"extrato-{bank.bank_code}-{moves[-1].on:%Y-%m}.ofx"
        path.write_text(text, encoding="utf-8")
        statements.import_file(path, bank_account=bank, by=by)


def _balance(bank: BankAccount) -> Decimal:
    return ledger.balance_of(bank.account_id)


def _parties(people: Sequence[str], role: str, begins: int) -> list[Party]:
    """Organisations whose CNPJ begins with zeros, a range given to nobody."""
    made = [
        Party(kind=Party.Kind.ORGANISATION, name=name, tax_id=_cnpj(f"0000{begins}{number:03}0001"))
        for number, name in enumerate(people, 1)
    ]
    Party.objects.bulk_create(made)
    PartyRole.objects.bulk_create(PartyRole(party=party, role=role) for party in made)
    return made


def _cnpj(base: str) -> str:
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True)) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base


# What happened ------------------------------------------------------------------------------------------------------


def _payouts(story: Story) -> None:
    """Acquirers pay every Wednesday what the week before brought; cards less their fee."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.purpose, date_trunc('week', p.\"on\")::date, sum(p.amount) FROM finance_posting p"
            " JOIN finance_account a ON a.id = p.account_id WHERE a.purpose = ANY(%s) GROUP BY 1, 2 ORDER BY 2, 1",
            [[purpose for purpose, _text in PAYOUTS]],
        )
        found = cursor.fetchall()
    texts = dict(PAYOUTS)
    for purpose, week, amount in found:
        on = week + dt.timedelta(days=9)
        net = (amount * Decimal("0.9685")).quantize(CENT) if purpose == "acquirer_cards" else amount
        if on < story.today and net > 0:
            story.main.append(Movement(on, net, texts[purpose]))


def _trade(story: Story, customers: list[Party], suppliers: list[Party]) -> None:
    """Invoices to companies and bills of suppliers, most of them paid near their day and named by their number."""
    rng, services, goods = story.rng, plan.account_for("services").pk, plan.account_for("cost_of_goods").pk
    freight, ads = plan.account_for("freight_expense").pk, plan.account_for("marketing").pk
    number, sold = 20100, _sold()
    for month in story.months():
        for _ in range(12):
            number += 1
            day = month + dt.timedelta(days=rng.randrange(28))
            if day >= story.today:
                continue
            amount = Decimal(rng.randint(38_000, 520_000)) / 100
            story.owed.append(
                Owed(f"NF-{number}", rng.choice(customers), day, day + dt.timedelta(days=28), amount, services)
            )
        for _ in range(14):
            number += 1
            day = month + dt.timedelta(days=rng.randrange(28))
            if day >= story.today:
                continue
            who = rng.choice(suppliers)
            against = freight if "Transportes" in who.name else ads if "Agência" in who.name else goods
            amount = -(sold.get(month, ZERO) * rng.randint(28, 76) / 1000 + rng.randint(300, 900)).quantize(CENT)
            story.owed.append(Owed(f"DUP-{number}", who, day, day + dt.timedelta(days=21), amount, against))
    for one in story.owed:
        late = rng.choices((-2, 0, 1, 4, 12), weights=(10, 55, 15, 12, 8))[0]
        paid = one.due + dt.timedelta(days=late)
        forgotten = one.amount > 0 and rng.random() < 0.04
        if paid >= story.today - dt.timedelta(days=2) or forgotten:
            continue
        way = "PIX RECEBIDO" if one.amount > 0 else "PAGTO FORNECEDOR"
        story.main.append(Movement(paid, one.amount, f"{way} {one.number} {_bare(one.party.name)}"))


def _sold() -> dict[dt.date, Decimal]:
    """What the shop's orders brought, by month: purchases follow it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('month', \"on\")::date, -sum(amount) FROM finance_posting"
            " WHERE account_id = %s GROUP BY 1",
            [plan.account_for("sales").pk],
        )
        return dict(cursor.fetchall())


def _bare(name: str) -> str:
    table = str.maketrans("áâãçéêíóôõúÁÉÍÓÚ", "aaaceeiooouAEIOU")
    return name.translate(table).upper()[:24]


def _every_month(story: Story) -> None:
    for month in story.months():
        for day, text, amount, _code in MONTHLY:
            on = month.replace(day=day)
            wages = text.startswith(("FOLHA", "FGTS"))
            if on < story.today:
                (story.second if wages else story.main).append(Movement(on, -Decimal(amount), text))
        on = month.replace(day=4)
        if on < story.today - dt.timedelta(days=LAST_DAYS):
            story.main.append(Movement(on, Decimal("-23000.00"), "TRANSF ENTRE CONTAS BB 3051"))
            story.second.append(Movement(on, Decimal("23000.00"), "TRANSF RECEBIDA ITAU 0812"))


def _waiting_lines(story: Story, customers: list[Party]) -> None:
    """The newest weeks: sums of invoices, amounts without a name, twins, differences, a transfer, fees, riddles."""
    rng, services, today = story.rng, plan.account_for("services").pk, story.today
    number = 31200

    def owe(who: Party, amount: str, ago: int) -> Owed:
        nonlocal number
        number += 1
        issued = today - dt.timedelta(days=ago + 26)
        one = Owed(f"NF-{number}", who, issued, issued + dt.timedelta(days=28), Decimal(amount), services)
        story.owed.append(one)
        return one

    def come(amount: Decimal, text: str) -> None:
        story.main.append(Movement(today - dt.timedelta(days=rng.randint(1, WAITING_DAYS)), amount, text))

    for n, who in enumerate(customers[:6]):  # one payment for two invoices, known by its payer
        one, other = owe(who, f"{611 + n * 37}.40", 12), owe(who, f"{402 + n * 53}.15", 9)
        come(one.amount + other.amount, f"PIX RECEBIDO {who.tax_id} {_bare(who.name)}")
    for n in range(7):  # an amount and nothing else
        come(owe(customers[(n + 3) % 10], f"{1203 + n * 91}.{17 + n}", 10).amount, f"TED RECEBIDA {88120 + n * 7}")
    for n in range(3):  # two invoices of one amount: a person decides
        owe(customers[n], "790.00", 14), owe(customers[n + 5], "790.00", 11)
        come(Decimal("790.00"), "DEPOSITO IDENTIFICADO 790")
    for n in range(3):  # the number is there, the amount is not
        one = owe(customers[7 + n], f"{1840 + n * 310}.00", 20)
        come(one.amount - Decimal(f"{12 + n}.50"), f"PIX RECEBIDO {one.number} {_bare(one.party.name)}")
    for n in range(5):
        come(-Decimal("1.85") - n, f"TARIFA PIX ENVIADO {n + 1}")
    come(Decimal("-342.70"), "COMPRA CARTAO PAPELARIA CENTRAL")
    come(Decimal("-1260.00"), "SAQUE TERMINAL 0812")
    come(Decimal("455.00"), "CREDITO SALARIO ESTORNO")
    on = today - dt.timedelta(days=6)
    story.main.append(Movement(on, Decimal("-15000.00"), "TRANSF ENTRE CONTAS BB 3051"))
    story.second.append(Movement(on + dt.timedelta(days=1), Decimal("15000.00"), "TRANSF RECEBIDA ITAU 0812"))


# Into the books -----------------------------------------------------------------------------------------------------


def _issue(story: Story) -> None:
    journals, control = titles.journals(), plan.accounts_for("receivable", "payable")
    with transaction.atomic(), connection.cursor() as cursor:
        titles.begin_titles(cursor)
        with cursor.copy(
            "COPY incoming_title (key, direction, kind, number, party_id, account_id, against_id, journal_id,"
            " issued_on, fine_rate, interest_rate) FROM STDIN"
        ) as copy:
            for key, one in enumerate(sorted(story.owed, key=lambda one: (one.issued, one.number)), 1):
                owed = one.amount > 0
                copy.write_row(
                    (
                        key, "receivable" if owed else "payable", "invoice" if owed else "bill", one.number,
                        one.party.pk, control["receivable" if owed else "payable"], one.against,
                        journals["sales" if owed else "purchases"], one.issued,
                        "0.02" if owed else "0", "0.01" if owed else "0",
                    )
                )  # fmt: skip
        with cursor.copy("COPY incoming_instalment (title_key, seq, due_on, amount) FROM STDIN") as copy:
            for key, one in enumerate(sorted(story.owed, key=lambda one: (one.issued, one.number)), 1):
                copy.write_row((key, 1, one.due, one.amount))
        titles.issue_set(cursor)


def _rules(story: Story) -> None:
    """What people taught the engine; the manager, or for large amounts the director, trusts all but the newest."""
    clerk, manager, director = (story.team[role] for role in ("finance_clerk", "finance_manager", "director"))
    codes = dict(Account.objects.values_list("code", "pk"))
    centre = CostCentre.objects.get(code="ADM").pk
    taught = [
        (text.title(), text, "out", Decimal(amount), codes[code], code.startswith("6.2"))
        for _day, text, amount, code in MONTHLY
    ]
    taught += [
        (text.title(), text, "in", MOST_PAID_OUT, plan.account_for(purpose).pk, False) for purpose, text in PAYOUTS
    ]
    for name, text, sign, most, account, has_centre in taught:
        rule = rules.save(
            name=name,
            condition=Condition("starts", text, sign, most=most),
            template=[Part(account, cost_centre=centre if has_centre else None)],
            by=clerk,
        )
        asked = rules.ask_trust(rule, by=clerk)
        approvals.decide(asked.pk, yes=True, by=manager if manager.may(asked.right) else director)
    rules.save(
        name="Tarifa de Pix enviado",
        condition=Condition("starts", "TARIFA PIX", "out", most=Decimal("20.00")),
        template=[Part(codes["6.3.01.001"], role="fee")],
        by=clerk,
    )


def _by_hand(story: Story) -> None:
    """Transfers met by the clerk, and three matches that turned out wrong: undone, two of them made again."""
    clerk, manager, today = story.team["finance_clerk"], story.team["finance_manager"], story.today
    sent = StatementLine.objects.filter(text__startswith="TRANSF ENTRE", open_amount__lt=0).order_by("on", "pk")
    come = {line.on: line.pk for line in StatementLine.objects.filter(text__startswith="TRANSF RECEBIDA")}
    for line in sent:
        reconcile.transfer(line_a=line.pk, line_b=come[line.on], by=clerk, today=today)
    wrong = list(Match.objects.filter(stage="S2").order_by("-pk")[:3])
    for place, made in enumerate(wrong):
        reconcile.undo(match_id=made.pk, by=manager, reason="Pagamento de outra nota", today=today)
        if place:
            moved = made.entry.postings.filter(instalment__isnull=False).get()
            taken = made.entry.postings.get(role="transit")
            items = [reconcile.Item("instalment", moved.amount, moved.instalment_id or 0)]
            reconcile.match(lines=[(taken.line_id or 0, taken.amount)], items=items, by=manager, today=today)


def _fees_of_acquirers(story: Story) -> None:
    """Each month what acquirers kept, entered by the clerk and approved by the manager."""
    cards, fees = plan.account_for("acquirer_cards").pk, plan.account_for("acquirer_fees").pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('month', p.\"on\")::date, sum(p.amount) FROM finance_posting p"
            " JOIN finance_journalentry e ON e.id = p.entry_id JOIN finance_journal j ON j.id = e.journal_id"
            " WHERE p.account_id = %s AND j.kind = 'general' AND p.amount > 0 GROUP BY 1 ORDER BY 1",
            [cards],
        )
        found = cursor.fetchall()
    for month, amount in found:
        last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        if last < story.today:
            fee = (amount * Decimal("0.0315")).quantize(CENT)
            draft = entries.save(
                draft_id=None, version=0, on=last, text=f"Taxas de cartões {month:%m/%Y}",
                lines=[Line(fees, fee), Line(cards, -fee)], by=story.team["finance_clerk"],
            )  # fmt: skip
            asked = entries.submit(draft_id=draft.pk, by=story.team["finance_clerk"])
            approvals.decide(asked.pk, yes=True, by=story.team["finance_manager"])


def _documents(story: Story, customers: list[Party], suppliers: list[Party]) -> None:
    """Invoices and bills in every state, bills that come back, and an entry that waits for a second person."""
    clerk, manager, today = story.team["finance_clerk"], story.team["finance_manager"], story.today
    codes = dict(Account.objects.values_list("code", "pk"))
    centre = CostCentre.objects.get(code="ADM")
    for place, (who, text, price) in enumerate(
        [
            (customers[0], "Montagem de mesa posta para evento", "2480.00"),
            (customers[2], "Consultoria de decoração", "1650.00"),
            (customers[4], "Kit refeitório, 40 lugares", "5320.00"),
            (customers[8], "Locação de louças", "890.00"),
        ]
    ):
        issued = today - dt.timedelta(days=4 * place)
        invoice = invoices.save(
            values={"party": who, "issued_on": issued, "first_due_on": issued + dt.timedelta(days=28), "text": text},
            lines=[invoices.LineFacts(text, Decimal(1), Decimal(price), codes["4.1.01.002"])],
            by=clerk,
        )
        if place:
            asked = invoices.submit(invoice_id=invoice.pk, by=clerk)
            if place > 1:
                approvals.decide(asked.pk, yes=True, by=manager)
    for place, (who, text, amount, code) in enumerate(
        [
            (suppliers[5], "Caixas e fitas", "1874.30", "6.1.01.006"),
            (suppliers[7], "Campanha de Natal", "6200.00", "6.1.01.003"),
            (suppliers[6], "Fretes da quinzena", "2318.75", "6.1.01.001"),
            (suppliers[3], "Vidros para reposição", "987.20", "5.1.01.001"),
        ]
    ):
        issued = today - dt.timedelta(days=3 * place)
        bill = bills.save(
            values={
                "party": who, "number": f"{7710 + place}", "issued_on": issued,
                "first_due_on": issued + dt.timedelta(days=15), "text": text,
            },
            lines=[bills.LineFacts(codes[code], Decimal(amount), None, text)],
            withheld={},
            by=clerk,
        )  # fmt: skip
        if place:
            asked = bills.submit(bill_id=bill.pk, by=clerk)
            if place > 1:
                approvals.decide(asked.pk, yes=True, by=manager)
    soon = (today.replace(day=1) + dt.timedelta(days=32)).replace(day=8)
    for who, text, amount, code in (
        (suppliers[7], "Gestão de redes sociais", "1200.00", "6.1.01.003"),
        (suppliers[5], "Embalagens do mês", "950.00", "6.1.01.006"),
    ):
        bills.save_recurring(
            values={
                "party": who, "text": text, "account_id": codes[code], "amount": Decimal(amount), "day": 8,
                "next_due_on": soon, "cost_centre": centre,
            },
            by=clerk,
        )  # fmt: skip
    lines = [
        Line(codes["6.2.02.008"], Decimal("412.50"), cost_centre=centre.pk),
        Line(codes["1.2.01.009"], Decimal("-412.50")),
    ]
    recurring.save(
        recurring_id=None, version=0, lines=lines, by=clerk,
        values={"text": "Depreciação do mês", "mode": "ask", "day": 28, "starts_on": today},
    )  # fmt: skip
    prepaid = [
        Line(codes["6.2.02.006"], Decimal("236.00"), cost_centre=centre.pk),
        Line(codes["1.1.09.001"], Decimal("-236.00")),
    ]
    draft = entries.save(draft_id=None, version=0, on=today, text="Apropriação do seguro", lines=prepaid, by=clerk)
    entries.submit(draft_id=draft.pk, by=clerk)


def _plans(story: Story) -> None:
    """A budget for the year behind us and the rest of this one."""
    codes = dict(Account.objects.filter(code__in=BUDGET).values_list("code", "pk"))
    months = [*story.months(), *(dt.date(story.today.year, month, 1) for month in range(1, 13))]
    cells: dict[tuple[int, dt.date], Decimal | None] = {}
    for code, amount in BUDGET.items():
        for month in months:
            cells[codes[code], month] = -Decimal(amount) if code.startswith("4.1") else Decimal(amount)
    budgets.plan(cells=cells, cost_centre=None, by=story.team["finance_manager"])


def _close(story: Story) -> None:
    """Every month but the last two."""
    edge = story.months()[-OPEN_MONTHS]
    for month in Period.objects.filter(starts_on__lt=edge).order_by("starts_on"):
        periods.close(period_id=month.pk, by=story.team["finance_manager"])
