"""Files that a router reads, replaced in one piece."""

import os
from pathlib import Path


def text_of(path: Path) -> str:
    """Give what a file holds, "" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def put(path: Path, text: str) -> str:
    """Replace a file; give why it could not be, "" when it could."""
    fresh = path.with_name(f".{path.name}.firstfive")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror or type(error).__name__}"
    return ""
