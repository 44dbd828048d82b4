"""What is read of a pod: the shapes are those of a cluster's own answers."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.domain.facts import Facts
from bot.domain.faults import Beside, probe_loop
from bot.domain.pods import find_pod, tell_pod
from bot.domain.restarts import Asked, Life, Restarts, read_restarts

POD: dict[str, Any] = {
    "metadata": {"name": "checkout-7f9c-x2x", "namespace": "shop"},
    "spec": {
        "containers": [
            {
                "name": "checkout",
                "env": [{"name": "PASSWORD", "value": "hunter2"}],
                "ports": [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 6060}],
                "livenessProbe": {"httpGet": {"path": "/health/live", "port": "http"}, "periodSeconds": 5},
                "readinessProbe": {"tcpSocket": {"port": 8080}, "timeoutSeconds": 3},
            },
            {"name": "envoy", "ports": [{"containerPort": 15001}]},
        ]
    },
    "status": {
        "podIP": "10.1.2.3",
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-29T03:00:05Z"}],
        "containerStatuses": [
            {"name": "envoy", "restartCount": 0, "ready": True},
            {
                "name": "checkout",
                "restartCount": 4,
                "ready": False,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "Error",
                        "startedAt": "2026-11-29T03:00:00Z",
                        "finishedAt": "2026-11-29T03:00:40Z",
                    }
                },
            },
        ],
    },
}
PORTS = (6060, 8080)


def event(reason: str, message: str, **more: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "checkout-7f9c-x2x", "fieldPath": "spec.containers{checkout}"}
    times = {"firstTimestamp": "2026-11-29T03:00:10Z", "lastTimestamp": "2026-11-29T03:00:38Z", "count": 3}
    return {"reason": reason, "message": message, "involvedObject": about} | times | more


EVENTS = [
    event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503"),
    event("Killing", "Container checkout failed liveness probe, will be restarted", count=1),
    event("Pulled", "Container image is there"),
    event("Unhealthy", "Readiness probe failed: nobody", involvedObject={"fieldPath": "spec.containers{envoy}"}),
    event(
        "Unhealthy",
        'Readiness probe failed: Get "http://10.1.2.3:8080/": context deadline exceeded',
        count=None,
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime="2026-11-29T03:00:09.123456Z",
        series={"count": 7, "lastObservedTime": "2026-11-29T03:00:39.123456Z"},
    ),
]


def told(pod: dict[str, Any] | None = None, container: str = "") -> Restarts:
    found = read_restarts(json.loads(json.dumps(tell_pod(pod or POD, EVENTS, PORTS, container))))
    assert found is not None
    return found


def test_a_pod_is_found_by_its_name_or_its_address() -> None:
    assert find_pod([POD], "checkout-7f9c-x2x", (), ()) == POD
    assert find_pod([POD], "checkout-1", ("10.1.2.3",), PORTS) == POD
    assert find_pod([POD], "checkout-1", ("10.1.2.4",), PORTS) == {}
    assert find_pod([None, 3, {"status": []}], "checkout-1", ("10.1.2.4",), PORTS) == {}


def test_pods_that_share_their_machines_address_are_told_apart_by_ports() -> None:
    machine = {"podIP": "10.1.2.3"}
    other = {"status": machine, "spec": {"hostNetwork": True, "containers": [{"ports": [{"containerPort": 9}]}]}}
    assert find_pod([other, POD], "checkout-1", ("10.1.2.3",), PORTS) == POD
    assert find_pod([other], "checkout-1", ("10.1.2.3",), PORTS) == {}
    assert find_pod([other], "checkout-1", ("10.1.2.3",), (9,)) == other
    assert find_pod([POD, POD], "checkout-1", ("10.1.2.3",), PORTS) == {}


def test_the_container_that_serves_is_told_with_its_probes_and_its_end() -> None:
    pod = told()
    assert (pod.container, pod.count, pod.ready, pod.waiting_for) == ("checkout", 4, False, "CrashLoopBackOff")
    assert pod.liveness is not None
    assert pod.readiness is not None
    assert (pod.liveness.path, pod.liveness.port, pod.liveness.period_s, pod.liveness.failures) == (
        "/health/live", 8080, 5, 3,
    )  # fmt: skip
    assert (pod.liveness.timeout_set, pod.liveness.timeout_s, pod.liveness.budget_s) == (False, 1, 15)
    assert (pod.readiness.kind, pod.readiness.timeout_set, pod.startup) == ("tcpSocket", True, None)
    assert pod.last is not None
    assert (pod.last.exit, pod.last.seconds, pod.killed_by, pod.was_never_ready) == (137, 40, "liveness", False)


def test_events_of_either_age_are_read_and_those_of_other_containers_are_not() -> None:
    pod = told()
    assert [(each.count, each.how) for each in pod.misses("liveness")] == [(3, "status 503")]
    assert [(each.count, each.how) for each in pod.misses("readiness")] == [(7, "timeout")]
    assert pod.kills("liveness") == 1


def test_nothing_of_the_environment_is_kept() -> None:
    assert "hunter2" not in json.dumps(tell_pod(POD, EVENTS, PORTS, ""))


def test_which_container_is_meant_can_be_said_and_is_not_guessed() -> None:
    assert told(container="envoy").container == "envoy"
    assert tell_pod(POD, EVENTS, PORTS, "nginx") == {}
    assert tell_pod(POD, EVENTS, (1,), "") == {}
    assert tell_pod({}, EVENTS, PORTS, "") == {}


@pytest.mark.parametrize(
    "document", [{}, {"restarts": True, "ready": False}, {"restarts": 1}, {"restarts": "1", "ready": True}]
)
def test_what_is_damaged_is_not_known(document: dict[str, Any]) -> None:
    assert read_restarts(document) is None


def test_damaged_parts_are_left_out() -> None:
    document = {"restarts": 1, "ready": True, "state": [], "last": {"exit": 1, "started_at": "noon"}, "events": [7, {}]}
    document |= {"probes": {"liveness": {"period_s": float("nan")}}, "answers": {"liveness": {"status": "good"}}}
    found = read_restarts(document)
    assert found is not None
    assert (found.last, found.told, found.live, found.state) == (None, (), None, "")
    assert found.liveness is not None
    assert found.liveness.period_s == 10


@pytest.mark.parametrize(
    ("code", "reason", "by"),
    [(143, "Error", "liveness"), (0, "Completed", "liveness"), (1, "Error", "liveness"), (137, "OOMKilled", "")],
)
def test_whoever_is_killed_may_end_in_any_way_but_for_want_of_memory(code: int, reason: str, by: str) -> None:
    pod = told()
    assert pod.last is not None
    life = Life(code, reason, pod.last.started_at, pod.last.finished_at)
    assert Restarts("p", "c", 1, ready=False, last=life, told=pod.told, liveness=pod.liveness).killed_by == by


def test_without_the_word_that_it_is_killed_the_probe_that_failed_until_then_is_blamed() -> None:
    pod = told()
    missed = tuple(each for each in pod.told if each.reason == "Unhealthy")
    assert Restarts("p", "c", 1, ready=False, last=pod.last, told=missed, liveness=pod.liveness).killed_by == "liveness"
    assert Restarts("p", "c", 1, ready=False, last=pod.last, liveness=pod.liveness).killed_by == ""


@pytest.mark.parametrize(
    ("said", "blames", "peer"),
    [
        ("redis: dial tcp 127.0.0.1:6390: connect: connection refused", True, "127.0.0.1:6390"),
        ("dial tcp: lookup redis.shop on 10.0.0.1:53: no such host", True, "redis.shop"),
        ("read tcp 10.0.0.1:55->10.0.0.2:6379: i/o timeout", True, "10.0.0.2:6379"),
        ('{"error":"dial tcp [::1]:5: connect: connection refused"}', True, "[::1]:5"),
        ("context deadline exceeded", True, ""),
        ("heartbeat of the worker is 40 s old", False, ""),
    ],
)
def test_an_answer_tells_whom_it_could_not_reach(said: str, *, blames: bool, peer: str) -> None:
    asked = Asked(503, 0.01, said)
    assert (asked.blames_network, asked.peer) == (blames, peer)
    assert not Asked(200, 0.01, said).blames_network


def paths(document: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the way to everything in a document."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, each in inside:
        yield (*at, key)
        yield from paths(each, (*at, key))


def with_value(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("value", [None, [], {}, True, -1, 1e308, 10**400, "x", [[1]], {"name": []}], ids=repr)
def test_whatever_stands_in_the_place_of_a_value_is_read_or_not_known(value: Any) -> None:
    document = {"pod": POD, "events": EVENTS}
    for path in paths(document):
        given = with_value(document, path, value)
        found = find_pod([given["pod"]], "checkout-1", ("10.1.2.3",), PORTS)
        read_restarts(
            tell_pod(found, given["events"], PORTS, "") if found and isinstance(given["events"], list) else {}
        )
    answers = {"liveness": {"status": 503, "seconds": 1.0, "said": "i/o timeout"}}
    kept = tell_pod(POD, EVENTS, PORTS, "") | {"at": "2026-11-29T03:00:41Z", "answers": answers}
    for path in paths(kept):
        pod = read_restarts(with_value(kept, path, value))
        probe_loop.find(Facts("checkout-1", restarts=pod), Beside())
        assert pod is None or all(str(each) for each in (pod.last, *pod.probed))
