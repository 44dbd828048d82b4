"""Who names the commit that broke a test: ours by its command, and `git bisect run` with two scripts."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.lab import toolchain
from tests.bisecting.histories import PACKAGE, TEST, Made

USUAL = f"go build ./... || exit 125; go test -count=1 -run '^{TEST}$' ./{PACKAGE}"
TIGHT = (
    f"go test -c -o ../package.test ./{PACKAGE} || exit 125; cd {PACKAGE} && ../../package.test -test.run '^{TEST}$'"
)
LONGEST_S = 1_800


@dataclass(frozen=True)
class Named:
    """What somebody has waited for: whether the right commit was named, after how many runs of the test.

    `searched_s` is the part of `seconds` after the program was loaded.
    """

    right: bool
    runs: int
    seconds: float
    searched_s: float


@dataclass
class Contest:
    """One place where all work, each with a cache of builds of its own that holds Go's library and no more."""

    folder: Path

    def __post_init__(self) -> None:
        self._go = toolchain.find_go()
        self.contenders: dict[str, Callable[[Made], Named]] = {
            "ours": self._ours,
            "tight": lambda made: self._git(made, TIGHT),
            "usual": lambda made: self._git(made, USUAL),
        }
        (self._data / "bisect").mkdir(parents=True)
        (self.folder / "ours" / "firstfive.toml").write_text(f'[bisect]\ngo = "{self._go}"\n')

    @property
    def _data(self) -> Path:
        return self.folder / "ours" / "data"

    def warm(self, made: Made) -> None:
        """Fill the caches, by work on another history."""
        for name, contender in self.contenders.items():
            contender(made)
            shutil.copytree(self._cache(name), self.folder / f"warm-{name}", copy_function=os.link)

    def name(self, contender: str, made: Made) -> Named:
        """Let one of them search, with a cache that holds nothing of this history."""
        cache, warm = self._cache(contender), self.folder / f"warm-{contender}"
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(warm, cache, copy_function=os.link)
        return self.contenders[contender](made)

    def _cache(self, contender: str) -> Path:
        return self._data / "bisect" / "go-cache" if contender == "ours" else self.folder / "git-cache"

    def _ours(self, made: Made) -> Named:
        asked = (f"good={made.commits[0]}", "bad=main", f"test={TEST}", f"package={PACKAGE}", "fresh=true")
        words = (
            Path(sys.executable).parent / "firstfive",
            "run",
            "bisect",
            f"repo={made.repository}",
            *asked,
            "--json",
        )
        begun = time.monotonic()
        said = _said(words, self.folder / "ours")
        seconds = time.monotonic() - begun
        result = json.loads(said)["result"]
        return Named(result["culprit"] == made.culprit, result["test_runs"], seconds, result["seconds"])

    def _git(self, made: Made, script: str) -> Named:
        work = self.folder / "git" / "work"
        shutil.rmtree(work, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", made.repository, work], check=True)
        environment = os.environ | {
            "PATH": f"{self._go.parent}:{os.environ['PATH']}",
            "GOCACHE": str(self.folder / "git-cache"),
            "GOTOOLCHAIN": "local",
            "GOPROXY": "off",
            "GOFLAGS": "",
        }
        begun, said = time.monotonic(), ""
        for words in (["start", made.commits[-1], made.commits[0]], ["run", "sh", "-c", script]):
            said = _said(["git", "bisect", *words], work, environment)
        seconds = time.monotonic() - begun
        return Named(f"{made.culprit} is the first bad commit" in said, said.count("running "), seconds, seconds)


def _said(words: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command, whatever its exit code, and give what it printed."""
    ended = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, check=False, text=True, timeout=LONGEST_S
    )
    return ended.stdout
