"""The nouns of finance, one family per file."""

from .payments import Payment

__all__ = ["Payment"]
