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
weak, whose item has the line's amount. Equal amounts alone never contest it. An unkeyed claim (S3, S6) is contested by
every other explanation of its line: a keyed claim, a number that names another open item, another item of the payer
with that amount whatever its date, a sum of two or three other items of the payer, more items of the payer than can be
summed through, a rule, a transfer, for a rule also S5; and by any claim of another line on its item.

Of two readings of one number the longer one counts: `A/2025/0001` names that document, not `B/2025/0001`, though both
hold `2025-1`. A line that was matched before, in part or undone, is nobody's but a person's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations

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

Token = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """An open line. amount: what is open of it, signed. party: by CPF or CNPJ. is_fresh: never matched before."""

    id: int
    on: date
    amount: Decimal
    tokens: frozenset[Token] = frozenset()
    party: int | None = None
    account: int = 0
    is_fresh: bool = True
    rules: tuple[tuple[int, bool], ...] = ()  # (version, is trusted) of every rule that fits


@dataclass(frozen=True)
class Item:
    """An open instalment. balance: signed as the line that pays it. owed: day → what its terms ask then, if known."""

    id: int
    party: int
    balance: Decimal
    due_on: date
    keys: frozenset[Token] = frozenset()
    owed: Mapping[date, Decimal] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Naming:
    """How a line's text names an item. values: the readings, without the weak mark. strong: introduced, in full."""

    item: Item
    strong: bool
    by_key: bool  # by a payment key
    values: frozenset[str]


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
    strong, by_key, values = False, False, set()
    for kind, value in line.tokens:
        wanted = "doc" if kind in ("doc", "ref", "num") else kind
        if kind != "tax" and (wanted, value) in item.keys:
            values.add(f"{wanted}:{value.lstrip('~')}")
            strong |= kind != "num" and not value.startswith("~")
            by_key |= wanted in PAYMENT_KEYS
    return Naming(item, strong, by_key, frozenset(values)) if values else None


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


def decide(lines: Sequence[Line], items: Sequence[Item]) -> list[Decision]:
    """Every claim of S1 to S3 and S6 with what contests it, by line and stage."""
    named = {line.id: namings(line, items) for line in lines}
    keyed = {line.id: keyed_claims(line, named[line.id]) for line in lines}
    paid = {line.id: payer_claims(line, items) for line in lines}
    keyed_on = Counter(pk for claims in keyed.values() for pk in {i for claim in claims for i in claim.items})
    claimed_by = defaultdict(set)
    for claims in (*keyed.values(), *paid.values()):
        for claim in claims:
            for pk in claim.items:
                claimed_by[pk].add(claim.line)
    moved = transfers(lines)
    decisions = []
    for line in lines:
        against = [] if line.is_fresh else ["worked_on"]
        for claim in keyed[line.id]:
            contests = list(against)
            if len(keyed[line.id]) > 1:
                contests.append("other_claim")
            if any(keyed_on[pk] > 1 for pk in claim.items):
                contests.append("other_line")
            if weak_rivals(claim, named[line.id]):
                contests.append("other_number")
            if other_keys(claim, named[line.id]):
                contests.append("other_key")
            decisions.append(Decision(claim, tuple(contests)))
        for claim in paid[line.id]:
            contests = list(against)
            (item,) = claim.items
            if keyed[line.id]:
                contests.append("other_claim")
            if any(i.party == line.party and i.balance == line.amount and i.id != item for i in items):
                contests.append("other_item")
            if any(n.item.id != item for n in named[line.id]):
                contests.append("other_number")
            if len(claimed_by[item]) > 1:
                contests.append("other_line")
            if line.rules:
                contests.append("rule")
            if line.id in moved:
                contests.append("transfer")
            summed = sums(line, items, without=item)
            if summed or summed is None:
                contests.append("sum" if summed else "many")
            decisions.append(Decision(claim, tuple(contests)))
        for version, trusted in line.rules:
            claim = Claim(line.id, "S6", (), rule=version)
            contests = [*against] if trusted else [*against, "not_trusted"]
            if keyed[line.id] or paid[line.id]:
                contests.append("other_claim")
            if line.party is not None and any(i.party == line.party and i.balance == line.amount for i in items):
                contests.append("other_item")
            if named[line.id]:
                contests.append("other_number")
            if len(line.rules) > 1:
                contests.append("rule")
            if line.id in moved:
                contests.append("transfer")
            if line.party is not None and sums(line, items) is not False:
                contests.append("sum")
            if is_by_date(line, items, lines):
                contests.append("by_date")
            decisions.append(Decision(claim, tuple(contests)))
    return decisions
