"""Which open title does a bank line pay? The rule that people can argue about; services/matching.py is the same in SQL.

Claims first, one decision last. A claim says: this line is exactly these open items, because of that evidence.

| stage | what it takes                                                          | posts by itself |
| ----- | ---------------------------------------------------------------------- | --------------- |
| S1    | a payment key (e2e, txid, nosso número, barcode, NSU), amount equal    | uncontested     |
| S1b   | the same, and the difference is what the title's own terms ask that day | uncontested    |
| S2    | a document number, amount equal                                        | uncontested     |
| S2b   | all items named are one party's, and their sum is the line             | uncontested     |
| S3    | the payer's CPF or CNPJ, amount equal, near the due date               | uncontested     |
| S6    | a trusted rule                                                         | uncontested     |
| S4, S5, S7 | payer and a sum; amount and date; a transfer between own accounts | never           |

What contests what. A keyed claim (S1 to S2b) is contested by another keyed claim on its line, by a keyed claim of
another line on one of its items, by a payment key that names another item, and by another number in the text, however
weak, whose item has the line's amount, be it paid already. Equal amounts alone never contest it. An unkeyed claim
(S3, S6) is contested by every other explanation of its line: a keyed claim, any document's number or payment key in the
text, for it names something else, another item of the payer with that amount whatever its date, a sum of two or three
other items of the payer, one that asks this amount by its terms, more items of the payer than can be summed through, a
payer who pays for others, a rule, a transfer, for a rule also S5; and by any claim of another line on its item.

Every claim is contested when the line takes back another or is taken back, or waits for a second person; when its
document was not issued yet (an order may be paid before); when it would close a title without charges that one person
may not waive. A number is no name when the text divides its digits otherwise, says another part, or may be cut short of
another open title's; when the payer is another and the number may be his: of a bill, or by a word such as `PEDIDO`. A
nosso número and an NSU are unique for one bank and day only: far from the title's days they are another's.

Of two readings of one number the longer one counts: `A/2025/0001` names that document, not `B/2025/0001`, though both
hold `2025-1`. A line that was matched before, in part or undone, is nobody's but a person's.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations, product

PAYMENT_KEYS = frozenset({"e2e", "txid", "nosso", "barcode", "nsu"})
KEYED = ("S1", "S1b", "S2", "S2b")
CONFIDENCE = {
    "S1": Decimal("1.00"),
    "S2": Decimal("0.97"),
    "S2b": Decimal("0.97"),
    "S3": Decimal("0.93"),
    "S1b": Decimal("0.90"),
    "S7": Decimal("0.90"),
    "S6": Decimal("0.90"),
    "S4": Decimal("0.85"),
    "S5": Decimal("0.60"),
}
EARLY, LATE = 45, 120  # days before and after the due date in which a payer's CPF and an amount are still one story
SUMMED = 40  # open items of one payer that are summed through; with more, a sum cannot be ruled out
NEAR = 15  # days around the due date for amount and date alone
BETWEEN = 2  # days between the two sides of a transfer
BACK = 5  # days between a payment and its reversal
CERTAIN = frozenset({"e2e", "txid", "barcode"})  # payment keys that nobody else gives to another payment

REVERSAL = ("storn", "devol", "chargeback", "refund", "reversal")  # parts of words, `estorno`, in what is taken back
# Expressions that PostgreSQL reads alike.
TELLING = (  # a document's number that the text introduces as one
    "^((NFS?E?|NFCE|NOTA|FISCAL|FATURAS?|FAT|INV|INVOICE|DUPL?|DUPLICATA|TITULO|BOLETO)[0-9][0-9A-Z]*"
    "|[0-9]+(-[0-9]+)*)$"
)
PART = "^[0-9]{1,2}-[0-9]{1,2}$"

Token = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """An open line. amount: what is open of it, signed. party: see `payer`. is_fresh: never matched before."""

    id: int
    on: date
    amount: Decimal
    tokens: frozenset[Token] = frozenset()
    party: int | None = None
    account: int = 0
    is_fresh: bool = True
    rules: tuple[tuple[int, bool], ...] = ()  # (version, is trusted) of every rule that fits
    tax_ids: frozenset[str] = frozenset()  # that stand on it; without our own and those of intermediaries
    is_reversal: bool = False  # its words say so
    reversed_by: frozenset[int] = frozenset()  # versions of rules whose own words say so
    waits: bool = False  # a second person is asked about it
    pays_for_others: bool = False  # its payer's tax id stands on a line that settled another party's title


@dataclass(frozen=True)
class Item:
    """An open instalment. balance: signed as the line that pays it. owed: day → what its terms ask then, if known.

    charges: day → fine and interest of a receivable. Of a settled one, balance is what it was.
    """

    id: int
    party: int
    balance: Decimal
    due_on: date
    keys: frozenset[Token] = frozenset()
    owed: Mapping[date, Decimal] = field(default_factory=dict, hash=False)
    charges: Mapping[date, Decimal] = field(default_factory=dict, hash=False)
    title: int = 0
    part: tuple[int, int] = (1, 1)  # which of how many
    issued_on: date = date.min
    is_order: bool = False
    is_payable: bool = False
    tax_id: str = ""  # its party's
    waits: bool = False


@dataclass(frozen=True)
class Naming:
    """How a line's text names an item. values: the readings, without the weak mark. strong: introduced, in full."""

    item: Item
    strong: bool
    by_key: bool  # by a payment key
    values: frozenset[str]
    own: bool = True  # not only by a word of the other side


