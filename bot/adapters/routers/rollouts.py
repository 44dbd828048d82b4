"""An Argo Rollout with a canary strategy: abort, undo, and a weight.

API: argoproj.io/v1alpha1; what the kubectl plugin's `abort`, `retry` and `undo` do. An abort sends all traffic to the
stable release and takes the managed header routes away, and changes neither the wanted template nor Git.
"""

import json
from typing import Any

from bot.adapters.routers.api import JSON_PATCH, MERGE, Api
from bot.adapters.routers.replicasets import Release, Words, address, before, clean, fetch, is_asked_for, releases
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

WORDS = Words("argoproj.io/v1alpha1/rollouts", "rollout", "rollout.argoproj.io/revision", "rollouts-pod-template-hash")
STEPS = "firstfive/steps"
"""The annotation that keeps a Rollout's own steps while a weight was set by hand."""


class RolloutsDriver:
    """Releases are template hashes: what is wanted, which the canary runs until it is stable."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, route: Route) -> Split | Missing:
        """Read the canary's weight, the release that is wanted, and what the controller says of it."""
        rollout = await fetch(self._api, route, WORDS)
        if isinstance(rollout, Missing):
            return rollout
        status = rollout.get("status") or {}
        if str(status.get("observedGeneration", "")) != str(rollout["metadata"].get("generation", "")):
            return Split(note="the controller has not taken up the last change yet")
        phase, message = str(status.get("phase") or "Unknown"), str(status.get("message") or "")
        note = f"{phase}{': ' if message else ''}{message}{', aborted' if _is_aborted(rollout) else ''}"
        return Split(_weight(rollout), None, str(status.get("currentPodHash") or ""), note)

    async def earlier(self, route: Route) -> str | Missing:
        """Name the stable release while another is wanted, else the one before it."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        rollout, known = found
        status = rollout.get("status") or {}
        current, stable = str(status.get("currentPodHash") or ""), str(status.get("stableRS") or "")
        if stable and stable != current:
            return stable
        previous = before(known, current)
        return previous.hash if previous else ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan an abort first, as it is the quickest, then the release, then a weight."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        rollout, known = found
        name, prefix = route.text("name"), f"kubectl argo rollouts -n {route.text('namespace')}"
        moves, weight = [], _weight(rollout)
        if wanted.weight == 0 and weight != 0 and not _is_aborted(rollout):
            words = f"abort rollout {name}: all traffic to its stable release"
            moves.append(Move(words, f"{prefix} abort {name}", {"do": "abort"}))
        undo = _undo(rollout, known, route, wanted.release) if wanted.release else ()
        if isinstance(undo, Missing):
            return undo
        moves += undo
        if wanted.weight and (weight is None or round(weight) != round(wanted.weight)):
            moves.append(_weigh(rollout, route, round(wanted.weight)))
        return tuple(moves)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Make a move unless it is made."""
        found = await self._look(route)
        if isinstance(found, Missing):
            return found
        rollout, known = found
        act = {"abort": self._abort, "undo": self._undo, "weight": self._set_weight}[move.body["do"]]
        done = await act(route, move, rollout, known)
        return done if isinstance(done, Missing) else None

    async def _abort(self, route: Route, _: Move, rollout: dict[str, Any], __: tuple[Release, ...]) -> Any:
        return None if _is_aborted(rollout) else await self._status(route, {"abort": True})

    async def _undo(self, route: Route, move: Move, rollout: dict[str, Any], known: tuple[Release, ...]) -> Any:
        then = next((each for each in known if each.hash == move.body["release"]), None)
        if is_asked_for(rollout, then, WORDS):
            return None
        if then is None:
            return Missing(f"rollout {route.text('name')} has no release {move.body['release']} any more")
        template = clean(then.template, WORDS.hash)
        return await self._patch(route, rollout, [{"op": "replace", "path": "/spec/template", "value": template}])

    async def _set_weight(self, route: Route, move: Move, rollout: dict[str, Any], _: tuple[Release, ...]) -> Any:
        """Replace the steps by one; they are kept in an annotation, and come back with the next apply from Git."""
        steps = json.loads(move.body["steps"])
        if rollout["spec"]["strategy"]["canary"].get("steps") != steps:
            kept = json.dumps(rollout["spec"]["strategy"]["canary"].get("steps") or [])
            annotations = {STEPS: kept, **(rollout["metadata"].get("annotations") or {})}
            operations = [
                {"op": "add", "path": "/metadata/annotations", "value": annotations},
                {"op": "add", "path": "/spec/strategy/canary/steps", "value": steps},
            ]
            done = await self._patch(route, rollout, operations)
            if isinstance(done, Missing):
                return done
        return await self._status(route, {"abort": False}) if _is_aborted(rollout) else None

    async def _patch(self, route: Route, rollout: dict[str, Any], operations: list[dict[str, Any]]) -> Any:
        test = {"op": "test", "path": "/metadata/generation", "value": rollout["metadata"].get("generation")}
        url = address(route, WORDS.path)
        return await self._api.call(
            "PATCH", url, body=[test, *operations], kind=JSON_PATCH, ca_file=route.text("ca_file")
        )

    async def _status(self, route: Route, status: dict[str, Any]) -> Any:
        url = f"{address(route, WORDS.path)}/status"
        return await self._api.call("PATCH", url, body={"status": status}, kind=MERGE, ca_file=route.text("ca_file"))

    async def _look(self, route: Route) -> tuple[dict[str, Any], tuple[Release, ...]] | Missing:
        rollout = await fetch(self._api, route, WORDS)
        if isinstance(rollout, Missing):
            return rollout
        if not isinstance((rollout["spec"].get("strategy") or {}).get("canary"), dict):
            return Missing(f"rollout {route.text('name')} has no canary strategy")
        known = await releases(self._api, route, WORDS, rollout)
        return known if isinstance(known, Missing) else (rollout, known)


