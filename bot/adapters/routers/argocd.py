"""An Argo CD Application: back to what was synced before, with automatic sync suspended, since it would undo that.

API: argo-cd's own (`/api/v1/applications`). It refuses a rollback while automatic sync is on, so that suspending it is
the first move of a rollback, and resuming it the last move of going back.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from bot.adapters.routers.api import Api
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

KEPT = "firstfive/automated-sync"
"""The annotation that keeps the policy of automatic sync while it is suspended, and what ran before: its way back."""


class ArgoCdDriver:
    """Releases are the revisions of the repository that were synced."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, route: Route) -> Split | Missing:
        """Read which revision was synced last, and whether automatic sync would undo a change."""
        app = await self._fetch(route)
        if isinstance(app, Missing):
            return app
        status, history = app.get("status") or {}, _history(app)
        operation = status.get("operationState") or {}
        phase = str(operation.get("phase") or "")
        is_busy = bool(app.get("operation")) or phase in {"Running", "Terminating"}
        notes = [f"health {(status.get('health') or {}).get('status') or 'unknown'}", _sync_words(app)]
        if is_busy or phase in {"Failed", "Error"}:
            said = f": {operation['message']}" if operation.get("message") else ""
            notes.append(f"a sync {'is under way' if is_busy else 'failed'}{said}")
        release = "" if is_busy or not history else str(history[-1].get("revision") or "")
        return Split(release=release, note=", ".join(notes))

    async def earlier(self, route: Route) -> str | Missing:
        """Name the revision that was synced before the last one."""
        app = await self._fetch(route)
        if isinstance(app, Missing):
            return app
        revisions = [str(each.get("revision") or "") for each in _history(app)]
        return next((each for each in reversed(revisions) if each and each != revisions[-1]), "")

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan to sync a revision of its history; automatic sync is suspended before, and resumed by going back."""
        app = await self._fetch(route)
        if isinstance(app, Missing) or not wanted.release:
            return app if isinstance(app, Missing) else ()
        history, name = _history(app), route.text("application")
        now, kept = str(history[-1].get("revision") or "") if history else "", _kept(app)
        resumes = (Move(*_resume(name), {"do": "resume"}),) if kept and wanted.release == kept["revision"] else ()
        if now == wanted.release:
            return resumes
        then = next((each for each in reversed(history) if each.get("revision") == wanted.release), None)
        if then is None:
            return Missing(f"application {name} has no sync of {wanted.release} in its history any more")
        number = int(then["id"])
        body = {"do": "rollback", "id": str(number), "release": wanted.release}
        back = Move(
            f"sync {wanted.release[:12]} of application {name} again", f"argocd app rollback {name} {number}", body
        )
        if kept is not None:
            return (back, *resumes)
        automated = (app["spec"].get("syncPolicy") or {}).get("automated")
        if automated is None or automated.get("enabled") is False:
            return (back,)
        suspend = f"argocd app set {name} --sync-policy none"
        return (Move(f"suspend the automatic sync of application {name}", suspend, {"do": "suspend"}), back)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Make a move unless it is made."""
        app = await self._fetch(route)
        if isinstance(app, Missing):
            return app
        do = move.body["do"]
        if do == "rollback":
            return await self._rollback(route, move, app)
        policy, kept = app["spec"].get("syncPolicy") or {}, _kept(app)
        if do == "suspend" and policy.get("automated") is not None:
            synced = str(_history(app)[-1].get("revision") or "") if _history(app) else ""
            return await self._patch(route, None, json.dumps({"automated": policy["automated"], "revision": synced}))
        if do == "resume" and kept is not None:
            return await self._patch(route, kept["automated"], None)
        return None

    async def _rollback(self, route: Route, move: Move, app: dict[str, Any]) -> Missing | None:
        history = _history(app)
        under_way = str(((app.get("operation") or {}).get("sync") or {}).get("revision") or "")
        if move.body["release"] in {under_way, str(history[-1].get("revision") or "") if history else ""}:
            return None
        if app.get("operation"):
            return Missing(
                f"application {route.text('application')} is being synced; wait for its end, or terminate it"
            )
        body = {"name": route.text("application"), "id": int(move.body["id"]), "prune": False, "dryRun": False}
        return await self._send("POST", _address(route, "/rollback"), route, body)

    async def _patch(self, route: Route, automated: Any, kept: str | None) -> Missing | None:
        """Set or take away the policy, and keep what it was; `None` takes away."""
        patch = {"metadata": {"annotations": {KEPT: kept}}, "spec": {"syncPolicy": {"automated": automated}}}
        body = {"name": route.text("application"), "patch": json.dumps(patch), "patchType": "merge"}
        return await self._send("PATCH", _address(route), route, body)

    async def _send(self, method: str, url: str, route: Route, body: Mapping[str, Any]) -> Missing | None:
        namespace = route.text("app_namespace")
        whole = {**body, **({"appNamespace": namespace} if namespace else {})}
        done = await self._api.call(method, url, body=whole, ca_file=route.text("ca_file"))
        return done if isinstance(done, Missing) else None

    async def _fetch(self, route: Route) -> dict[str, Any] | Missing:
        found = await self._api.call("GET", _address(route), ca_file=route.text("ca_file"))
        where = f"application {route.text('application')}"
        if isinstance(found, Missing):
            return Missing(f"{where}: {found.reason}")
        is_whole = isinstance(found, dict) and isinstance(found.get("spec"), dict) and "metadata" in found
        return found if is_whole else Missing(f"{where}: the answer is no application")


def _address(route: Route, below: str = "") -> str:
    base = f"{route.text('api')}/api/v1/applications/{quote(route.text('application'), safe='')}{below}"
    namespace = route.text("app_namespace")
    return f"{base}?{urlencode({'appNamespace': namespace})}" if namespace else base


def _history(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what was synced, oldest first."""
    history = (app.get("status") or {}).get("history") or []
    return sorted((each for each in history if isinstance(each, dict)), key=lambda each: int(each.get("id", 0)))


def _kept(app: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the policy of automatic sync that was suspended, and the revision that ran then; None when none was."""
    try:
        kept = json.loads((app["metadata"].get("annotations") or {})[KEPT])
        return {"automated": kept["automated"], "revision": kept["revision"]}
    except (KeyError, ValueError, TypeError):
        return None


def _sync_words(app: Mapping[str, Any]) -> str:
    automated = (app["spec"].get("syncPolicy") or {}).get("automated")
    if automated is not None and automated.get("enabled") is not False:
        return "automatic sync undoes what Git does not say"
    return "automatic sync is suspended" if _kept(app) is not None else "automatic sync is off"


def _resume(name: str) -> tuple[str, str]:
    return f"resume the automatic sync of application {name}", f"argocd app set {name} --sync-policy automated"
