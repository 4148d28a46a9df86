"""The pages of finance, one family per file."""
