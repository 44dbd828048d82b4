"""What a cluster says of the pod that a target is: how its container is probed, how it ended, what was told of that.

The shapes are those of Kubernetes' core/v1: Pod (status.containerStatuses, spec.containers[].livenessProbe) and Event.
Of a pod only what tells of probes and restarts is taken: never its environment, which may hold secrets.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.redaction import redact

PROBES = ("liveness", "readiness", "startup")
_DEFAULTS = (
    ("initialDelaySeconds", "initial_delay_s", 0),
    ("periodSeconds", "period_s", 10),
    ("timeoutSeconds", "timeout_s", 1),
    ("failureThreshold", "failures", 3),
)
_TOLD = {"Unhealthy", "Killing", "BackOff"}
_MOST_EVENTS = 40
_SAID = 300


@dataclass(frozen=True)
class PodsPlan:
    """Where the pods of a service are found: a namespace of a cluster, and labels or the object that owns them.

    `owner` is such as `apps/v1/deployments/checkout`, whose selector is used where no `selector` is given. `container`
    is the one that serves, "" for the only one or that of the target's port.
    """

    api: str
    namespace: str
    selector: str = ""
    owner: str = ""
    container: str = ""
    ca_file: str = ""


def find_pod(pods: Iterable[Any], name: str, addresses: Sequence[str], ports: Sequence[int]) -> Mapping[str, Any]:
    """Give the pod that a target is, {} for none: by its name, else by its address.

    Pods that share an address (that of their machine) are told apart by their ports.
    """
    known = [pod for pod in pods if isinstance(pod, dict)]
    named = [pod for pod in known if inside(pod, "metadata").get("name") == name]
    here = [pod for pod in known if inside(pod, "status").get("podIP") in addresses and _may_serve(pod, ports)]
    return next(iter((*named, *(here if len(here) == 1 else ()))), {})


def _may_serve(pod: Mapping[str, Any], ports: Sequence[int]) -> bool:
    """Tell whether a pod at an address is the one with these ports: it is, unless it shares that of its machine."""
    shares = inside(pod, "spec").get("hostNetwork") is True
    return not shares or any(_ports(each).intersection(ports) for each in _containers(pod))


def tell_pod(pod: Mapping[str, Any], events: Iterable[Any], ports: Sequence[int], container: str) -> dict[str, Any]:
    """Tell of a pod's container what is kept as evidence; {} where it cannot be told which one is meant."""
    spec = _container(pod, ports, container)
    name = spec.get("name")
    statuses = _list(inside(pod, "status").get("containerStatuses"))
    status = next((each for each in statuses if each.get("name") == name), None)
    if status is None:
        return {}
    metadata = inside(pod, "metadata")
    conditions = {str(each.get("type")): each for each in _list(inside(pod, "status").get("conditions"))}
    told = [each for each in map(_event, events) if each and each.pop("container") in (name, "")]
    return {
        "pod": metadata.get("name"),
        "container": name,
        "deleting": metadata.get("deletionTimestamp") is not None,
        "restarts": status.get("restartCount", 0),
        "ready": status.get("ready") is True,
        "ready_changed_at": conditions.get("Ready", {}).get("lastTransitionTime"),
        "grace_s": inside(pod, "spec").get("terminationGracePeriodSeconds", 30),
        "state": _state(inside(status, "state")),
        "last": _ended(inside(inside(status, "lastState"), "terminated")),
        "probes": {kind: _probe(spec, kind) for kind in PROBES if isinstance(spec.get(f"{kind}Probe"), dict)},
        "events": sorted(told, key=lambda each: str(each["last_at"]))[-_MOST_EVENTS:],
    }


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _list(inside(pod, "spec").get("containers"))


def _container(pod: Mapping[str, Any], ports: Sequence[int], wanted: str) -> Mapping[str, Any]:
    known = _containers(pod)
    if wanted:
        return next((each for each in known if each.get("name") == wanted), {})
    serving = [each for each in known if _ports(each).intersection(ports)]
    return next(iter(serving or (known if len(known) == 1 else [])), {})


def _ports(container: Mapping[str, Any]) -> set[int]:
    return {port for each in _list(container.get("ports")) if isinstance(port := each.get("containerPort"), int)}


def _probe(container: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Read a probe; what it leaves out is as Kubernetes sets it."""
    probe = inside(container, f"{kind}Probe")
    told: dict[str, Any] = {ours: probe.get(theirs, default) for theirs, ours, default in _DEFAULTS}
    told["timeout_set"] = "timeoutSeconds" in probe
    get = inside(probe, "httpGet")
    if not get:
        return told | {"kind": next((key for key in ("tcpSocket", "grpc", "exec") if key in probe), "")}
    named = {str(each.get("name")): each.get("containerPort") for each in _list(container.get("ports"))}
    port = get.get("port")
    return told | {
        "kind": "http",
        "path": str(get.get("path", "/")),
        "port": named.get(port) if isinstance(port, str) else port,
        "scheme": str(get.get("scheme", "HTTP")).lower(),
    }


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    word = next((each for each in ("running", "waiting", "terminated") if each in state), "")
    now = inside(state, word)
    return {"is": word, "reason": now.get("reason", ""), "since": now.get("startedAt")}


def _ended(ended: Mapping[str, Any]) -> dict[str, Any] | None:
    if not ended:
        return None
    at = {"started_at": ended.get("startedAt"), "finished_at": ended.get("finishedAt")}
    return {"exit": ended.get("exitCode"), "reason": ended.get("reason", ""), **at}


def _event(event: Any) -> dict[str, Any] | None:
    """Read an event of either age: with a count and two times, or with a series."""
    if not isinstance(event, dict) or str(event.get("reason")) not in _TOLD:
        return None
    series, about = inside(event, "series"), str(inside(event, "involvedObject").get("fieldPath") or "")
    first = event.get("firstTimestamp") or event.get("eventTime")
    named = re.search(r"\{(.+)\}", about)
    said = str(event.get("message", ""))
    return {
        "reason": event["reason"],
        "container": named[1] if named else "",
        "probe": next((kind for kind in PROBES if re.search(rf"\b{kind} probe\b", said, re.IGNORECASE)), ""),
        "count": event.get("count") or series.get("count") or 1,
        "first_at": first,
        "last_at": event.get("lastTimestamp") or series.get("lastObservedTime") or first,
        "said": redact(said)[:_SAID],
    }


def inside(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give what stands under a key if it has keys of its own, else nothing."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _list(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
