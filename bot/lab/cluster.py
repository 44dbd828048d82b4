"""What the lab answers of its supervised targets, in the shape and at the paths of a cluster's API; read only."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.lab.supervisor import LABELS, NAMESPACE, Supervisor

_BASE = f"/api/v1/namespaces/{NAMESPACE}/"


def answer(path: str, pods: Iterable[Supervisor]) -> dict[str, Any] | None:
    """Give the list that a path asks for, None where it asks for something else."""
    asked = urlsplit(path)
    query = {key: values[-1] for key, values in parse_qs(asked.query).items()}
    if asked.path == f"{_BASE}pods":
        is_ours = _pairs(query.get("labelSelector", "")).items() <= LABELS.items()
        return {"kind": "PodList", "apiVersion": "v1", "items": [each.pod() for each in pods] if is_ours else []}
    if asked.path == f"{_BASE}events":
        name = _pairs(query.get("fieldSelector", "")).get("involvedObject.name")
        told = [event for each in pods if name in {None, each.container.name} for event in each.events()]
        return {"kind": "EventList", "apiVersion": "v1", "items": told}
    return None


def _pairs(selector: str) -> dict[str, str]:
    """Read a selector of equalities."""
    parts = (part.partition("=") for part in selector.split(",") if part)
    return {key: value.removeprefix("=") for key, _, value in parts}
