"""What finance reads for its screens, one subject per file."""
