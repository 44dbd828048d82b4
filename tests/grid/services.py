"""The services of the grid, each built once for what its source is now, outside of the clone."""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bot.lab import folders, toolchain

ROOT = Path(__file__).parents[2]
CHECKOUT = ROOT / "bot" / "lab" / "checkout"
OTHERS = ROOT / "tests" / "services"


@dataclass(frozen=True)
class Source:
    """A service of the contract, as source; its program is in the folder of its module."""

    name: str
    folder: Path

    def program(self) -> Path:
        """Give the built program; builds it if its source changed."""
        go = toolchain.find_go()
        place = folders.cache() / "grid" / f"{self.name}-{self._fingerprint(go)}"
        program = place / self.name
        if not program.exists():
            with folders.alone_in(place.parent), folders.replacing(place) as fresh:
                self._build(go, fresh / self.name)
        return program

    def _fingerprint(self, go: Path) -> str:
        digest = hashlib.sha256(str(go).encode())
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(self.folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _build(self, go: Path, program: Path) -> None:
        command = [str(go), "build", "-trimpath", "-buildvcs=false", "-o", str(program), "."]
        environment = {**os.environ, **toolchain.build_environment()}
        done = subprocess.run(
            command, cwd=self.main, env=environment, capture_output=True, check=False, text=True, timeout=600
        )
        assert done.returncode == 0, f"{self.name} does not build: {done.stderr}"

    @property
    def main(self) -> Path:
        """Where its main package is: beside its go.mod, or in the only command below."""
        found = [path.parent for path in sorted(self.folder.rglob("main.go")) if "package main" in path.read_text()]
        assert len(found) == 1, f"{self.name} has {len(found)} main packages in {self.folder}"
        return found[0]


def services() -> dict[str, Source]:
    """Give every service by its name: checkout first."""
    others = sorted(path for path in OTHERS.iterdir() if any(path.rglob("go.mod"))) if OTHERS.is_dir() else []
    found = [Source("checkout", CHECKOUT), *(Source(path.name, path) for path in others)]
    return {source.name: source for source in found}
