"""Take in leads from files of this machine: `manage.py import_leads --source olist_funnel DIR --json`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.core.imports import Refusal, engine
from backoffice.core.services.files import NotStored


class Command(BaseCommand):
    help = "Take in leads and won deals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, nargs="+", help="the files, or the directory that holds them")
        parser.add_argument("--source", default="olist_funnel", choices=["olist_funnel", "leads_csv"])
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = engine.run(options["source"], options["path"], by=None)
        except (Refusal, NotStored, OSError) as problem:
            raise CommandError(str(problem)) from problem
        except engine.MappingNeeded as problem:
            raise CommandError("The columns are not known yet; name them once on the import screen.") from problem
        numbers = {
            "created": result.created,
            "updated": result.updated,
            "unchanged": result.unchanged,
            "failed": result.failed,
            "seconds": round(result.seconds, 2),
            "batch": result.batch.pk,
            **result.counts.get("written", {}),
        }
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stdout.write(
                "{created} leads new, {updated} changed, {unchanged} as they were, {failed} refused.".format(**numbers)
            )
