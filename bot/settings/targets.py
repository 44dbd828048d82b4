"""The tables of a target: where it is, and what its pprof address wants to see before it answers."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bot.domain.access import Access, Tls
from bot.domain.pods import PodsPlan
from bot.domain.service import Target
from bot.settings.tables import Address, Name, Network, Table


def _header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name) or name.lower() in _OURS:
        raise ValueError(f"{name[:40]!r} is no header that can be given")
    return name


def _variable(value: str) -> str:
    """Give the name of a variable; never repeat the value, which may be the secret itself."""
    found = re.fullmatch(r"env:([A-Za-z_][A-Za-z0-9_]{0,127})", value)
    if not found:
        raise ValueError("is a secret: write env:NAME, and set NAME in the environment")
    return found[1]


_OURS = {"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "accept-encoding"}

SERVER_NAME = r"^$|^[A-Za-z0-9_.:-]{1,253}$"
Header = Annotated[str, AfterValidator(_header)]
Variable = Annotated[str, AfterValidator(_variable)]


class TlsTable(Table):
    """Files (PEM): who signed for an address, our certificate and its key; and whom its certificate must name."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = Field("", pattern=SERVER_NAME)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.key and not self.cert:
            raise ValueError("a `key` is of no use without its `cert`")
        return self


class AccessTable(Table):
    """What a pprof address wants to see: headers by variables of the environment, certificates by their files."""

    headers: dict[Header, Variable] = Field({})
    tls: TlsTable = TlsTable()


class TargetTable(AccessTable):
    """One process of a service.

    `allow` lists the networks its addresses must lie in: loopback unless said otherwise.
    """

    name: Name
    pprof: Address
    url: Address | None = None
    allow: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")
    agent: Address | None = None
    agent_token: Variable = Field("env:FIRSTFIVE_AGENT_TOKEN", validate_default=True)
    agent_ca: str = ""
    agent_server_name: str = Field("", pattern=SERVER_NAME)
    log: str | None = Field(None, min_length=1)
    binary: str | None = Field(None, min_length=1)
    version: str = Field("", pattern=r"^$|^/[!-~]*$")
    https: Address | None = None
    ca: str = ""
    server_name: str = Field("", pattern=SERVER_NAME)
    h2: bool = False

    @model_validator(mode="after")
    def _is_served_over_tls(self) -> Self:
        if self.https and not self.https.startswith("https://"):
            raise ValueError("`https` begins with https://")
        if (self.ca or self.server_name or self.h2) and not f"{self.https or self.url}".startswith("https://"):
            raise ValueError("`ca`, `server_name` and `h2` are for a `url` or `https` that begins with https://")
        return self

    @model_validator(mode="after")
    def _fits_its_agent(self) -> Self:
        if (self.agent_ca or self.agent_server_name) and not str(self.agent).startswith("https://"):
            raise ValueError("`agent_ca` and `agent_server_name` are for an agent that begins with https://")
        for name in ("log", "binary"):
            if self.agent and getattr(self, name):
                raise ValueError(f"`{name}` is for a file on the bot's machine; the agent has --{name}")
        return self

    @model_validator(mode="after")
    def _serves_users(self) -> Self:
        if self.version and not self.url:
            raise ValueError("`version` is a path of the target's `url`, which it has none of")
        return self

    @model_validator(mode="after")
    def _is_asked_over_tls(self) -> Self:
        if self.tls != TlsTable() and not self.pprof.startswith("https://"):
            raise ValueError("`tls` is for a pprof that begins with https://")
        return self


def access(table: AccessTable) -> Access:
    """Give what an address wants to see as the domain knows it."""
    tls = None if table.tls == TlsTable() else Tls(**dict(table.tls))
    return Access(tuple(sorted(table.headers.items())), tls)


def target(table: TargetTable, service: str, pods: PodsPlan | None = None) -> Target:
    """Give a target as the domain knows it."""
    where = (table.name, service, table.pprof, table.url, table.allow, access(table))
    return Target(
        *where,
        agent=table.agent,
        agent_token=table.agent_token,
        agent_ca=table.agent_ca,
        agent_server_name=table.agent_server_name,
        log=table.log,
        pods=pods,
        binary=table.binary,
        version=table.version,
        https=table.https,
        ca=table.ca,
        server_name=table.server_name,
        h2=table.h2,
    )