@dataclass(frozen=True)
class Claim:
    line: int
    stage: str
    items: tuple[int, ...]  # ascending; empty for a rule or a transfer
    values: frozenset[str] = frozenset()
    rule: int | None = None


@dataclass(frozen=True)
class Decision:
    """A claim and what speaks against it; posted by the machine when nothing does."""

    claim: Claim
    contests: tuple[str, ...]

    @property
    def posts(self) -> bool:
        return not self.contests


def naming(line: Line, item: Item) -> Naming | None:
    """How the line's text names the item, or None."""
    strong, by_key, own, values = False, False, False, set()
    for kind, value in line.tokens:
        wanted = "doc" if kind in ("doc", "ref", "num") else kind
        if kind != "tax" and (wanted, value) in item.keys:
            values.add(f"{wanted}:{value.lstrip('~')}")
            strong |= kind != "num" and not value.startswith("~")
            own |= kind not in ("num", "ref")
            by_key |= wanted in PAYMENT_KEYS
    return Naming(item, strong, by_key, frozenset(values), own) if values else None


def is_longer_reading(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether `one` reads everything that `other` reads of the text, and more."""
    return other < one


def namings(line: Line, items: Iterable[Item]) -> list[Naming]:
    """How the line names items: strong ones in their longest readings; weak ones only of the line's amount."""
    found = [named for item in items if (named := naming(line, item))]
    strong = [named for named in found if named.strong]
    kept = [n for n in strong if not any(is_longer_reading(other.values, n.values) for other in strong)]
    return kept + [n for n in found if not n.strong and n.item.balance == line.amount]


def keyed_claims(line: Line, found: Sequence[Naming]) -> list[Claim]:
    """S1, S1b, S2 and S2b; one for each set of items, by its best evidence."""
    strong = [named for named in found if named.strong]
    claims = []
    for named in strong:
        if named.item.balance == line.amount:
            claims.append(Claim(line.id, "S1" if named.by_key else "S2", (named.item.id,), named.values))
        elif named.by_key and named.item.owed.get(line.on) == line.amount:
            claims.append(Claim(line.id, "S1b", (named.item.id,), named.values))
    several = (
        len(strong) > 1
        and len({named.item.party for named in strong}) == 1
        and sum((named.item.balance for named in strong), Decimal(0)) == line.amount
    )
    if several:
        values = frozenset[str]().union(*(named.values for named in strong))
        claims.append(Claim(line.id, "S2b", tuple(sorted(named.item.id for named in strong)), values))
    return claims


def weak_rivals(claim: Claim, found: Sequence[Naming]) -> list[int]:
    """Items that another number in the text names, be it weakly, and whose amount is the line's."""
    return [
        named.item.id
        for named in found
        if not named.strong and named.item.id not in claim.items and not is_longer_reading(claim.values, named.values)
    ]


def other_keys(claim: Claim, found: Sequence[Naming]) -> list[int]:
    """Items that a payment key in the text names, besides the claim's."""
    return [named.item.id for named in found if named.strong and named.by_key and named.item.id not in claim.items]


def is_near(line: Line, item: Item) -> bool:
    """Whether a payment on that day can belong to an item due on that other day."""
    return -EARLY <= (line.on - item.due_on).days <= LATE


def payer_claims(line: Line, items: Iterable[Item]) -> list[Claim]:
    """S3."""
    if line.party is None:
        return []
    return [
        Claim(line.id, "S3", (item.id,))
        for item in items
        if item.party == line.party and item.balance == line.amount and is_near(line, item)
    ]


def sums(line: Line, items: Iterable[Item], without: int = 0) -> bool | None:
    """Whether two or three of the payer's open items, `without` one, sum to the line; None: too many to tell."""
    amounts = [item.balance for item in items if item.party == line.party and item.id != without]
    if len(amounts) > SUMMED:
        return None
    return any(sum(some, Decimal(0)) == line.amount for size in (2, 3) for some in combinations(amounts, size))


def transfers(lines: Sequence[Line]) -> set[int]:
    """S7: lines with an opposite in another own account within two days, each the other's only one."""
    opposite = defaultdict(list)
    for one, other in combinations(lines, 2):
        if one.amount == -other.amount and one.account != other.account and abs((one.on - other.on).days) <= BETWEEN:
            opposite[one.id].append(other.id)
            opposite[other.id].append(one.id)
    return {pk for pk, others in opposite.items() if len(others) == 1 and len(opposite[others[0]]) == 1}


def is_by_date(line: Line, items: Sequence[Item], lines: Sequence[Line]) -> bool:
    """S5: one open item of that amount near that day, and no other line that it could be."""
    near = [i for i in items if i.balance == line.amount and abs((line.on - i.due_on).days) <= NEAR]
    if len(near) != 1:
        return False
    return not any(
        other.id != line.id and other.amount == line.amount and abs((other.on - near[0].due_on).days) <= NEAR
        for other in lines
    )


def speaks_of_reversal(text: str) -> bool:
    """Whether the words say that money comes back."""
    folded = text.lower()
    return any(part in folded for part in REVERSAL)


def shown(tax_ids: Iterable[str], own: str = "") -> frozenset[str]:
    """Whom a line shows: without our own company (by its CNPJ's root), and one that is masked and whole counts once."""
    others = {one for one in tax_ids if not (len(one) == len(own) == 14 and one[:8] == own[:8])}
    return frozenset(one for one in others if "*" not in one or not any(is_same(one, o) for o in others - {one}))


def payer(tax_ids: Iterable[str], known: Mapping[str, int]) -> int | None:
    """The party that paid: the only CPF or CNPJ that the line shows, if it is known and no intermediary's."""
    ids = set(tax_ids)
    return known.get(ids.pop()) if len(ids) == 1 else None


def is_same(one: str, tax_id: str) -> bool:
    """Whether a tax id as a line shows it, perhaps masked, is this one."""
    return one == tax_id or (
        "*" in one and len(one) == len(tax_id) and all(a in ("*", b) for a, b in zip(one, tax_id, strict=True))
    )


def is_of_another(line: Line, item: Item) -> bool:
    """Whether the line shows somebody, and not the item's party."""
    if not item.tax_id:
        return line.party is not None and line.party != item.party
    return bool(line.tax_ids) and not any(is_same(one, item.tax_id) for one in line.tax_ids)


def names_a_document(line: Line, found: Sequence[Naming], past: Sequence[Naming]) -> bool:
    """Whether the text names a document or an expected payment: one of ours, paid or not, or one we do not know."""
    return any(named.strong for named in (*found, *past)) or any(
        kind in ("nosso", "barcode") or (kind in ("doc", "ref") and re.search(TELLING, value))
        for kind, value in line.tokens
    )


def paid_rivals(claim: Claim, party: int, line: Line, past: Sequence[Naming]) -> list[int]:
    """Settled items of the line's amount that the text names as well as the claim's: it may be paid twice."""
    return [
        named.item.id
        for named in past
        if named.item.balance == line.amount
        and not is_longer_reading(claim.values, named.values)
        and (named.item.party != party or named.values != claim.values)
    ]


def reversals(lines: Sequence[Line]) -> dict[int, int]:
    """Lines of one account that take each other back: opposite, within days, one number or tax id or one's words."""
    signs = {
        line.id: {
            ("doc" if kind == "ref" else kind, value) for kind, value in line.tokens if kind not in ("num", "tax")
        }
        | {("tax", one) for one in line.tax_ids}
        for line in lines
    }
    found: dict[int, int] = {}
    for one, other in product(lines, lines):
        if one.account != other.account or one.amount != -other.amount or abs((one.on - other.on).days) > BACK:
            continue
        unnamed = any(each.is_reversal and not signs[each.id] for each in (one, other))
        if unnamed or signs[one.id] & signs[other.id]:
            found[one.id] = min(found.get(one.id, other.id), other.id)
    return found


def is_divided_otherwise(line: Line, claim: Claim, item: Item) -> bool:
    """Whether the text's digits are the item's, but in other runs: `11-23` for `1-123`."""
    own = {value for kind, value in item.keys if kind == "doc" and "-" in value and "~" not in value}
    if any(f"doc:{value}" in claim.values for value in own):
        return False
    bare = {value.replace("-", "").replace("0", "") for value in own}
    return any(
        kind in ("doc", "ref", "num") and "-" in value and value.replace("-", "").replace("0", "") in bare
        for kind, value in line.tokens
    )


def is_cut_short(line: Line, claim: Claim, item: Item, items: Iterable[Item]) -> bool:
    """Whether the text's other zeros may mean another number of that amount that lost or won its last digits."""
    own = {value for kind, value in item.keys if kind == "doc" and value[:1].isalpha()}
    if any(f"doc:{value}" in claim.values for value in own):
        return False
    said = {
        value
        for kind, value in line.tokens
        if kind in ("doc", "ref") and any(value.replace("0", "") == full.replace("0", "") for full in own)
    }
    shorter = {value[:-n] for value in said for n in (1, 2)}
    return any(
        other.id != item.id
        and other.balance == line.amount
        and any(
            kind == "doc" and (value in shorter or value[:-1] in said or value[:-2] in said)
            for kind, value in other.keys
        )
        for other in items
    )


def is_other_part(line: Line, item: Item) -> bool:
    """Whether the text says `2/3` and the item is another of the three."""
    seq, of = item.part
    said = {value for kind, value in line.tokens if kind == "num" and re.search(PART, value)}
    return of > 1 and f"{seq}-{of}" not in said and any(f"{n}-{of}" in said for n in range(1, of + 1))


def is_before(line: Line, item: Item) -> bool:
    """Whether the line is older than the document; an order is paid before it is invoiced."""
    early = (item.issued_on - line.on).days
    return early > (EARLY if item.is_order else 0)


def asks_by_terms(line: Line, items: Iterable[Item], without: int = 0) -> bool:
    """Whether another open item of the payer asks exactly the line's amount by its terms."""
    return any(
        item.party == line.party
        and item.id != without
        and item.balance != line.amount
        and item.owed.get(line.on) == line.amount
        for item in items
    )


def number_contests(line: Line, claim: Claim, items: Sequence[Item], everything: Sequence[Item]) -> list[str]:
    """What makes the number that a keyed claim stands on another's."""
    kinds = {value.partition(":")[0] for value in claim.values}
    contests: list[str] = []
    if claim.stage in ("S1", "S1b") and not kinds.isdisjoint(CERTAIN):
        return contests
    if any(is_before(line, item) for item in items):
        contests.append("before_issue")
    if claim.stage in ("S1", "S1b") and "doc" not in kinds and not all(is_near(line, item) for item in items):
        contests.append("far")
    own = {item.id for item in items if (named := naming(line, item)) and named.own}
    if any(is_of_another(line, item) and (item.is_payable or item.id not in own) for item in items):
        contests.append("other_payer")
    if claim.stage == "S2":
        if is_divided_otherwise(line, claim, items[0]):
            contests.append("other_form")
        if is_cut_short(line, claim, items[0], everything):
            contests.append("longer_number")
    return contests


def decide(
    lines: Sequence[Line],
    items: Sequence[Item],
    settled: Sequence[Item] = (),
    limit: Decimal = Decimal(0),
) -> list[Decision]:
    """Every claim of S1 to S3 and S6 with what contests it, by line and stage.

    settled: items that are paid; their keys still name them. limit: charges that one person may waive.
    """
    by_id = {item.id: item for item in items}
    named = {line.id: namings(line, items) for line in lines}
    past = {line.id: [n for item in settled if (n := naming(line, item)) and n.strong] for line in lines}
    keyed = {line.id: keyed_claims(line, named[line.id]) for line in lines}
    paid = {line.id: payer_claims(line, items) for line in lines}
    keyed_on = Counter(pk for claims in keyed.values() for pk in {i for claim in claims for i in claim.items})
    claimed_by = defaultdict(set)
    for claims in (*keyed.values(), *paid.values()):
        for claim in claims:
            for pk in claim.items:
                claimed_by[pk].add(claim.line)
    moved, back = transfers(lines), reversals(lines)
    decisions = []
    for line in lines:
        against = [] if line.is_fresh else ["worked_on"]
        if line.waits:
            against.append("waiting")
        if line.id in back:
            against.append("reversal")

        def common(claim: Claim, line: Line = line, against: Sequence[str] = tuple(against)) -> list[str]:
            """What may contest a claim on titles, keyed or not."""
            contests, wanted = list(against), [by_id[pk] for pk in claim.items]
            if line.is_reversal and "reversal" not in contests:
                contests.append("reversal")
            if any(item.waits for item in wanted) and "waiting" not in contests:
                contests.append("waiting")
            if (
                claim.stage != "S1b"
                and sum((item.charges.get(line.on, Decimal(0)) for item in wanted), Decimal(0)) > limit
            ):
                contests.append("charges")
            if claim.stage in ("S2", "S3") and is_other_part(line, wanted[0]):
                contests.append("other_part")
            return contests

        for claim in keyed[line.id]:
            contests = common(claim)
            wanted = [by_id[pk] for pk in claim.items]
            contests += number_contests(line, claim, wanted, items)
            if len(keyed[line.id]) > 1:
                contests.append("other_claim")
            if any(keyed_on[pk] > 1 for pk in claim.items):
                contests.append("other_line")
            if weak_rivals(claim, named[line.id]):
                contests.append("other_number")
            if other_keys(claim, named[line.id]) or any(n.by_key for n in past[line.id]):
                contests.append("other_key")
            if paid_rivals(claim, wanted[0].party, line, past[line.id]):
                contests.append("named_elsewhere")
            decisions.append(Decision(claim, tuple(contests)))
        for claim in paid[line.id]:
            contests = common(claim)
            (item,) = claim.items
            if is_before(line, by_id[item]):
                contests.append("before_issue")
            if keyed[line.id]:
                contests.append("other_claim")
            if any(i.party == line.party and i.balance == line.amount and i.id != item for i in items):
                contests.append("other_item")
            if any(n.item.id != item for n in named[line.id]):
                contests.append("other_number")
            if names_a_document(line, named[line.id], past[line.id]):
                contests.append("named_elsewhere")
            if len(claimed_by[item]) > 1:
                contests.append("other_line")
            if line.rules:
                contests.append("rule")
            if line.id in moved:
                contests.append("transfer")
            if line.pays_for_others:
                contests.append("pays_for_others")
            summed = sums(line, items, without=item)
            if summed or summed is None:
                contests.append("sum" if summed else "many")
            if asks_by_terms(line, items, without=item):
                contests.append("by_terms")
            decisions.append(Decision(claim, tuple(contests)))
        for version, trusted in line.rules:
            claim = Claim(line.id, "S6", (), rule=version)
            contests = [*against] if trusted else [*against, "not_trusted"]
            if line.is_reversal and version not in line.reversed_by and "reversal" not in contests:
                contests.append("reversal")
            if keyed[line.id] or paid[line.id]:
                contests.append("other_claim")
            if line.party is not None and any(i.party == line.party and i.balance == line.amount for i in items):
                contests.append("other_item")
            if named[line.id]:
                contests.append("other_number")
            if names_a_document(line, named[line.id], past[line.id]):
                contests.append("named_elsewhere")
            if len(line.rules) > 1:
                contests.append("rule")
            if line.id in moved:
                contests.append("transfer")
            if line.pays_for_others:
                contests.append("pays_for_others")
            if line.party is not None and sums(line, items) is not False:
                contests.append("sum")
            if line.party is not None and asks_by_terms(line, items):
                contests.append("by_terms")
            if is_by_date(line, items, lines):
                contests.append("by_date")
            decisions.append(Decision(claim, tuple(contests)))
    return decisions
