"""Programs that cannot start on this machine: built by Go for another, or real ones in which one name was changed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from bot.lab.toolchain import build_environment, find_go

OTHER = "amd64" if os.uname().machine == "aarch64" else "arm64"
"""GOARCH of a machine that this one is not."""
SOURCE = {"go.mod": "module checkout\n\ngo 1.27\n", "main.go": "package main\n\nfunc main() { select {} }\n"}


def built(folder: Path, arch: str = OTHER) -> Path:
    """Build a program for a machine; the first time takes 5 s of a core, as Go's runtime is built with it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in SOURCE.items():
        (folder / name).write_text(text)
    environment = build_environment() | {"GOARCH": arch}
    subprocess.run([str(find_go()), "build", "-o", "checkout", "."], cwd=folder, env=environment, check=True)
    return folder / "checkout"


def program() -> Path:
    """Give a small dynamic program of this machine that ends well at once."""
    return Path(shutil.which("true") or "/bin/true").resolve()


def changed(target: Path, pattern: bytes, better: bytes) -> Path:
    """Copy that program with the last name that fits changed into another of the same length."""
    content = program().read_bytes()
    found = list(re.finditer(pattern, content))[-1]
    assert len(found[0]) == len(better)
    target.write_bytes(content[: found.start()] + better + content[found.end() :])
    target.chmod(0o755)
    return target
