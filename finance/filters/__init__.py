"""The questions that the lists of finance answer, one family per file."""
