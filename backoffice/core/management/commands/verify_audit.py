"""Prove the audit trail, or name the first row where it does not hold."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from ...services import audit_chain


class Command(BaseCommand):
    help = "Walk the audit chain; name the first row that was changed, removed or moved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        parser.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="SEQ:HASH",
            help="also compare with a head that was written down elsewhere; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchors = {int(seq): digest for seq, digest in (text.split(":", 1) for text in options["anchor"])}
        except ValueError as problem:
            raise CommandError("An anchor is written SEQ:HASH, as in the log.") from problem
        proof = audit_chain.verify(anchors)
        if options["json"]:
            answer = {"rows": proof.rows, "ok": proof.ok, "first_bad": proof.first_bad}
            self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder))
        elif proof.ok:
            self.stdout.write(f"{proof.rows} entries, every one as it was written.")
        else:
            self.stdout.write(f"{proof.rows} entries; the first bad one: {proof.first_bad}")
        if not proof.ok:
            raise SystemExit(1)
