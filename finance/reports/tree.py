"""The plan of accounts as a tree, read once for a report."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from finance.models import Account

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Node:
    """One account. transit_of: the bank account whose lines wait on it. depth: from 1."""

    pk: int
    code: str
    name: str
    kind: str
    parent: int | None
    is_group: bool
    is_control: bool
    section: str
    cash_flow: str
    purpose: str
    transit_of: int | None
    depth: int


@dataclass(frozen=True)
class Tree:
    """nodes: id → account, every parent before its children, siblings by code."""

    nodes: dict[int, Node]
    children: dict[int | None, list[int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def above(self, pk: int) -> Iterator[int]:
        """The account and every group over it."""
        at: int | None = pk
        while at is not None:
            yield at
            at = self.nodes[at].parent

    def under(self, pk: int) -> Iterator[int]:
        """The account and everything below it."""
        yield pk
        for child in self.children.get(pk, ()):
            yield from self.under(child)

    def ids(self, **marks: str | bool) -> list[int]:
        """The accounts that carry these marks: `ids(kind="revenue", is_group=False)`."""
        return [node.pk for node in self if all(getattr(node, name) == value for name, value in marks.items())]

    def summed(self, amounts: Mapping[int, Decimal]) -> dict[int, Decimal]:
        """The same with every group over them."""
        total: dict[int, Decimal] = {}
        for pk, amount in amounts.items():
            for at in self.above(pk):
                total[at] = total.get(at, ZERO) + amount
        return total


_FIELDS = (
    "pk",
    "code",
    "name",
    "kind",
    "parent_id",
    "is_group",
    "is_control",
    "section",
    "cash_flow",
    "purpose",
    "transit_of__pk",
)


def read() -> Tree:
    """The whole plan, retired accounts too: they have a past."""
    rows = {row[0]: row for row in Account.objects.order_by("code", "pk").values_list(*_FIELDS)}
    children: dict[int | None, list[int]] = {}
    for row in rows.values():
        children.setdefault(row[4], []).append(row[0])
    nodes: dict[int, Node] = {}

    def walk(pks: Iterable[int], depth: int) -> None:
        for pk in pks:
            nodes[pk] = Node(*rows[pk], depth)  # type: ignore[call-arg]
            walk(children.get(pk, ()), depth + 1)

    walk(children.get(None, ()), 1)
    return Tree(nodes, children)
