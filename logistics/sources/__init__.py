"""Where orders come from. Each source fills the incoming tables of `services/intake.py` from its own files."""

from backoffice.core.imports import register

from .csv_orders import CsvOrders
from .olist import Olist

register(Olist())
register(CsvOrders())
