"""ReplicaSets of a Deployment or a Rollout: which release each is, and which came before.

A release is named by its pod template's hash, which stays the same when it comes back; its revision number does not
(kubernetes.io, Deployments, "Rolling back to a previous revision").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from bot.adapters.routers.api import Api
from bot.domain.run import Missing
from bot.domain.traffic import Route


@dataclass(frozen=True)
class Words:
    """What a controller calls its objects, and the annotation and label that it puts on ReplicaSets."""

    path: str
    one: str
    revision: str
    hash: str


@dataclass(frozen=True)
class Release:
    """One release: the hash of its template, its revision number, the images, the template itself."""

    hash: str
    revision: int
    images: tuple[str, ...]
    template: Mapping[str, Any]

    @property
    def words(self) -> str:
        """Say which it is."""
        return f"revision {self.revision} ({', '.join(self.images) or 'no image'})"


def address(route: Route, path: str, *, name: bool = True) -> str:
    """Give the address of the route's object, or of all objects of its kind in the namespace."""
    base = f"{route.text('api')}/apis/{path.partition('/')[0]}/{path.split('/')[1]}/namespaces"
    place = f"{base}/{quote(route.text('namespace'), safe='')}/{path.split('/')[2]}"
    return f"{place}/{quote(route.text('name'), safe='')}" if name else place


async def fetch(api: Api, route: Route, words: Words) -> dict[str, Any] | Missing:
    """Read the controller's object."""
    found = await api.call("GET", address(route, words.path), ca_file=route.text("ca_file"))
    if isinstance(found, Missing):
        return Missing(f"{words.one} {route.text('namespace')}/{route.text('name')}: {found.reason}")
    is_whole = isinstance(found, dict) and isinstance(found.get("spec"), dict) and isinstance(found["metadata"], dict)
    return found if is_whole else Missing(f"{words.one} {route.text('name')}: the answer is no {words.one}")


async def releases(api: Api, route: Route, words: Words, owner: Mapping[str, Any]) -> tuple[Release, ...] | Missing:
    """Give every release that is still there, the latest first."""
    selector = owner["spec"].get("selector") or {}
    labels = ",".join(f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))
    query = urlencode({"labelSelector": labels}) if labels else ""
    where = address(route, "apps/v1/replicasets", name=False)
    found = await api.call("GET", f"{where}?{query}" if query else where, ca_file=route.text("ca_file"))
    if isinstance(found, Missing):
        return Missing(f"its ReplicaSets: {found.reason}")
    try:
        mine = [each for each in found["items"] if _is_of(each, owner)]
        return tuple(sorted((_release(each, words) for each in mine), key=lambda each: -each.revision))
    except (KeyError, TypeError, ValueError, AttributeError):
        return Missing("its ReplicaSets: the answer is not a list of them")


def before(known: Sequence[Release], current: str) -> Release | None:
    """Give the release before the current one."""
    now = next((each.revision for each in known if each.hash == current), None)
    return next((each for each in known if now is not None and each.revision < now), None)


def clean(template: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Give a template as a person wrote it: without the hash that the controller adds."""
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != label}
    return {**template, "metadata": {**metadata, "labels": labels}}


def is_asked_for(owner: Mapping[str, Any], release: Release | None, words: Words) -> bool:
    """Tell whether an object asks for a release already, though its controller may not have taken that up yet."""
    return release is not None and owner["spec"].get("template") == clean(release.template, words.hash)


def _is_of(replicaset: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    owners = replicaset["metadata"].get("ownerReferences") or []
    return any(each.get("uid") == owner["metadata"].get("uid") for each in owners)


def _release(replicaset: Mapping[str, Any], words: Words) -> Release:
    metadata, template = replicaset["metadata"], replicaset["spec"]["template"]
    images = tuple(str(each["image"]) for each in template["spec"]["containers"])
    revision = int((metadata.get("annotations") or {}).get(words.revision, 0))
    return Release(str(metadata["labels"][words.hash]), revision, images, template)
