"""The grounds that the contract of Router is tried on: the fake, and every driver before what it drives."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bot.adapters.routers.drivers import Driver, Drivers
from bot.adapters.routers.envoy import EnvoyDriver
from bot.adapters.routers.haproxy import HaproxyDriver
from bot.adapters.routers.nginx import NginxDriver
from bot.domain.service import Service
from bot.domain.traffic import CLOSED, Route, Split
from bot.ports import Router
from tests.fakes import FakeRouter
from tests.integration.contracts.controllers import CONTROLLERS
from tests.integration.contracts.grounds import ABSENT, GARBAGE, LOST, SHORT_S, SILENT, Ground, behind
from tests.routers.envoy import running_envoy
from tests.routers.haproxy import running_haproxy
from tests.routers.nginx import running_nginx
from tests.routers.programs import Running
from tests.routers.tracks import running_tracks, share

PROGRAMS = {ABSENT: ("/nowhere/nginx",), SILENT: ("sleep", "60"), GARBAGE: ("sh", "-c", "echo garbage >&2; exit 1")}


@contextmanager
def fake(_: Path) -> Iterator[Ground]:
    @contextmanager
    def ill(ailment: str) -> Iterator[tuple[Router, Service]]:
        router = FakeRouter()
        router.ailment = f"the router is {ailment}; start it"
        yield router, service

    service = behind(Route("fake"))
    yield Ground(FakeRouter(), service, ill)


@contextmanager
def envoy(folder: Path) -> Iterator[Ground]:
    with running_tracks() as tracks, running_envoy(tracks, folder) as router:
        yield _real(router, (EnvoyDriver(), EnvoyDriver(SHORT_S)), "admin")


@contextmanager
def haproxy(folder: Path) -> Iterator[Ground]:
    with running_tracks() as tracks, running_haproxy(tracks, folder) as router:
        port = int(router.address.partition(":")[2]) + 1
        yield _real(router, (HaproxyDriver(), HaproxyDriver(SHORT_S)), "socket", f"127.0.0.1:{port}")


@contextmanager
def nginx(folder: Path) -> Iterator[Ground]:
    with running_tracks() as tracks, running_nginx(tracks, folder) as router:
        ground = _real(router, (NginxDriver(), NginxDriver(SHORT_S, program_s=6 * SHORT_S)), "marker")

        @contextmanager
        def ill(ailment: str) -> Iterator[tuple[Router, Service]]:
            """Let the program be as ill as the address."""
            with ground.ill(ailment) as (drivers, service):
                assert service.route is not None
                given = {**service.route.settings, **({"test": PROGRAMS[ailment]} if ailment != LOST else {})}
                yield drivers, behind(Route("nginx", given))

        yield replace(ground, ill=ill, away=(CLOSED, Split(weight=50.0)))  # each takes a reload


def _real(router: Running, drivers: tuple[Driver, Driver], key: str, place: str = "") -> Ground:
    """Give the ground of a program that runs. What is ill stands before `place`, which `key` names.

    The first driver has patience, the second is for what is ill.
    """
    kind = str(router.settings["kind"])
    patient, hasty = (Drivers({kind: driver}) for driver in drivers)
    known = place or str(router.settings[key])
    beyond = known.removeprefix("http://").partition("/")[0]

    @contextmanager
    def ill(ailment: str) -> Iterator[tuple[Router, Service]]:
        with ill_server(ailment, beyond) as address:
            settings = {**router.settings, key: known.replace(beyond, address)}
            yield hasty, behind(replace(router, settings=settings).route)

    def send(requests: int, marked: bool) -> Counter[str]:  # noqa: FBT001 - as Ground has it
        return share(router.address, requests, marked=marked)

    return Ground(patient, behind(router.route), ill, send, router.toml)


@contextmanager
def ill_server(ailment: str, beyond: str) -> Iterator[str]:
    """Give HOST:PORT where nobody listens or answers, what comes is no answer, or what `beyond` answers is lost."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        host, port = server.getsockname()
        if ailment == ABSENT:
            server.close()
        if ailment in {GARBAGE, LOST}:
            thread = threading.Thread(target=_answer_all, args=(server, "" if ailment == GARBAGE else beyond))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
        yield f"{host}:{port}"


def _answer_all(server: socket.socket, beyond: str) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                asked = connection.recv(65_536)
                if not beyond:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x00\xff garbag")
                    continue
                host, _, port = beyond.partition(":")
                with socket.create_connection((host, int(port)), timeout=5) as there:
                    there.sendall(asked)
                    there.recv(65_536)
                connection.settimeout(2 * SHORT_S)
                connection.recv(1)  # until whoever asked has given up


SHARING: Mapping[str, Callable[[Path], AbstractContextManager[Ground]]] = {
    "envoy": envoy,
    "haproxy": haproxy,
    "nginx": nginx,
}
GROUNDS: Mapping[str, Callable[[Path], AbstractContextManager[Ground]]] = {"fake": fake, **SHARING, **CONTROLLERS}
