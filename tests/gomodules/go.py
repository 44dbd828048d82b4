"""The real go, in a folder of its own, with the variables that a test gives it and nothing of this machine."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.lab.toolchain import build_environment, find_go

MAIN = 'package main\n\nimport "example.com/money"\n\nfunc main() {{ println(money.Cents({})) }}\n'


@dataclass(frozen=True)
class Said:
    """How go ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Go:
    """`folder` holds its module cache; `proxy` and `sumdb` (key and address) are a town's."""

    folder: Path
    proxy: str
    sumdb: str

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def run(self, *words: str, cwd: Path | None = None, own: Mapping[str, str] | None = None) -> Said:
        environment = build_environment() | {
            "GOPATH": str(self.folder / "gopath"),
            "GOMODCACHE": str(self.cache),
            "GOPROXY": self.proxy,
            "GOSUMDB": self.sumdb,
            "GOFLAGS": "-mod=mod -modcacherw",
        }
        done = subprocess.run(
            [str(find_go()), *words],
            cwd=cwd or self.folder,
            env=environment | dict(own or {}),
            capture_output=True,
            check=False,
            text=True,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def download(self, module: str, **own: str) -> dict[str, str]:
        """Give what `go mod download -json` says of a module: Sum, Zip, Dir, or Error."""
        said = self.run("mod", "download", "-json", module, own=own)
        told: dict[str, str] = json.loads(said.out or "{}")
        return told or {"Error": said.err}

    def project(self, name: str, *requires: str) -> Path:
        """Make a module that requires others (`path version`)."""
        place = self.folder / name
        place.mkdir(parents=True)
        lines = "".join(f"require {each}\n" for each in requires)
        (place / "go.mod").write_text(f"module example.com/shop\n\ngo 1.21\n\n{lines}")
        (place / "main.go").write_text(MAIN.format(1))
        return place
