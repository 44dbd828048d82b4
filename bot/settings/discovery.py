"""The table of a service's discovery: where its targets are found, and how what is found is asked."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bot.domain.discovery import DiscoveryPlan
from bot.domain.pods import PodsPlan
from bot.settings.tables import Network
from bot.settings.targets import SERVER_NAME, AccessTable, TlsTable, Variable, access

_MOST_PORT = 65_535


def _files(pattern: str) -> str:
    if "**" in pattern or Path(pattern).name in {"", ".."}:
        raise ValueError("names files with * and ?, such as /etc/prometheus/targets/*.json")
    return pattern


def _name_server(value: str) -> str:
    host, _, port = value.rpartition(":")
    if value and not (ip_address(host.strip("[]")) and 0 < int(port) <= _MOST_PORT):
        raise ValueError(f"has no port from 1 to {_MOST_PORT}")
    return value


Port = Annotated[int, Field(ge=1, le=_MOST_PORT)]
_LABEL = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_SERVER = r"^$|^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15}):[0-9]{1,5}$"
_PLACES = {"prometheus": (), "file_sd": ("files",), "dns": ("names",)}
_OF_KIND = {
    "job": ("prometheus",),
    "labels": ("prometheus", "file_sd"),
    "name_label": ("prometheus", "file_sd"),
    "files": ("file_sd",),
    "names": ("dns",),
    "record": ("dns",),
    "server": ("dns",),
}


class DiscoveryTable(AccessTable):
    """Where the targets of a service are found; `allow` lists the networks that they must lie in."""

    kind: Literal["prometheus", "file_sd", "dns"]
    allow: tuple[Network, ...] = Field(min_length=1)
    job: str = ""
    labels: dict[Annotated[str, Field(pattern=_LABEL)], str] = Field({})
    files: tuple[Annotated[str, AfterValidator(_files)], ...] = ()
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,253}$")], ...] = ()
    record: Literal["A", "SRV"] = "A"
    server: Annotated[str, AfterValidator(_name_server)] = Field("", pattern=_SERVER)
    name_label: str = Field("instance", pattern=_LABEL)
    pprof_scheme: Literal["", "http", "https"] = ""
    pprof_port: Port | None = None
    url_scheme: Literal["http", "https"] = "http"
    url_port: Port | None = None
    url_path: str = Field("", pattern="^(/[^ ?#]*)?$")
    agent_scheme: Literal["http", "https"] = "http"
    agent_port: Port | None = None
    agent_token: Variable = Field("env:FIRSTFIVE_AGENT_TOKEN", validate_default=True)
    agent_ca: str = ""
    agent_server_name: str = Field("", pattern=SERVER_NAME)
    secrets_in_clear: bool = False
    most: int = Field(100, ge=1, le=1_000)
    timeout_s: float = Field(3.0, ge=0.1, le=30)

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        for key, kinds in _OF_KIND.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise ValueError(f"`{key}` is for the kind {' and '.join(kinds)}")
        for key in _PLACES[self.kind]:
            if not getattr(self, key):
                raise ValueError(f"the kind {self.kind} needs `{key}`")
        if self.kind == "dns" and self.record == "A" and self.pprof_port is None:
            raise ValueError("names have addresses and no ports: give `pprof_port`, or `record` SRV")
        asked_in_clear = self.pprof_scheme == "http" or (self.kind == "dns" and not self.pprof_scheme)
        if self.tls != TlsTable() and asked_in_clear:
            raise ValueError("`tls` is for a `pprof_scheme` of https")
        return self

    @model_validator(mode="after")
    def _fits_its_agents(self) -> Self:
        if self.agent_port is None and self.agent_scheme == "https":
            raise ValueError("`agent_scheme` is of no use without `agent_port`")
        if (self.agent_ca or self.agent_server_name) and self.agent_scheme != "https":
            raise ValueError("`agent_ca` and `agent_server_name` are for an `agent_scheme` of https")
        return self


def discovery_plan(table: DiscoveryTable | None, pods: PodsPlan | None = None) -> DiscoveryPlan | None:
    """Give how targets are found as the domain knows it."""
    if table is None:
        return None
    given = dict(table)
    given["labels"] = tuple(sorted(table.labels.items()))
    shown = replace(access(table), in_clear=given.pop("secrets_in_clear"))
    return DiscoveryPlan(
        **{key: value for key, value in given.items() if key not in {"headers", "tls"}}, access=shown, pods=pods
    )
