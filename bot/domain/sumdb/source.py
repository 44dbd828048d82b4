"""Which checksum database is asked, and by which key it is believed; written as GOSUMDB is."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.domain.sumdb.notes import Key, NoteRefused, read_key

DEFAULT = "sum.golang.org"
KNOWN = {DEFAULT: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"}
"""cmd/go/internal/modfetch/key.go of Go."""
_SAME = {"sum.golang.google.cn": DEFAULT}
"""Another address of the same database, which Go knows too."""


@dataclass(frozen=True)
class Source:
    """A checksum database: its key, and the address that it answers at."""

    key: Key
    url: str


def read_source(text: str) -> Source | None:
    """Read `name`, `key` or `key address`; None for "": none is asked.

    :raises NoteRefused: it is none of these.
    """
    name, _, url = text.strip().partition(" ")
    if not name:
        return None
    key = read_key(KNOWN.get(_SAME.get(name, name), name))
    address = url.strip().rstrip("/") or f"https://{name.partition('+')[0]}"
    if urlsplit(address).scheme not in {"https", "http"} or not urlsplit(address).hostname:
        raise NoteRefused(f"{address[:80]} is no address of a checksum database: write https://...")
    return Source(key, address)
