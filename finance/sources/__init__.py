"""What finance takes in through the imports of core."""

from backoffice.core.imports import register

from .statements import Statements

register(Statements())
