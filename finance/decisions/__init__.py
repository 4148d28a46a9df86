"""What finance does when a second person decides, one subject per file."""
