"""Grounds of controllers, which fakes of their published API stand for, and of a program or a webhook of your own."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot.adapters.routers import deployment, rollouts
from bot.adapters.routers.api import Api
from bot.adapters.routers.argocd import ArgoCdDriver
from bot.adapters.routers.command import CommandDriver
from bot.adapters.routers.drivers import Driver, Drivers
from bot.adapters.routers.ingress import IngressDriver
from bot.adapters.routers.webhook import WebhookDriver
from bot.domain.service import Service
from bot.domain.traffic import CLOSED, EMPTIED, Route, Split
from bot.ports import Router
from tests.fakes import argocd
from tests.fakes.cluster import NAMESPACE, TOKEN, FakeCluster, template
from tests.integration.contracts.grounds import ABSENT, AWAY, OPEN, SHORT_S, SILENT, Ground, behind

NAME = {"api": "https://api.test", "namespace": NAMESPACE, "name": "checkout", "application": "checkout"}
GOOD, BAD = "5d4f8c7b9", "79c8d6f5b"
PREFIX = "nginx.ingress.kubernetes.io"
CANARY = {
    f"{PREFIX}/canary": "true",
    f"{PREFIX}/canary-weight": "10",
    f"{PREFIX}/canary-by-header": "X-Release-Phase",
    f"{PREFIX}/canary-by-header-value": "canary",
}
PROGRAM = (
    f"#!{sys.executable} -S"
    """
import json, pathlib, sys
kept = pathlib.Path("KEPT")
if sys.argv[1:]:
    kept.write_text(json.dumps({"weight": float(sys.argv[1]), "dyed": sys.argv[2] == "true"}))
else:
    print(kept.read_text())
"""
)


def ill_transport(ailment: str) -> httpx.MockTransport:
    async def answer(request: httpx.Request) -> httpx.Response:
        if ailment == ABSENT:
            raise httpx.ConnectError("connection refused", request=request)
        if ailment == SILENT:
            await asyncio.sleep(60)
        return httpx.Response(200, text="<html>garbage</html>")

    return httpx.MockTransport(answer)


def _ground(
    kind: str,
    drive: Callable[[Api], Driver],
    token: str,
    well: httpx.MockTransport,
    *,
    begun: Split = OPEN,
    away: tuple[Split, ...] = AWAY,
) -> Ground:
    """Give the ground of a driver that speaks HTTP."""
    service = behind(Route(kind, NAME | {"url": "https://api.test/split"}))

    @contextmanager
    def ill(ailment: str) -> Iterator[tuple[Router, Service]]:
        yield Drivers({kind: drive(Api(token, timeout_s=SHORT_S, transport=ill_transport(ailment)))}), service

    drivers = Drivers({kind: drive(Api(token, transport=well))})
    return Ground(drivers, service, ill, begun=begun, away=away)


@contextmanager
def of_deployment(_: Path) -> Iterator[Ground]:
    cluster = FakeCluster()
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("checkout:2")}
    owner = cluster.add(deployment.WORDS.path, "checkout", spec)
    cluster.release(owner, deployment.WORDS, GOOD, "checkout:1", 7)
    cluster.release(owner, deployment.WORDS, BAD, "checkout:2", 8)
    cluster.settle()
    yield _ground(
        "deployment",
        deployment.DeploymentDriver,
        TOKEN,
        cluster.transport,
        begun=Split(release=BAD),
        away=(Split(release=GOOD),),
    )


@contextmanager
def of_rollouts(_: Path) -> Iterator[Ground]:
    cluster = FakeCluster()
    steps = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]
    spec = {"selector": {"matchLabels": {"app": "checkout"}}, "strategy": {"canary": {"steps": steps}}}
    owner = cluster.add(rollouts.WORDS.path, "checkout", spec | {"template": template("checkout:1")})
    cluster.release(owner, rollouts.WORDS, GOOD, "checkout:1", 7)
    cluster.settle()
    cluster.release(owner, rollouts.WORDS, BAD, "checkout:2", 8)
    owner["spec"]["template"] = template("checkout:2")
    owner["metadata"]["generation"] += 1
    cluster.settle()
    begun, away = Split(weight=10.0, release=BAD), (EMPTIED, Split(weight=25.0))
    yield _ground("rollouts", rollouts.RolloutsDriver, TOKEN, cluster.transport, begun=begun, away=away)


@contextmanager
def of_argocd(_: Path) -> Iterator[Ground]:
    begun, away = Split(release=argocd.NEW), (Split(release=argocd.OLD),)
    yield _ground("argocd", ArgoCdDriver, argocd.TOKEN, argocd.FakeArgoCd().transport, begun=begun, away=away)


@contextmanager
def of_ingress(_: Path) -> Iterator[Ground]:
    cluster = FakeCluster()
    cluster.add("networking.k8s.io/v1/ingresses", "checkout", {}, annotations=dict(CANARY))
    yield _ground("ingress", IngressDriver, TOKEN, cluster.transport)


@contextmanager
def of_webhook(_: Path) -> Iterator[Ground]:
    kept = {"weight": 10, "dyed": True}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            kept.update(json.loads(request.content))
        return httpx.Response(200, json=kept)

    yield _ground("webhook", WebhookDriver, "secret", httpx.MockTransport(answer))


@contextmanager
def of_command(folder: Path) -> Iterator[Ground]:
    (folder / "kept").write_text('{"weight": 10, "dyed": true}')
    program = folder / "split"
    service = behind(Route("command", {"read": (str(program),), "set": (str(program), "{weight}", "{dyed}")}))
    _place(program, PROGRAM.replace("KEPT", str(folder / "kept")))

    @contextmanager
    def ill(ailment: str) -> Iterator[tuple[Router, Service]]:
        well = program.rename(folder / "well")
        if ailment != ABSENT:
            _place(program, f"#!/bin/sh\n{'sleep 60' if ailment == SILENT else 'echo garbage >&2; exit 1'}\n")
        yield Drivers({"command": CommandDriver(SHORT_S)}), service
        well.rename(program)

    yield Ground(Drivers({"command": CommandDriver()}), service, ill, away=(CLOSED, EMPTIED))


def _place(program: Path, script: str) -> None:
    program.write_text(script)
    program.chmod(0o755)


CONTROLLERS = {
    "deployment": of_deployment,
    "rollouts": of_rollouts,
    "argocd": of_argocd,
    "ingress": of_ingress,
    "webhook": of_webhook,
    "command": of_command,
}
