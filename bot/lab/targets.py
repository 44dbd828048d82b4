"""Start the targets and their load as processes, and end them."""

import http.client
import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.lab import router, toolchain
from bot.lab.errors import PortBusy, TargetFailed
from bot.lab.processes import START_S, Child
from bot.lab.releases import HEALTHY, SICK, Releases

USERS_ABOVE_ADMIN = 2380  # with the base 6060: operators at 6061, 6062 ..., users at 8441, 8442 ...


@dataclass(frozen=True)
class Plan:
    """What is to run."""

    names: tuple[str, ...]
    sick: str | None
    port_base: int
    rate: int
    fault: str = ""
    envoy: Path | None = None

    @property
    def canary(self) -> str:
        """The target that is the canary where there is a router: the sick one, or the last."""
        return self.sick or self.names[-1]

    @property
    def places(self) -> range:
        """The places of everything that listens: the targets from 1, before them the router."""
        return range(0 if self.envoy else 1, len(self.names) + 1)

    def ports(self, place: int) -> tuple[int, int]:
        """Return the operators' and the users' port at a place; 0 is any free port."""
        if self.port_base == 0:
            return 0, 0
        return self.port_base + place, self.port_base + USERS_ABOVE_ADMIN + place


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
        if plan.fault and target["name"] == plan.sick:
            _turn_on(target, plan.fault)
    routed = _start_router(stack, plan.envoy, plan, announced, logs) if plan.envoy else None
    urls = [routed.answer["url"]] if routed else [target["url"] for target in announced]
    load = stack.enter_context(_start_load(releases, plan, urls, logs))
    described = [
        {"name": one["name"], "url": one["url"], "pprof": one["admin"], "admin": one["admin"]} for one in announced
    ]
    go = toolchain.GO.installed() or toolchain.from_path()
    told = {"repository": str(releases.repository), "go": str(go or "go"), "targets": described}
    if routed:
        return Running((*children, routed.child, load), json.dumps(told | {"router": routed.answer}))
    return Running((*children, load), json.dumps(told))


def refuse_busy_ports(plan: Plan) -> None:
    """Name the first port that cannot be had, before anything is started."""
    wanted = [port for place in plan.places for port in plan.ports(place)]
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
    return Child(name, [*command, "-name", name, "-follow-stdin"], logs / f"{name}.log")


def _start_router(
    stack: ExitStack, envoy: Path, plan: Plan, announced: list[dict[str, str]], logs: Path
) -> router.Router:
    baseline = tuple(target["url"] for target in announced if target["name"] != plan.canary)
    (canary,) = (target["url"] for target in announced if target["name"] == plan.canary)
    return router.start(stack, envoy, plan.ports(0), logs, router.Tracks(baseline, canary))


def _start_load(releases: Releases, plan: Plan, urls: list[str], logs: Path) -> Child:
    """Send every target its load, or the router the sum of it."""
    rate = plan.rate * len(plan.names) // len(urls)
    command = [str(releases.program(HEALTHY)), "-load", ",".join(urls), "-rate", str(rate)]
    return Child("load", [*command, "-name", "load", "-follow-stdin"], logs / "load.log")


def _turn_on(target: dict[str, str], fault: str) -> None:
    status = _ask(target, target["admin"], f"/debug/faults/{fault}", '{"on": true}')
    if status != http.client.OK:
        raise TargetFailed(f"{target['name']} has no fault {fault}; its /debug/faults lists them")


def _expect_ready(target: dict[str, str]) -> None:
    status = _ask(target, target["url"], "/health/ready")
    if status != http.client.OK:
        raise TargetFailed(f"{target['name']} is not ready: {target['url']}/health/ready answered {status}")


def _ask(target: dict[str, str], address: str, path: str, send: str | None = None) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=START_S)
    try:
        connection.request("POST" if send else "GET", path, send)
        return connection.getresponse().status
    except OSError as error:
        raise TargetFailed(f"{target['name']} does not answer on {address}: {error}") from error
    finally:
        connection.close()
