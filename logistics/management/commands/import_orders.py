"""`manage.py import_orders --source olist DIR [--json]`: orders from files of this machine, now, without a worker.

With `--source csv FILE --mapping number="Order no" --mapping purchased="Date"` for any CSV; columns whose headings are
known by name need no mapping. All is written in one transaction: a refused or killed command writes no order. What it
leaves is the import itself with its files: refused, or after a kill received, to be discarded on its page.
"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.core.imports import Refusal, Source, engine, get, mapping
from backoffice.core.models import ImportBatch
from backoffice.core.services import audit
from backoffice.core.services.files import NotStored


class Command(BaseCommand):
    help = "Import orders from files or a directory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="DIR|FILE")
        parser.add_argument("--source", default="olist", choices=["olist", "csv"])
        parser.add_argument(
            "--mapping", action="append", default=[], metavar="FIELD=HEADING", help="which column feeds a field (csv)"
        )
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"Not found: {', '.join(missing)}")
        wrong = [pair for pair in options["mapping"] if "=" not in pair]
        if wrong:
            raise CommandError(f"--mapping takes FIELD=HEADING, not {wrong[0]}")
        try:
            with audit.acting(source="command"):
                source = get(options["source"])
                batch: ImportBatch = engine.receive_paths(source, options["paths"], by=None)
                with engine.refusing(batch):
                    if source.mapped:
                        named = dict(pair.split("=", 1) for pair in options["mapping"])
                        batch.mapping = _by_name(source, batch) | named
                        batch.save(update_fields=["mapping"])
                    result = engine.run(source.key, batch, by=None)
        except (Refusal, NotStored, OSError) as problem:
            raise CommandError(str(problem)) from problem
        except engine.MappingNeeded as problem:
            raise CommandError(
                f"The columns of {problem} are not known; name them with --mapping FIELD=HEADING."
            ) from problem
        seconds = round(time.monotonic() - began, 2)
        counts = {
            "created": result.created,
            "updated": result.updated,
            "unchanged": result.unchanged,
            "failed": result.failed,
            "seconds": seconds,
        }
        if options["json"]:
            self.stdout.write(json.dumps(counts | {"batch": batch.pk, "entities": result.counts.get("entities", {})}))
        else:
            self.stdout.write(
                "{created} created, {updated} updated, {unchanged} unchanged, {failed} failed in {seconds} s".format(
                    **counts
                )
            )


def _by_name(source: Source, batch: ImportBatch) -> dict[str, str]:
    """The columns whose headings are plainly theirs."""
    headings = engine.open_batch(batch)[0].headings
    return {g.column.name: g.heading for g in mapping.guess(source.tables[0], headings) if g.confidence == 1}
