"""How an order may move: one table, no database. A move that is not here does not happen."""

MOVES: dict[str, tuple[str, ...]] = {
    "received": ("paid", "on_hold", "unavailable", "cancelled"),
    "paid": ("processing", "invoiced", "on_hold", "unavailable", "cancelled"),
    "processing": ("invoiced", "shipped", "on_hold", "unavailable", "cancelled"),
    "invoiced": ("shipped", "on_hold", "cancelled"),
    "on_hold": ("received", "paid", "processing", "cancelled"),
    "unavailable": ("processing", "cancelled"),
    "shipped": ("delivered", "returned"),
    "delivered": ("returned",),
    "returned": (),
    "cancelled": (),
}

# The stamp a state is entered with, when the order has none yet.
STAMPS = {"paid": "approved_at", "shipped": "handed_over_at", "delivered": "delivered_at"}


def may_move(before: str, after: str) -> bool:
    return after in MOVES.get(before, ())
