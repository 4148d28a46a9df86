"""Imports: a file comes in, is read in a worker, is checked against what we have, and is written in one transaction.

An area describes what it takes in as a `Source` (`<app>/sources/__init__.py`) and registers it:

    class Orders(Source):
        key, title = "orders_csv", _("Orders from a CSV file")
        right_create, right_post = "logistics.order_import.create", "logistics.order_import.post"
        tables = [Table("orders", _("Orders"), [Column("number", required=True), Column("total", "money")])]

        def check(self, cursor): ...     # set problem and action of the rows of stage_orders
        def write(self, cursor, batch): ...

    register(Orders())

A `FileSource` reads files of its own kind and writes them in its own steps, with the same pages, jobs and undo.
`engine.run` does an import from files to rows; the screens are in `views/imports.py`.
"""

from .registry import (
    Action,
    Asked,
    Column,
    FileSource,
    Kind,
    NotUndoable,
    Refusal,
    Source,
    Table,
    Waits,
    get,
    register,
    right_to_read,
    sources,
    title_of,
)

__all__ = [
    "Action",
    "Asked",
    "Column",
    "FileSource",
    "Kind",
    "NotUndoable",
    "Refusal",
    "Source",
    "Table",
    "Waits",
    "get",
    "register",
    "right_to_read",
    "sources",
    "title_of",
]
