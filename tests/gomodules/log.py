"""A checksum database: its records, its tree by the recursive definition of RFC 6962, its tiles, its signature."""

from base64 import b64encode
from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HASH_BYTES, FULL = 32, 256


class Log:
    """Records in order; what is added is never changed, but by `forge`."""

    def __init__(self, name: str = "sums.example", secret: bytes = b"the secret of a log") -> None:
        self.name = name
        self.records: list[bytes] = []
        self.places: dict[str, int] = {}
        self.lies: dict[str, bytes] = {}
        """Records that are told by name, and are not those in the tree."""
        self.hidden = 0
        """So many of the last records are not in the head that is told."""
        self.drops_parts = False
        """Whether of tiles that are full by now the parts are gone."""
        self.spoiled = False
        self._key = Ed25519PrivateKey.from_private_bytes(sha256(secret).digest())
        self._root = cache(self._range)

    @property
    def key(self) -> str:
        """The key as GOSUMDB takes it."""
        return f"{self.name}+{self._hash.hex()}+{b64encode(self._public).decode()}"

    def add(self, path: str, version: str, zip_h1: str, mod_h1: str) -> None:
        self.places[f"{path}@{version}"] = len(self.records)
        self.records.append(f"{path} {version} {zip_h1}\n{path} {version}/go.mod {mod_h1}\n".encode())

    def fill(self, count: int) -> None:
        """Add records of modules that nobody asks for."""
        for place in range(count):
            self.add(f"example.com/filler{place}", "v1.0.0", f"h1:{'A' * 43}=", f"h1:{'B' * 43}=")

    def forge(self, place: int, record: bytes) -> None:
        """Rewrite history, as no honest log does."""
        self.records[place] = record
        self._root = cache(self._range)

    def root(self, size: int | None = None) -> bytes:
        size = len(self.records) if size is None else size
        return self._root(0, size)

    def note(self, size: int | None = None) -> bytes:
        """Sign the head of the tree."""
        size = len(self.records) - self.hidden if size is None else size
        return self.signed(f"go.sum database tree\n{size}\n{b64encode(self.root(size)).decode()}\n")

    def signed(self, text: str) -> bytes:
        signed = self._key.sign(text.encode() + b"!" * self.spoiled)
        signature = b64encode(self._hash + signed).decode()
        return f"{text}\n\u2014 {self.name} {signature}\n".encode()

    def answer(self, path: str, version: str) -> bytes | None:
        """Answer a lookup."""
        place = self.places.get(f"{path}@{version}")
        if place is None:
            return None
        record = self.lies.get(f"{path}@{version}", self.records[place])
        return f"{place}\n".encode() + record + b"\n" + self.note()

    def tile(self, level: int, index: int, width: int = FULL) -> bytes | None:
        """Give a row of hashes, None where not so many exist."""
        span = FULL**level
        ended = (index + 1) * FULL * span <= len(self.records)
        if (index * FULL + width) * span > len(self.records) or (self.drops_parts and ended and width < FULL):
            return None
        places = (index * FULL + at for at in range(width))
        return b"".join(self._root(place * span, (place + 1) * span) for place in places)

    @property
    def _public(self) -> bytes:
        return b"\x01" + self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def _hash(self) -> bytes:
        return sha256(f"{self.name}\n".encode() + self._public).digest()[:4]

    def _range(self, low: int, high: int) -> bytes:
        if low == high:
            return sha256(b"").digest()
        if high - low == 1:
            return sha256(b"\0" + self.records[low]).digest()
        half = 1
        while half * 2 < high - low:
            half *= 2
        return sha256(b"\x01" + self._root(low, low + half) + self._root(low + half, high)).digest()
