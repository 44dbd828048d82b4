"""A stand: targets of a service under load, whose faults are switched, and the product that looks at them."""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import httpx

from bot.lab.processes import Child
from tests import cli
from tests.databases import fresh_sqlite

RATE = 20
START_S = 20.0


class Announced(TypedDict):
    """What a target prints when it is ready; the lab's own serves users over TLS, too."""

    name: str
    url: str
    admin: str
    https: NotRequired[str]
    ca: NotRequired[str]
    server_name: NotRequired[str]


@dataclass
class Stand:
    """Targets that run, under load."""

    targets: Sequence[Announced]
    folder: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its targets."""
        return tuple(target["name"] for target in self.targets)

    def faults(self) -> list[dict[str, Any]]:
        """Give what the first target can be switched to."""
        listed: list[dict[str, Any]] = httpx.get(f"{self.targets[0]['admin']}/debug/faults").raise_for_status().json()
        return listed

    def turn(self, place: int, fault: str, size: str = "") -> None:
        """Switch a fault of one target on, or off when no size is given."""
        asked = {"on": True, "size": size} if size else {"on": False}
        at = f"{self.targets[place]['admin']}/debug/faults/{fault}"
        httpx.post(at, json=asked, timeout=120).raise_for_status()

    def run(self, playbook: str, *words: str) -> dict[str, Any]:
        """Give what `firstfive run PLAYBOOK ... --json` prints, by a bot that has never seen these targets before."""
        return self._run(playbook, words)[0]

    def diagnose(self) -> tuple[dict[str, Any], bytes]:
        """Give what `firstfive run diagnose ... --json` prints, and the archive of what was captured for it."""
        return self._run("diagnose", ())

    def _run(self, playbook: str, words: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            environment = {
                "FIRSTFIVE_CONFIG": str(self.folder / "firstfive.toml"),
                "DATABASE_URL": fresh_sqlite(Path(scratch)),
                "ARTIFACTS_URL": str(Path(scratch) / "artifacts"),
            }
            done = cli.firstfive("run", playbook, *words, "service=sick", "--json", **environment)
            assert done.exit_code == 0, done.output
            report: dict[str, Any] = json.loads(done.stdout)
            sha256 = (report["result"] or {}).get("archive", "")
            found = next((Path(scratch) / "artifacts").rglob(f"{sha256}*"), None) if sha256 else None
            return report, found.read_bytes() if found else b""

    def write_configuration(self) -> None:
        """Write what a platform team would: the service and its targets."""
        lines = ["[[services]]", 'name = "sick"', "lab = true"]
        for target in self.targets:
            lines += ["[[services.targets]]", f'name = "{target["name"]}"']
            lines += [f'pprof = "{target["admin"]}"', f'url = "{target["url"]}"']
            lines += [f'{key} = "{target[key]}"' for key in ("https", "ca", "server_name") if key in target]
            lines += ["h2 = true"] if "https" in target else []
        (self.folder / "firstfive.toml").write_text("\n".join(lines) + "\n")


@contextmanager
def running(program: Path, targets: int) -> Iterator[Stand]:
    """Start so many targets of a program and their load; all of it ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstfive-grid-")))
        names = [f"{program.name}-{place}" for place in range(1, targets + 1)]
        children = [stack.enter_context(_child(program, folder, *_secure(program, folder, name))) for name in names]
        announced = [_announced(child) for child in children]
        urls = ",".join(target["url"] for target in announced)
        stack.enter_context(_child(program, folder, "-load", urls, "-rate", str(RATE), "-name", "load"))
        stand = Stand(announced, folder)
        stand.write_configuration()
        yield stand


def _secure(program: Path, folder: Path, name: str) -> list[str]:
    """Give the words of a target: the lab's own serves users over TLS, too."""
    return [*(["-ca", str(folder / f"{name}-ca.pem")] if program.name == "checkout" else []), "-name", name]


def _child(program: Path, folder: Path, *words: str) -> Child:
    return Child(words[-1], [str(program), *words, "-follow-stdin"], folder / f"{words[-1]}.log")


def _announced(child: Child) -> Announced:
    told = child.announcement()
    _await_ready(told["url"])
    return cast("Announced", told)


def _await_ready(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"{url}/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"{url}/health/ready does not answer 200"
        time.sleep(0.05)
