"""A file that somebody sent: orders written down at a fair, two lines of it wrong, imported as people import."""

import csv
import datetime as dt
import random
import tempfile
from pathlib import Path

from backoffice.core.imports import engine, get, mapping
from backoffice.core.models import User

from . import names

HEADINGS = ["Pedido", "Data", "Cliente", "Cidade", "UF", "Status", "Produtos", "Frete", "Pago", "Forma de pagamento"]


def import_fair(rng: random.Random, *, now: dt.datetime, by: User) -> None:
    """now: wall-clock of the company."""
    source = get("csv")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feira-de-artesanato.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=";").writerows([HEADINGS, *_rows(rng, now)])
        batch = engine.receive_paths(source, [path], by=by)
        guesses = mapping.guess(source.tables[0], engine.open_batch(batch)[0].headings)
        batch.mapping = {guess.column.name: guess.heading for guess in guesses if guess.confidence == 1}
        batch.save(update_fields=["mapping"])
        engine.run(source.key, batch, by=by)


def _rows(rng: random.Random, now: dt.datetime) -> list[list[str]]:
    day = now.date() - dt.timedelta(days=9)
    rows = []
    for number in range(1, 27):
        amount = f"{rng.randint(40, 380)},{rng.choice(('00', '50', '90'))}"
        if number in (11, 20):
            amount = amount[:-1] + "O"  # the letter, as people type it
        city, state = rng.choice(names.CITIES)[:2]
        who = f"{rng.choice(names.FIRST)} {rng.choice(names.LAST)}"
        stamp = f"{day:%d/%m/%Y} {rng.randint(9, 18):02d}:{rng.randint(0, 59):02d}"
        way = rng.choice(("Pix", "Cartão de crédito", "Cartão de débito"))
        rows.append([f"FEIRA-{number:03d}", stamp, who, city, state, "Entregue", amount, "0,00", amount, way])
    return rows
