"""Prove the books, or name the first entry where they do not hold."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from finance.services import proof


class Command(BaseCommand):
    help = "Walk every journal's hash chain and all that follows from postings; name the first that does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = proof.verify()
        if options["json"]:
            self.stdout.write(json.dumps({"entries": found.entries, "ok": found.ok, "first_bad": found.first_bad}))
        elif found.ok:
            self.stdout.write(f"{found.entries} entries, every one as it was posted.")
        else:
            self.stdout.write(f"{found.entries} entries; the first bad one: {found.first_bad}")
        if not found.ok:
            raise SystemExit(1)
