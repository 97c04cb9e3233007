"""Deterministic identifiers: the same parts always give the same id, on every machine and in every run."""

import hashlib
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "habitlake")


def stable_uuid(*parts: object) -> str:
    """Return the version-5 UUID of the parts, joined by an unlikely separator."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts)))


def stable_seed(*parts: object) -> int:
    """Return a seed in [0, 2**63) derived from the parts, for one independent random stream per purpose."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
