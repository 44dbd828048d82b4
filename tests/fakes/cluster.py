"""A cluster's API as its documents describe it: Deployments, Rollouts, ReplicaSets, Ingresses; and their controllers.

Patches are checked as the API server does (`test` operations, resource versions); a controller takes a change up when
`settle` is called, or at once while `is_quick`.
"""

import copy
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx

from bot.adapters.routers.replicasets import Words

Json = dict[str, Any]
NAMESPACE = "shop"
TOKEN = "cluster-token"


def template(image: str) -> Json:
    return {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "checkout", "image": image}]}}


class FakeCluster:
    """Answers requests; `calls` are those that changed something, `before_patch` happens right before one."""

    before_patch: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.replicasets: list[Json] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.is_quick = True

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def add(self, kind: str, name: str, spec: Json, **more: Any) -> Json:
        """Add an object; `kind` is as in its path, such as apps/v1/deployments."""
        group, version, plural = kind.split("/")
        metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "generation": 1, "resourceVersion": "1"}
        metadata["annotations"] = more.pop("annotations", {})
        path = f"/apis/{group}/{version}/namespaces/{NAMESPACE}/{plural}/{name}"
        self.objects[path] = {"metadata": metadata, "spec": spec, "status": {}, **more}
        return self.objects[path]

    def release(self, owner: Json, words: Words, hashed: str, image: str, revision: int) -> None:
        """Add a ReplicaSet of an object."""
        body = template(image)
        body["metadata"]["labels"][words.hash] = hashed
        metadata = {
            "labels": {"app": "checkout", words.hash: hashed},
            "annotations": {words.revision: str(revision)},
            "ownerReferences": [{"uid": owner["metadata"]["uid"]}],
        }
        self.replicasets.append({"metadata": metadata, "spec": {"template": body}})

    def settle(self) -> None:
        """Let the controllers take up what was changed."""
        for path, each in self.objects.items():
            if "/deployments/" in path:
                self._deploy(each)
            elif "/rollouts/" in path:
                self._roll_out(each)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"kind": "Status", "message": "Unauthorized"})
        path = request.url.path
        if path.endswith("/replicasets"):
            wanted = parse_qs(request.url.query.decode())["labelSelector"]
            assert wanted == ["app=checkout"]
            return httpx.Response(200, json={"kind": "ReplicaSetList", "items": self.replicasets})
        sub = path.endswith("/status")
        found = self.objects.get(path.removesuffix("/status"))
        if found is None:
            return httpx.Response(404, json={"kind": "Status", "message": f"{path} not found"})
        if request.method == "PATCH":
            return self._patch(found, request, "status" if sub else "")
        return httpx.Response(200, json=found)

    def _patch(self, found: Json, request: httpx.Request, sub: str) -> httpx.Response:
        self.before_patch()
        body, spec = json.loads(request.content), copy.deepcopy(found["spec"])
        self.calls.append((request.method, request.url.path, body))
        is_json_patch = request.headers["content-type"] == "application/json-patch+json"
        refusal = _operate(found, body) if is_json_patch else _merge(found, body, sub)
        if refusal:
            return httpx.Response(refusal, json={"kind": "Status", "message": "the object has been modified"})
        if found["spec"] != spec:
            found["metadata"]["generation"] += 1
        found["metadata"]["resourceVersion"] = str(int(found["metadata"]["resourceVersion"]) + 1)
        if self.is_quick:
            self.settle()
        return httpx.Response(200, json=found)

    def _current(self, owner: Json, label: str, annotation: str) -> Json:
        """Find the ReplicaSet of the wanted template; it gets the next revision number, as it is the latest again."""
        mine = [r for r in self.replicasets if r["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]]
        current = next(
            r
            for r in mine
            if r["spec"]["template"]["spec"] == owner["spec"]["template"]["spec"]
            and label not in owner["spec"]["template"]["metadata"]["labels"]
        )
        latest = max(int(r["metadata"]["annotations"][annotation]) for r in mine)
        if int(current["metadata"]["annotations"][annotation]) < latest:
            current["metadata"]["annotations"][annotation] = str(latest + 1)
        owner["metadata"]["annotations"][annotation] = current["metadata"]["annotations"][annotation]
        return current

    def _deploy(self, owner: Json) -> None:
        self._current(owner, "pod-template-hash", "deployment.kubernetes.io/revision")
        count = owner["spec"].get("replicas", 1)
        owner["status"] = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), count)
        owner["status"]["observedGeneration"] = owner["metadata"]["generation"]

    def _roll_out(self, owner: Json) -> None:
        current = self._current(owner, "rollouts-pod-template-hash", "rollout.argoproj.io/revision")
        status = owner["status"]
        hashed = current["metadata"]["labels"]["rollouts-pod-template-hash"]
        if hashed != status.get("currentPodHash"):  # another template begins anew, an abort is over
            status.update(abort=False, currentStepIndex=0)
        status.update(currentPodHash=hashed, observedGeneration=str(owner["metadata"]["generation"]))
        status.setdefault("stableRS", hashed)
        is_stable, aborted = hashed == status["stableRS"], bool(status.get("abort"))
        first = next((s["setWeight"] for s in owner["spec"]["strategy"]["canary"]["steps"] if "setWeight" in s), 0)
        status["phase"] = "Degraded" if aborted else "Healthy" if is_stable else "Paused"
        status["canary"] = {"weights": {"canary": {"weight": 0 if aborted or is_stable else first}}}


def _operate(found: Json, operations: list[Json]) -> int:
    for operation in operations:
        *above, last = operation["path"].strip("/").split("/")
        place = found
        for key in above:
            place = place[key]
        if operation["op"] == "test" and place.get(last) != operation["value"]:
            return 422
        if operation["op"] in {"add", "replace"}:
            place[last] = operation["value"]
    return 0


def _merge(found: Json, patch: Json, sub: str) -> int:
    version = patch.get("metadata", {}).pop("resourceVersion", None)
    if version is not None and version != found["metadata"]["resourceVersion"]:
        return 409
    allowed = {sub} if sub else {"metadata", "spec"}
    merge(found, {key: value for key, value in patch.items() if key in allowed})
    return 0


def merge(found: Json, patch: Json) -> None:
    """Apply a merge patch (RFC 7386)."""
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            merge(found[key], value)
        else:
            found[key] = value
