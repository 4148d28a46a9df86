"""Seed the demo company, once: a fictional Brazilian shop with twelve months of orders up to today."""

import random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone, translation

from backoffice.core.models import Company, User
from backoffice.demo import books, fair, loading, people, story, world
from kpis.services import facts, rollup
from logistics.services import exceptions, sums

SEED = 2026


class Command(BaseCommand):
    help = "Seed the fictional demo company and one login per role. Does nothing where somebody already works."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is seeded only where RETAGUARDA_DEMO=1 says so; production never does.")
        if User.objects.exists():
            self.stdout.write("Somebody already works here; nothing was seeded.")
            return
        with translation.override("pt-br"), transaction.atomic():
            self._seed()
        rollup.roll_up()
        self.stdout.write(f"Demo company seeded; every login has the password “{people.PASSWORD}”.")

    def _seed(self) -> None:
        now = timezone.now()
        wall = timezone.localtime(now, timezone.get_default_timezone()).replace(tzinfo=None)
        rng = random.Random(SEED)  # noqa: S311 (a story, not a secret)
        Company.objects.create(
            pk=1, name="Araucária Casa e Mesa Comércio Ltda.", trade_name="Casa Araucária", city="Curitiba", state="PR"
        )
        team = people.create()
        buyers = world.customers(rng, 1400)
        orders = loading.load_shop(buyers, world.sales(rng, buyers, now=wall))
        loading.load_leads(world.contacts(rng, now=wall))
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE seeded ON COMMIT DROP AS SELECT unnest(%s::bigint[]) AS id", [orders])
            cursor.execute("ANALYZE seeded")
            sums.refresh(cursor, ids="seeded")
            exceptions.detect(cursor, now=now, ids="seeded")
        fair.import_fair(rng, now=wall, by=team["logistics_clerk"])
        story.set_targets(team)
        story.date_exceptions(now=now)
        story.work_the_queue(team, now=now)
        story.talk(team, today=wall.date())
        books.seed(rng, today=wall.date(), team=team)
        facts.sync_everything()
