"""Argo CD's API for one Application, as its protocol file describes it; a sync ends at once while `is_quick`."""

import json
from typing import Any

import httpx

from tests.fakes.cluster import merge

TOKEN = "argocd-token"
OLD, NEW = "a" * 40, "b" * 40


class FakeArgoCd:
    """Refuses a rollback while automatic sync is on, and syncs the newest commit when it is switched on."""

    def __init__(self, *, automated: bool = True) -> None:
        policy = {"automated": {"prune": True, "selfHeal": True}} if automated else {}
        self.app: dict[str, Any] = {
            "metadata": {"name": "checkout", "annotations": {}},
            "spec": {"syncPolicy": policy},
            "status": {
                "health": {"status": "Healthy"},
                "history": [{"id": 3, "revision": OLD}, {"id": 4, "revision": NEW}],
                "operationState": {"phase": "Succeeded"},
            },
        }
        self.calls: list[tuple[str, str, Any]] = []
        self.is_quick = True

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def settle(self) -> None:
        operation = self.app.pop("operation", None)
        if operation:
            self._synced(operation["sync"]["revision"])

    def _synced(self, revision: str) -> None:
        history = self.app["status"]["history"]
        if history[-1]["revision"] != revision:
            history.append({"id": history[-1]["id"] + 1, "revision": revision})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"error": "no session information"})
        if request.url.path.split("/")[4] != "checkout":
            return httpx.Response(403, json={"error": "permission denied"})
        if request.method == "GET":
            return httpx.Response(200, json=self.app)
        body = json.loads(request.content)
        self.calls.append((request.method, request.url.path, body))
        return self._patch(body) if request.method == "PATCH" else self._roll_back(body)

    def _patch(self, body: dict[str, Any]) -> httpx.Response:
        assert body["patchType"] == "merge"
        merge(self.app, json.loads(body["patch"]))
        if self.app["spec"]["syncPolicy"].get("automated"):
            self._synced(NEW)
        return httpx.Response(200, json=self.app)

    def _roll_back(self, body: dict[str, Any]) -> httpx.Response:
        if self.app["spec"]["syncPolicy"].get("automated"):
            return httpx.Response(400, json={"error": "rollback cannot be initiated when auto-sync is enabled"})
        revision = next(each["revision"] for each in self.app["status"]["history"] if each["id"] == body["id"])
        self.app["operation"] = {"sync": {"revision": revision}}
        if self.is_quick:
            self.settle()
        return httpx.Response(200, json=self.app)
