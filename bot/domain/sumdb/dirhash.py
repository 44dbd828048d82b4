"""The h1 hash of a module: of its files' names and contents, whatever archive or folder they lie in.

The format is that of golang.org/x/mod/sumdb/dirhash: sha256 over sorted lines `hex  name`.
"""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from bot.domain.errors import FirstFiveError


class ModuleRefused(FirstFiveError):
    """An archive or a folder is not that of a module; says why."""


def h1(files: Iterable[tuple[bytes, str]]) -> str:
    """Give the hash over files: the name of each, and the sha256 of its content in hexadecimal.

    :raises ModuleRefused: a name has a line break in it, with which a list of files could pass for another.
    """
    whole = sha256()
    for name, digest in sorted(files):
        if b"\n" in name:
            raise ModuleRefused("a file's name has a line break in it")
        whole.update(digest.encode() + b"  " + name + b"\n")
    return f"h1:{b64encode(whole.digest()).decode()}"


def go_mod_h1(content: bytes) -> str:
    """Give the hash of a go.mod alone, as go.sum has it for `version/go.mod`."""
    return h1([(b"go.mod", sha256(content).hexdigest())])
