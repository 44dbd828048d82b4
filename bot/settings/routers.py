"""The tables of routers, one for each kind: what its driver must know."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.domain.traffic import Route
from bot.settings.tables import Address, Table


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


_PATH = r"^/[A-Za-z0-9._/@-]+$"
Server = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]+/[A-Za-z0-9._:-]+$")]
_IPV6 = r"\[[0-9A-Fa-f:]+\]"
_RUNTIME_KEY = r"^[A-Za-z0-9._-]{1,200}$"


class HaproxyTable(Table):
    """HAProxy, by its runtime socket.

    Servers are `backend/server`, those of canary and baseline of one backend; marked requests are sent to `dyed`.
    """

    kind: Literal["haproxy"]
    socket: str = Field(pattern=rf"{_PATH}|^[A-Za-z0-9.-]+:[0-9]{{1,5}}$")
    canary: Server
    baseline: Annotated[tuple[Server, ...], Field(min_length=1), BeforeValidator(_several)]
    dyed: Server = ""
    state_file: str = Field("", pattern=rf"^$|{_PATH}")

    @model_validator(mode="after")
    def _of_one_backend(self) -> Self:
        backend = self.canary.partition("/")[0]
        for server in self.baseline:
            if server.partition("/")[0] != backend or server == self.canary:
                raise ValueError(f"baseline: {server} is not another server of the backend {backend}")
        return self


class EnvoyTable(Table):
    """Envoy, by its admin address: runtime keys of the canary's share, and of the route for marked requests."""

    kind: Literal["envoy"]
    admin: Address
    weight_key: str = Field(pattern=_RUNTIME_KEY)
    dyed_key: str = Field("", pattern=rf"^$|{_RUNTIME_KEY}")


Upstream = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
Place = Annotated[
    str, Field(pattern=rf"^(unix:/[A-Za-z0-9._/@-]+|[A-Za-z0-9.-]+(:[0-9]{{1,5}})?|{_IPV6}(:[0-9]{{1,5}})?)$")
]
Places = Annotated[tuple[Place, ...], Field(min_length=1), BeforeValidator(_several)]


class NginxTable(Table):
    """nginx, by a file that it includes, which holds the upstream; `marker` is where its workers say what they run."""

    kind: Literal["nginx"]
    include: str = Field(pattern=_PATH)
    upstream: Upstream
    canary: Places
    baseline: Places
    dyed: Upstream | Literal[""] = ""
    lines: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_=.:/ -]+$")], ...] = ()
    marker: Address
    test: tuple[str, ...] = Field(("nginx", "-t"), min_length=1)
    reload: tuple[str, ...] = Field(("nginx", "-s", "reload"), min_length=1)


_LABEL = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"


class ClusterTable(Table):
    """An object of a Kubernetes cluster; inside of it, token and authority are the pod's own."""

    api: Address = "https://kubernetes.default.svc"
    namespace: str = Field(pattern=_LABEL)
    name: str = Field(pattern=_LABEL)
    ca_file: str = ""


class DeploymentTable(ClusterTable):
    """A Deployment: the release before is brought back."""

    kind: Literal["deployment"]


class RolloutsTable(ClusterTable):
    """An Argo Rollout with a canary strategy."""

    kind: Literal["rollouts"]


class IngressTable(ClusterTable):
    """The canary Ingress of ingress-nginx."""

    kind: Literal["ingress"]


class ArgoCdTable(Table):
    """An Argo CD Application."""

    kind: Literal["argocd"]
    api: Address
    application: str = Field(pattern=_LABEL)
    app_namespace: str = Field("", pattern=rf"^$|{_LABEL}")
    ca_file: str = ""


class CommandTable(Table):
    """Programs of your own: words as they are given to it, no shell; `set` with {weight}, {dyed}, {release}."""

    kind: Literal["command"]
    read: tuple[str, ...] = Field(min_length=1)
    set: tuple[str, ...] = Field(min_length=1)

    @field_validator("set")
    @classmethod
    def _known_places(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for word in words:
                word.format(weight="", dyed="", release="")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError("may hold {weight}, {dyed} and {release}; write {{ for a brace") from None
        return words


class WebhookTable(Table):
    """A webhook of your own: GET reads, PUT changes."""

    kind: Literal["webhook"]
    url: Address
    ca_file: str = ""


RouterTable = (
    HaproxyTable
    | EnvoyTable
    | NginxTable
    | DeploymentTable
    | RolloutsTable
    | ArgoCdTable
    | IngressTable
    | CommandTable
    | WebhookTable
)
TABLES: Mapping[str, type[Table]] = {
    table.model_fields["kind"].annotation.__args__[0]: table for table in get_args(RouterTable)
}


def route(table: RouterTable | None) -> Route | None:
    """Give a router as the domain knows it."""
    if table is None:
        return None
    settings = table.model_dump(exclude={"kind"})
    return Route(table.kind, {key: value for key, value in settings.items() if value is not None})
