"""Stands in until finance/reasons.py is here."""
from typing import Any


def sentence(evidence: dict[str, Any], stage: str) -> str:
    return f"{stage}: " + ", ".join(f"{s.get('key')} {s.get('value', '')}" for s in evidence.get("signals", []))
