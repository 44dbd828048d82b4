"""The application behind /api/v1: its operations, and the description of them."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from bot.engine.admission import Admission
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from handlers.api.answers import Tagged
from handlers.api.approvals import Approvals
from handlers.api.audits import AuditLog
from handlers.api.commands import Commands
from handlers.api.description import describe
from handlers.api.drills import Drills
from handlers.api.incidents import Incidents
from handlers.api.measures import Measures
from handlers.api.problems import answered
from handlers.api.runs import Runs
from handlers.api.services import Services
from handlers.api.timelines import Timelines
from handlers.bodies import Json
from handlers.survey import Survey

AT = "/api/v1"


class Api(FastAPI):
    """Tells of itself what is really answered."""

    def openapi(self) -> dict[str, Any]:
        """Describe it."""
        return describe(self)


def application(admission: Admission, ports: Ports, registry: Registry, survey: Survey | None = None) -> FastAPI:
    """Give the application to be mounted at /api/v1; commands are recorded as whoever asks.

    `survey` is what the pages look at services with; None: the API has one of its own.
    """
    app = Api(
        title="FirstFive",
        telemetry={"tracing": False},  # whoever it is mounted in has the request's span
        version=version("firstfive"),
        default_response_class=Json,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
        servers=[{"url": AT}],
        generate_unique_id_function=lambda route: route.name,
    )
    answered(app)
    routes = APIRouter(route_class=Tagged)
    now = Approvals(ports), Services(ports, survey or Survey(ports))
    rest = Measures(ports), AuditLog(ports), Commands(ports, admission, registry)
    for noun in (Incidents(ports), Timelines(ports), Runs(ports), Drills(ports), *now, *rest):
        noun.route(routes)
    app.include_router(routes)
    return app
