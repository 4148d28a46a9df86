"""What of the sales of a shop stands in the books, sale by sale."""

from django.db import models

from .ledger import JournalEntry
from .titles import Title


class SaleBooking(models.Model):
    """How a sale was booked last, so that a second look changes nothing and a changed sale is booked anew."""

    origin = models.CharField(max_length=120, primary_key=True)  # reference, `logistics.order:812`
    fingerprint = models.CharField(max_length=32)  # MD5 of what was booked
    title = models.ForeignKey(Title, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    sale_entry = models.ForeignKey(
        JournalEntry, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    money_entry = models.ForeignKey(  # what came in by which means
        JournalEntry, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
