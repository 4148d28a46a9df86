"""How any record is named from outside its table: `app.model:pk`, text that points downwards and upwards alike."""

from django.db import models


def ref_of(record: models.Model) -> str:
    """The reference of one saved record, for example `logistics.order:812`."""
    return f"{record._meta.label_lower}:{record.pk}"


class Referable(models.Model):
    """A record that audit, comments, approvals and files can point at."""

    class Meta:
        abstract = True

    @property
    def ref(self) -> str:
        return ref_of(self)
