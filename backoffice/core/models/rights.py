"""A carrier for the rights of `core/roles.py`: rows of `auth.Permission` hang on its content type."""

from django.db import models


class Right(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
