"""A running lab for tests: the real service, its real faults, free ports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NotRequired, TypedDict

import httpx


class LabTarget(TypedDict):
    """One target: `pprof` and `admin` are the same address, `/debug/pprof/` and `/debug/faults` hang below it.

    `https` serves users, too, over TLS; who trusts the file `ca` trusts it by the name `server_name`.
    """

    name: str
    url: str
    pprof: str
    admin: str
    https: str
    ca: str
    server_name: str
    binary: str
    log: str


class LabRouter(TypedDict):
    """The router: where its users and its operators reach it, its runtime keys, the names of its clusters."""

    url: str
    admin: str
    weight_key: str
    dyed_key: str
    baseline: str
    canary: str


class Lab(TypedDict):
    """What `python -m bot.lab serve` announces; `lab` is where the lab itself is switched."""

    repository: str
    targets: list[LabTarget]
    lab: str
    router: NotRequired[LabRouter]
    chain: NotRequired[list[LabTarget]]


@contextmanager
def running_lab(
    *,
    targets: int = 3,
    sick: str | None = None,
    rate: int = 20,
    state: Path | None = None,
    router: bool = False,
    chain: bool = False,
) -> Iterator[Lab]:
    """Give a lab that answers, and end it; the last target is sick unless `sick` names another, or `none`.

    With `chain` the targets ask two more services in turn.

    The first one on a machine installs Go and builds, about a minute: mark its tests `go` and `timeout(600)`.
    """
    command = [sys.executable, "-m", "bot.lab", "serve", "--port-base", "0"]
    command += ["--targets", str(targets), "--rate", str(rate)]
    command += [] if sick is None else ["--sick", sick]
    command += ["--router"] if router else []
    command += ["--chain"] if chain else []
    command += [] if state is None else ["--state", str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"the lab did not start: exit code {process.wait(10)}, its reason is on stderr")
        lab: Lab = json.loads(line)
        try:
            yield lab
        finally:
            process.stdin.close()
            process.wait(20)


def behind(lab: Lab) -> list[str]:
    """Write how users reach the lab's service: through its router."""
    router = lab["router"]
    keys = [f'{key} = "{router[key]}"' for key in ("admin", "weight_key", "dyed_key")]
    return ["[services.front]", f'url = "{router["url"]}"', "[services.router]", 'kind = "envoy"', *keys]


def build(lab: Lab) -> tuple[str, str]:
    """Name what the first target runs, as a pipeline would that deployed it: the release and the commit."""
    told = httpx.get(f"{lab['targets'][0]['url']}/version").json()
    return f"release={told['version']}", f"commit={told['revision']}"


def turn_fault(target: LabTarget, fault: str, *, on: bool, size: str = "medium") -> None:
    """Switch one fault of one target."""
    asked = {"on": on, "size": size} if on else {"on": on}
    httpx.post(f"{target['admin']}/debug/faults/{fault}", json=asked, timeout=60).raise_for_status()
