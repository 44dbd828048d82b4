"""Start the targets and their load as processes, and end them."""

import http.client
import json
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.lab import chain, illness, router, toolchain
from bot.lab.acts import ACTS
from bot.lab.chain import CHAIN
from bot.lab.envoy import WEIGHT
from bot.lab.errors import PortBusy, TargetFailed
from bot.lab.processes import START_S
from bot.lab.releases import HEALTHY, SICK, Releases
from bot.lab.stage import Role, Stage
from bot.lab.switchboard import Switchboard

USERS_ABOVE_ADMIN = 2380  # with the base 6060: operators at 6061, 6062 ..., users at 8441, 8442 ...
SECURE_ABOVE_ADMIN = 3380  # and users over TLS at 9441, 9442 ...


@dataclass(frozen=True)
class Plan:
    """What is to run."""

    names: tuple[str, ...]
    sick: str | None
    port_base: int
    rate: int
    fault: str = ""
    envoy: Path | None = None
    chained: bool = False

    @property
    def canary(self) -> str:
        """The target that is the canary where there is a router: the sick one, or the last."""
        return self.sick or self.names[-1]

    @property
    def routed_rate(self) -> int:
        """Requests a second for the router: of them the canary's share is what each target gets without one.

        A fault is as large as the load that meets it: a tenth of that hid some from a CPU profile.
        """
        return self.rate * 100 // WEIGHT

    @property
    def places(self) -> range:
        """The places of everything that listens: targets from 1, before them the router, after them lab and chain."""
        return range(0 if self.envoy else 1, self.lab + 1 + (len(CHAIN) if self.chained else 0))

    @property
    def lab(self) -> int:
        """The place of the lab itself."""
        return len(self.names) + 1

    def ports(self, place: int) -> tuple[int, int]:
        """Return the operators' and the users' port at a place; 0 is any free port."""
        if self.port_base == 0:
            return 0, 0
        return self.port_base + place, self.port_base + USERS_ABOVE_ADMIN + place

    def secure(self, place: int) -> int:
        """Return the port at a place of users over TLS."""
        return self.port_base and self.port_base + SECURE_ABOVE_ADMIN + place


@dataclass(frozen=True)
class Running:
    """Targets that answer, the load on them, and what to tell about them."""

    stage: Stage
    answer: str


def start(stack: ExitStack, releases: Releases, plan: Plan, logs: Path) -> Running:
    """Start everything in a plan; the stack ends it."""
    refuse_busy_ports(plan)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstfive-stage-")))
    stage = stack.enter_context(Stage(releases, logs, folder, plan.canary))
    linked, asked = _start_chain(stage, plan) if plan.chained else ((), {})
    roles = [_start_target(stage, plan, place, asked) for place in range(1, len(plan.names) + 1)]
    routed = _start_router(stack, plan.envoy, plan, roles, logs) if plan.envoy else None
    if routed:
        stage.router = routed.answer["admin"]
        stage.children["router"] = routed.child
    _start_load(stage, plan, [routed.answer["url"]] if routed else [role.url for role in roles])
    lab = stack.enter_context(Switchboard(ACTS, stage, plan.ports(plan.lab)[0]))
    go = toolchain.GO.installed() or toolchain.from_path()
    told: dict[str, Any] = {
        "repository": str(releases.repository),
        "go": str(go or "go"),
        "targets": _told(roles, logs),
        "lab": lab.url,
    }
    told |= {"router": routed.answer} if routed else {}
    return Running(stage, json.dumps(told | ({"chain": _told(linked, logs)} if linked else {})))


def _told(roles: Sequence[Role], logs: Path) -> list[dict[str, str]]:
    """Give what is announced of targets."""
    inner = ("program", "environment")
    described = ({key: told for key, told in asdict(one).items() if key not in inner} for one in roles)
    return [{"pprof": one["admin"], "log": str(logs / f"{one['name']}.log")} | one for one in described]


def refuse_busy_ports(plan: Plan) -> None:
    """Name the first port that cannot be had, before anything is started."""
    wanted = [port for place in plan.places for port in (*plan.ports(place), plan.secure(place))]
    for port in filter(None, wanted):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortBusy(
                    f"port {port} is in use: end what listens there, or pass --port-base 0 for any free ports"
                ) from None


def _start_chain(stage: Stage, plan: Plan) -> tuple[Sequence[Role], Mapping[str, str]]:
    """Start what the targets ask; give what they are to know of it."""

    def begin(name: str, environment: Mapping[str, str]) -> Role:
        place = plan.lab + 1 + CHAIN.index(name)
        program = stage.releases.program(HEALTHY)
        role = stage.play_target(name, program, plan.ports(place), environment, plan.secure(place))
        _expect_ready(role)
        return role

    return chain.link(begin)


def _start_target(stage: Stage, plan: Plan, place: int, environment: Mapping[str, str]) -> Role:
    name = plan.names[place - 1]
    program = stage.releases.program(SICK if name == plan.sick else HEALTHY)
    role = stage.play_target(name, program, plan.ports(place), environment, plan.secure(place))
    _expect_ready(role)
    if plan.fault and name == plan.sick:
        if not illness.turn_on(role.admin, plan.fault):
            raise TargetFailed(f"{name} has no fault {plan.fault}; its /debug/faults lists them")
        stage.illnesses[name] = plan.fault
    return role


def _start_router(stack: ExitStack, envoy: Path, plan: Plan, roles: list[Role], logs: Path) -> router.Router:
    baseline = tuple(role.url for role in roles if role.name != plan.canary)
    (canary,) = (role.url for role in roles if role.name == plan.canary)
    return router.start(stack, envoy, plan.ports(0), logs, router.Tracks(baseline, canary))


def _start_load(stage: Stage, plan: Plan, urls: list[str]) -> None:
    """Send every target its load, or the router all of it."""
    rate = plan.routed_rate if plan.envoy else plan.rate
    command = [str(stage.releases.program(HEALTHY)), "-load", ",".join(urls), "-rate", str(rate)]
    stage.play("load", [*command, "-name", "load", "-follow-stdin"])


def _expect_ready(target: Role) -> None:
    status = _ask(target, "/health/ready")
    if status != http.client.OK:
        raise TargetFailed(f"{target.name} is not ready: {target.url}/health/ready answered {status}")


def _ask(target: Role, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(target.url).netloc, timeout=START_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError as error:
        raise TargetFailed(f"{target.name} does not answer on {target.url}: {error}") from error
    finally:
        connection.close()
