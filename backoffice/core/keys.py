"""Primary keys as they come in addresses and forms."""


def is_key(text: str) -> bool:
    """Whether a text from outside can be a primary key: ASCII digits only, and few enough for a bigint."""
    return text.isascii() and text.isdigit() and len(text) < 19
