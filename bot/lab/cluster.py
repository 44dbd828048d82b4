"""What the lab answers of its targets, in the shape and at the paths of a cluster's API; read only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from bot.lab.stage import Stage
from bot.lab.supervisor import LABELS, NAMESPACE, Probe, pod, written

_BASE = f"/api/v1/namespaces/{NAMESPACE}/"


class Told(Protocol):
    """A pod that a cluster tells of."""

    @property
    def name(self) -> str:
        """The name of the pod, which is its target's."""

    def pod(self) -> dict[str, Any]:
        """Give it as a list of pods has it."""

    def events(self) -> list[dict[str, Any]]:
        """Give what happened to it."""


@dataclass(frozen=True)
class Calm:
    """A target that runs, that nothing has restarted, and that is asked as it should be; `since`: its start."""

    name: str
    port: int
    since: str

    def pod(self) -> dict[str, Any]:
        """Give it as a list of pods has it."""
        probes = {
            "liveness": Probe("/health/live", self.port, timeout_s=5),
            "readiness": Probe("/health/ready", self.port, timeout_s=5),
        }
        state = {"running": {"startedAt": self.since}}
        return pod(self.name, probes, {"restartCount": 0, "ready": True, "state": state, "lastState": {}}, self.since)

    def events(self) -> list[dict[str, Any]]:
        """Give nothing: nothing happened."""
        return []


def pods(stage: Stage) -> Iterator[Told]:
    """Give the targets that are supervised, and all others that run."""
    yield from stage.pods.values()
    for name, role in stage.roles.items():
        child = stage.children.get(name)
        if name not in stage.pods and child is not None and child.process.poll() is None:
            yield Calm(name, urlsplit(role.url).port or 0, written(child.began))


def answer(path: str, pods: Iterable[Told]) -> dict[str, Any] | None:
    """Give the list that a path asks for, None where it asks for something else."""
    asked = urlsplit(path)
    query = {key: values[-1] for key, values in parse_qs(asked.query).items()}
    if asked.path == f"{_BASE}pods":
        is_ours = _pairs(query.get("labelSelector", "")).items() <= LABELS.items()
        return {"kind": "PodList", "apiVersion": "v1", "items": [each.pod() for each in pods] if is_ours else []}
    if asked.path == f"{_BASE}events":
        name = _pairs(query.get("fieldSelector", "")).get("involvedObject.name")
        told = [event for each in pods if name in {None, each.name} for event in each.events()]
        return {"kind": "EventList", "apiVersion": "v1", "items": told}
    return None


def _pairs(selector: str) -> dict[str, str]:
    """Read a selector of equalities."""
    parts = (part.partition("=") for part in selector.split(",") if part)
    return {key: value.removeprefix("=") for key, _, value in parts}
