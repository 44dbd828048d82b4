"""Start the targets and their load as processes, and end them."""

import http.client
import json
import select
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bot.lab.errors import PortBusy, TargetFailed
from bot.lab.releases import HEALTHY, SICK, Releases

USERS_ABOVE_ADMIN = 2380  # with the base 6060: operators at 6061, 6062 ..., users at 8441, 8442 ...
START_S = 20
END_S = 3
LOG_LIMIT = 5_000_000


@dataclass(frozen=True)
class Plan:
    """What is to run."""

    names: tuple[str, ...]
    sick: str | None
    port_base: int
    rate: int

    def ports(self, place: int) -> tuple[int, int]:
        """Return the operators' and the users' port of the target at a place (from 1); 0 is any free port."""
        if self.port_base == 0:
            return 0, 0
        return self.port_base + place, self.port_base + USERS_ABOVE_ADMIN + place


class Child:
    """A Go process that ends when its standard input does, and so with us, whatever ends us."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb" if log.exists() and log.stat().st_size > LOG_LIMIT else "ab") as sink:
            self._log_start = sink.tell()
            self.process = subprocess.Popen(
                [*command, "-name", name, "-follow-stdin"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                process_group=0,  # a Ctrl-C on the terminal is ours to handle
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def announcement(self) -> dict[str, str]:
        """Wait for the line that says where the process listens."""
        pipe = self.process.stdout
        line = b""
        if pipe is not None and select.select([pipe], [], [], START_S)[0]:
            line = pipe.readline()
        if not line:
            raise TargetFailed(f"{self.name} did not start: {self.last_words()}")
        announced: dict[str, str] = json.loads(line)
        return announced

    def last_words(self) -> str:
        """Return why the process ended, as far as its log says."""
        lines = self.log.read_bytes()[self._log_start :].decode(errors="replace").splitlines()
        telling = [line for line in lines if '"level":"ERROR"' in line or line.startswith("panic:")]
        return (telling or lines[-1:] or [f"its log {self.log} is empty"])[0]


@dataclass(frozen=True)
class Running:
    """Targets that answer, the load on them, and what to tell about them."""

    children: tuple[Child, ...]
    answer: str


def start(stack: ExitStack, releases: Releases, plan: Plan, logs: Path) -> Running:
    """Start everything in a plan; the stack ends it."""
    refuse_busy_ports(plan)
    children = [
        stack.enter_context(_start_target(releases, plan, logs, place)) for place in range(1, len(plan.names) + 1)
    ]
    announced = [child.announcement() for child in children]
    for target in announced:
        _expect_ready(target)
    urls = ",".join(target["url"] for target in announced)
    command = [str(releases.program(HEALTHY)), "-load", urls, "-rate", str(plan.rate)]
    children.append(stack.enter_context(Child("load", command, logs / "load.log")))
    described = [
        {"name": one["name"], "url": one["url"], "pprof": one["admin"], "admin": one["admin"]} for one in announced
    ]
    answer = json.dumps({"repository": str(releases.repository), "targets": described})
    return Running(tuple(children), answer)


def refuse_busy_ports(plan: Plan) -> None:
    """Name the first port that cannot be had, before anything is started."""
    wanted = [port for place in range(1, len(plan.names) + 1) for port in plan.ports(place)]
    for port in filter(None, wanted):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortBusy(
                    f"port {port} is in use: end what listens there, or pass --port-base 0 for any free ports"
                ) from None


def _start_target(releases: Releases, plan: Plan, logs: Path, place: int) -> Child:
    name = plan.names[place - 1]
    admin, users = plan.ports(place)
    program = releases.program(SICK if name == plan.sick else HEALTHY)
    command = [str(program), "-listen", f"127.0.0.1:{users}", "-admin", f"127.0.0.1:{admin}"]
    return Child(name, command, logs / f"{name}.log")


def _expect_ready(target: dict[str, str]) -> None:
    connection = http.client.HTTPConnection(urlsplit(target["url"]).netloc, timeout=START_S)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    except OSError as error:
        raise TargetFailed(f"{target['name']} does not answer on {target['url']}: {error}") from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise TargetFailed(f"{target['name']} is not ready: {target['url']}/health/ready answered {status}")
