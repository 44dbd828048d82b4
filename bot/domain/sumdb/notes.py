"""Signed notes: a text, a blank line, signatures. The format of golang.org/x/mod/sumdb/note.

A key names who signs: `name+hash+base64`, the hash being of name and key, so that a mistyped key is noticed.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from bot.domain.errors import FirstFiveError

ED25519 = 1
"""The algorithm that a key begins with; no other is in use."""
KEY_BYTES, HASH_BYTES = 32, 4
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
"""Bounds of Go's own reader."""
_SIGNATURE = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")

Check = Callable[[bytes, bytes, bytes], bool]
"""check(public key, signature, text): whether the Ed25519 signature is good."""


class NoteRefused(FirstFiveError):
    """A note or a key is malformed, or no good signature of the key's owner is on the note; says which."""


@dataclass(frozen=True)
class Key:
    """Who signs, the hash of name and key, and the public key."""

    name: str
    hash: bytes
    public: bytes


def read_key(text: str) -> Key:
    """Read a key such as GOSUMDB gives it.

    :raises NoteRefused: it is none.
    """
    name, _, rest = text.strip().partition("+")
    hashed, _, encoded = rest.partition("+")
    key = _decode(encoded)
    if not _is_name(name) or not re.fullmatch(r"[0-9a-f]{8}", hashed) or len(key) != 1 + KEY_BYTES or key[0] != ED25519:
        raise NoteRefused("it is no key of a checksum database: write name+hash+key, as its owner gives it")
    if sha256(name.encode() + b"\n" + key).digest()[:HASH_BYTES] != bytes.fromhex(hashed):
        raise NoteRefused(f"the key of {name} does not fit the hash in it: it was mistyped or cut")
    return Key(name, bytes.fromhex(hashed), key[1:])


def opened(note: bytes, key: Key, check: Check) -> str:
    """Give the text of a note that the owner of a key has signed; signatures of others count for nothing.

    :raises NoteRefused: it is malformed, not signed by the owner, or badly.
    """
    text, signatures = _split(note)
    ours = [signature for name, signature in signatures if name == key.name and signature[:HASH_BYTES] == key.hash]
    if not ours:
        raise NoteRefused(f"it is not signed by {key.name}")
    if not all(check(key.public, signature[HASH_BYTES:], text.encode()) for signature in ours):
        raise NoteRefused(f"the signature of {key.name} on it is bad")
    return text


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteRefused("it is no signed note: not UTF-8") from None
    text, blank, block = whole.rpartition("\n\n")
    lines = block.split("\n")
    if len(note) > MAX_NOTE_BYTES or _CONTROL.search(whole) or not blank or len(lines) < 2 or lines[-1]:  # noqa: PLR2004 - one signature and the end
        raise NoteRefused("it is no signed note")
    if len(lines) > MAX_SIGNATURES + 1:
        raise NoteRefused(f"it has more than {MAX_SIGNATURES} signatures")
    return text + "\n", [_signature(line) for line in lines[:-1]]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_SIGNATURE).partition(" ")
    signature = _decode(encoded)
    if not line.startswith(_SIGNATURE) or not _is_name(name) or len(signature) <= HASH_BYTES:
        raise NoteRefused("it is no signed note: a signature on it is malformed")
    return name, signature


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(sign.isspace() for sign in text)


def _decode(text: str) -> bytes:
    """Give what base64 stands for, b"" for what is none."""
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return b""
