"""What a cluster's API tells of a target's pod: captured over real connections, whatever that API does."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.adapters.routers.api import Api
from bot.adapters.targets.pods import Pods
from bot.doctor import Doctor
from bot.domain.checks import State
from bot.domain.pods import PodsPlan
from bot.domain.restarts import Restarts, read_restarts
from bot.domain.service import Target
from bot.domain.snapshot import RESTARTS, Captured, PartStatus
from bot.settings import Settings
from tests.unit.domain.captures import IDLE, goroutines

BASE = "/api/v1/namespaces/shop"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/checkout"


class Cluster(ThreadingHTTPServer):
    """Answers paths with JSON, or with words; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        port = self.server_address[1]
        probe = {"httpGet": {"path": "/livez", "port": port}}
        container = {"name": "c", "ports": [{"containerPort": port}], "livenessProbe": probe}
        status = {"name": "c", "restartCount": 2, "ready": False, "state": {"running": {}}}
        pod = {"metadata": {"name": "checkout-x"}, "spec": {"containers": [container]}}
        pod["status"] = {"podIP": "127.0.0.1", "containerStatuses": [status]}
        self.answers: dict[str, tuple[int, Any]] = {
            f"{BASE}/pods": (200, {"items": [pod]}),
            f"{BASE}/events": (200, {"items": []}),
            DEPLOYMENT: (200, {"spec": {"selector": {"matchLabels": {"app": "checkout", "tier": "web"}}}}),
            "/debug/pprof/goroutine": (200, goroutines(*IDLE)),
            "/livez": (503, "redis: dial tcp 10.0.0.9:6379: i/o timeout"),
        }
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, told = self.server.answers[self.path.partition("?")[0]]
        content = told if isinstance(told, bytes) else (told if isinstance(told, str) else json.dumps(told)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(cluster: Cluster) -> Target:
    url = f"http://127.0.0.1:{cluster.server_address[1]}"
    return Target("checkout-1", "checkout", url, pods=PodsPlan(url, "shop", "app=checkout"))


async def captured(target: Target) -> Captured:
    return await Pods(Api("")).capture(target, RESTARTS)


def read(part: Captured) -> Restarts:
    assert part.status is PartStatus.OK, part.error
    found = read_restarts(json.loads(part.content))
    assert found is not None
    return found


async def test_a_pod_is_told_with_what_its_liveness_answers(cluster: Cluster, target: Target) -> None:
    pod = read(await captured(target))
    assert (pod.pod, pod.count, pod.ready, pod.well) == ("checkout-x", 2, False, None)
    assert pod.live is not None
    assert (pod.live.status, pod.live.peer) == (503, "10.0.0.9:6379")
    assert cluster.asked == [
        f"{BASE}/pods?labelSelector=app%3Dcheckout",
        f"{BASE}/events?fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dcheckout-x&limit=200",
        "/livez",
    ]


def inherited(target: Target) -> Target:
    assert target.pods is not None
    return replace(target, pods=replace(target.pods, selector="", owner="apps/v1/deployments/checkout"))


async def test_the_labels_may_be_those_of_the_routers_deployment(cluster: Cluster, target: Target) -> None:
    read(await captured(inherited(target)))
    assert cluster.asked[:2] == [DEPLOYMENT, f"{BASE}/pods?labelSelector=app%3Dcheckout%2Ctier%3Dweb"]


async def test_all_targets_of_a_look_share_one_list(cluster: Cluster, target: Target) -> None:
    pods = Pods(Api(""))
    for name in ("checkout-1", "checkout-2"):
        read(await pods.capture(replace(target, name=name), RESTARTS))
    assert len([path for path in cluster.asked if "/pods" in path]) == 1


async def test_a_target_that_is_no_pod_is_left_out(cluster: Cluster, target: Target) -> None:
    cluster.answers[f"{BASE}/pods"] = 200, {"items": []}
    part = await captured(target)
    assert (part.status, part.error) == (
        PartStatus.SKIPPED, "checkout-1: no pod in shop has its name or address",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, {"message": "pods is forbidden"}), "its token may not do this"),
        ((200, "<html>"), "that are not JSON"),
        ((200, []), "the answer is no list of pods"),
        ((200, {"items": {}}), "the answer is no list of pods"),
    ],
)
async def test_what_the_api_refuses_is_a_loss_only_where_it_was_asked_for(
    cluster: Cluster, target: Target, answer: tuple[int, Any], told: str
) -> None:
    cluster.answers[f"{BASE}/pods"] = answer
    asked, given = await captured(target), await captured(inherited(target))
    assert (asked.status, given.status) == (PartStatus.FAILED, PartStatus.SKIPPED)
    assert told in asked.error


async def test_a_probe_of_who_does_not_answer_is_told_as_such(cluster: Cluster, target: Target) -> None:
    (pod,) = cluster.answers[f"{BASE}/pods"][1]["items"]
    pod["spec"]["containers"][0]["livenessProbe"]["httpGet"]["port"] = 1
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    live = read(await captured(target)).live
    assert live is not None
    assert (live.status, live.said) == (0, "nobody listens")


async def test_an_address_outside_of_the_allow_list_is_not_asked(cluster: Cluster, target: Target) -> None:
    part = await captured(replace(target, allow=("10.0.0.0/8",)))
    assert (part.status, cluster.asked) == (PartStatus.FAILED, [])


async def test_doctor_says_whether_a_cluster_tells_of_a_target(cluster: Cluster, target: Target) -> None:
    well = await Doctor(Settings())._target(target)
    cluster.answers[f"{BASE}/pods"] = 200, {"items": []}
    absent = await Doctor(Settings())._target(target)
    cluster.answers[f"{BASE}/pods"] = 403, {"message": "pods is forbidden"}
    refused = await Doctor(Settings())._target(target)

    assert (well.state, well.said) == (State.OK, f"answers at {target.pprof}")
    assert (absent.state, absent.said.partition("; ")[2]) == (
        State.OK, "no pod in shop has its name or address",
    )  # fmt: skip
    assert (refused.state, "docs/targets.md" in refused.mend) == (State.WARN, True)
    assert "its token may not do this" in refused.said
