"""The pages from which an incident is declared and operated: forms, approvals, runs."""

from collections.abc import Callable

from fastapi import APIRouter

from bot.engine.admission import Admission
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from handlers.approvals import Approvals
from handlers.commands import Commands
from handlers.html import shipped
from handlers.live import Streams
from handlers.runs import Runs


def router(
    admission: Admission,
    ports: Ports,
    registry: Registry,
    stopping: Callable[[], bool] = lambda: False,
    patience_s: float = 0.8,
) -> APIRouter:
    """Give their routes. `patience_s`: how long a form waits for its answer before its run is shown as going on."""
    html, streams, routes = shipped(), Streams(ports, stopping), APIRouter(include_in_schema=False)
    Commands(ports, html, admission, registry, patience_s).route(routes)
    Approvals(ports, html, admission, patience_s, streams).route(routes)
    Runs(ports, html, registry, streams).route(routes)
    return routes
