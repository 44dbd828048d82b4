"""How the targets of a service are found, where they are not named."""

from dataclasses import dataclass, field
from typing import Literal

from bot.domain.access import Access
from bot.domain.pods import PodsPlan


@dataclass(frozen=True)
class DiscoveryPlan:
    """How targets are found, and how what is found is asked.

    `labels` are pairs of a label and what its value must match (`*`, `?`). Ports of None and schemes of "" are those
    that were found; without `url_port` a target has no `url`, without `agent_port` no agent. `most` bounds the count,
    `timeout_s` the time.
    """

    kind: Literal["prometheus", "file_sd", "dns"]
    allow: tuple[str, ...]
    job: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    record: Literal["A", "SRV"] = "A"
    server: str = ""
    name_label: str = "instance"
    pprof_scheme: str = ""
    pprof_port: int | None = None
    url_scheme: str = "http"
    url_port: int | None = None
    url_path: str = ""
    agent_scheme: str = "http"
    agent_port: int | None = None
    agent_token: str = "FIRSTFIVE_AGENT_TOKEN"  # noqa: S105 - the variable's name
    agent_ca: str = ""
    agent_server_name: str = ""
    most: int = 100
    timeout_s: float = 3.0
    access: Access = field(default=Access(in_clear=False))
    pods: PodsPlan | None = None
