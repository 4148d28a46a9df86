"""Long and periodic work of finance, one subject per file; each decides nothing and calls one service."""
