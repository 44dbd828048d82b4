"""A Kubernetes Deployment: it shares no traffic, but brings the release before back.

API: apps/v1; what `kubectl rollout undo` and `kubectl rollout status` do.
"""

from typing import Any

from bot.adapters.routers.api import JSON_PATCH, Api
from bot.adapters.routers.replicasets import Release, Words, address, before, clean, fetch, is_asked_for, releases
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

WORDS = Words("apps/v1/deployments", "deployment", "deployment.kubernetes.io/revision", "pod-template-hash")


class DeploymentDriver:
    """Releases are template hashes; one counts as running when every replica is of it and available."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, route: Route) -> Split | Missing:
        """Read which release runs; none while one is being rolled out."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        deployment, known = found
        wanted = _current(deployment, known)
        if wanted is None:
            return Split(note="the controller has not taken up the last change yet")
        unfinished = _unfinished(deployment)
        note = f"{wanted.words}{', paused' if deployment['spec'].get('paused') else ''}"
        return Split(release="" if unfinished else wanted.hash, note=f"{note}: {unfinished}" if unfinished else note)

    async def earlier(self, route: Route) -> str | Missing:
        """Name the release before the one that is wanted now."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        deployment, known = found
        now = _current(deployment, known)
        previous = before(known, now.hash) if now else None
        return previous.hash if previous else ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan to bring a release back."""
        found = await self._look(route)
        if isinstance(found, Missing) or not wanted.release:
            return found if isinstance(found, Missing) else ()
        deployment, known = found
        now, then = _current(deployment, known), _named(known, wanted.release)
        if (now and now.hash == wanted.release) or is_asked_for(deployment, then, WORDS):
            return ()
        if deployment["spec"].get("paused"):
            return Missing(f"deployment {route.text('name')} is paused; resume it first, or nothing happens")
        if then is None:
            return Missing(f"deployment {route.text('name')} has no release {wanted.release} any more")
        command = f"kubectl -n {route.text('namespace')} rollout undo deployment/{route.text('name')}"
        words = f"bring back {then.words} of deployment {route.text('name')}"
        return (Move(words, f"{command} --to-revision={then.revision}", {"release": then.hash}),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Put the template of the release back, unless it is there, or somebody else changes it meanwhile."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        deployment, known = found
        now, then = _current(deployment, known), _named(known, move.body["release"])
        if (now and now.hash == move.body["release"]) or is_asked_for(deployment, then, WORDS):
            return None
        if then is None:
            return Missing(f"deployment {route.text('name')} has no release {move.body['release']} any more")
        patch = [
            {"op": "test", "path": "/metadata/generation", "value": deployment["metadata"].get("generation")},
            {"op": "replace", "path": "/spec/template", "value": clean(then.template, WORDS.hash)},
        ]
        url = address(route, WORDS.path)
        done = await self._api.call("PATCH", url, body=patch, kind=JSON_PATCH, ca_file=route.text("ca_file"))
        return done if isinstance(done, Missing) else None

    async def _look(self, route: Route) -> tuple[dict[str, Any], tuple[Release, ...]] | Missing:
        deployment = await fetch(self._api, route, WORDS)
        if isinstance(deployment, Missing):
            return deployment
        known = await releases(self._api, route, WORDS, deployment)
        return known if isinstance(known, Missing) else (deployment, known)


def _current(deployment: dict[str, Any], known: tuple[Release, ...]) -> Release | None:
    """Give the release that is wanted; None until the controller has seen the last change."""
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    if int(status.get("observedGeneration", 0)) < int(metadata.get("generation", 0)):
        return None
    revision = int((metadata.get("annotations") or {}).get(WORDS.revision, -1))
    return next((each for each in known if each.revision == revision), None)


def _named(known: tuple[Release, ...], release: str) -> Release | None:
    return next((each for each in known if each.hash == release), None)


def _unfinished(deployment: dict[str, Any]) -> str:
    """Say how far a roll-out has come; "" when it is complete. As `kubectl rollout status` tells it."""
    wanted, status = int(deployment["spec"].get("replicas", 1)), deployment.get("status") or {}
    updated, ready = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    if updated < wanted:
        return f"{updated} of {wanted} replicas are of it"
    if int(status.get("replicas", 0)) > updated:
        return f"{int(status['replicas']) - updated} older replicas still end"
    return f"{ready} of {updated} replicas are available" if ready < updated else ""