def _undo(
    rollout: dict[str, Any], known: tuple[Release, ...], route: Route, release: str
) -> tuple[Move, ...] | Missing:
    """Plan to want a release again, unless it is wanted."""
    name = route.text("name")
    then = next((each for each in known if each.hash == release), None)
    if release == (rollout.get("status") or {}).get("currentPodHash") or is_asked_for(rollout, then, WORDS):
        return ()
    if rollout["spec"].get("workloadRef"):
        return Missing(f"rollout {name} takes its template from another object (workloadRef); undo that one")
    if then is None:
        return Missing(f"rollout {name} has no release {release} any more")
    command = f"kubectl argo rollouts -n {route.text('namespace')} undo {name} --to-revision={then.revision}"
    return (Move(f"bring back {then.words} of rollout {name}", command, {"do": "undo", "release": then.hash}),)


def _weigh(rollout: dict[str, Any], route: Route, weight: int) -> Move:
    steps = [{"setWeight": weight}, {"pause": {}}]
    again = " and go on after its abort" if _is_aborted(rollout) else ""
    words = f"hold rollout {route.text('name')} at {weight} % until somebody promotes it{again}"
    patch = json.dumps({"spec": {"strategy": {"canary": {"steps": steps}}}})
    command = f"kubectl -n {route.text('namespace')} patch rollout {route.text('name')} --type merge -p '{patch}'"
    return Move(words, command, {"do": "weight", "steps": json.dumps(steps)})


def _weight(rollout: dict[str, Any]) -> float | None:
    """Give the canary's share: as the traffic router has it, else by the step it stands at; 0 when all is stable."""
    status = rollout.get("status") or {}
    told = (((status.get("canary") or {}).get("weights") or {}).get("canary") or {}).get("weight")
    if told is not None:
        return float(told)
    if _is_aborted(rollout) or status.get("currentPodHash") == status.get("stableRS"):
        return 0.0
    steps = rollout["spec"]["strategy"]["canary"].get("steps") or []
    begun = steps[: int(status.get("currentStepIndex") or 0) + 1]
    weights = [step["setWeight"] for step in begun if isinstance(step, dict) and "setWeight" in step]
    return float(weights[-1]) if weights else None


def _is_aborted(rollout: dict[str, Any]) -> bool:
    return bool((rollout.get("status") or {}).get("abort"))
