"""The forms of finance, one family per file."""
