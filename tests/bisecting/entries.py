"""What a timeline says of a bisect, as the playbook writes it."""

from typing import Any

SOUGHT = {"what": "TestPay of ./payment", "old": "v1.12.0", "new": "main", "find": "break"}
COMMIT = "3f2a91c0ab" + "0" * 30
LOG = "0f" * 32
MAIL = "ben@example.com"
_MADE = {
    "commit": COMMIT,
    "author": "Ben Osei",
    "email": MAIL,
    "at": "2026-03-01T12:00:00+00:00",
    "subject": "Shorten the timeout",
    "files": ["payment/client.go"],
    "changed": 1,
}
_STANDING = {"bar": "░░░····███", "total": 200, "elapsed_s": 41.0, "last": [[COMMIT, "bad"]], "likeliest": []}
_TOLD = {
    "why": "The test is bad at it and good before.",
    "confidence": 0.996,
    "made": [_MADE],
    "suspects": 0,
    "commits": 200,
    "runs": {"search": 7, "ends": 2, "retest": 5},
    "elapsed_s": 48.0,
    "earlier": "",
    "artifact": LOG,
}


def bisecting(left: int = 12, runs: int = 9, **more: Any) -> dict[str, Any]:
    """Give the facts of a bisect that goes on."""
    return {"sought": SOUGHT, **_STANDING, "left": left, "runs": runs, **more}


def bisected(found: str = "culprit", **more: Any) -> dict[str, Any]:
    """Give the facts of one that has told."""
    return {"sought": SOUGHT, "found": found, **_TOLD, **more}
