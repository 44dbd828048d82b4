"""Pack everything that is known of an incident, and push it where postmortems live."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.engine import (
    ArtifactDamaged,
    CommandRejected,
    Entry,
    Keyed,
    Kind,
    Missing,
    Params,
    Playbook,
    Reply,
    RunFailed,
    Stored,
    Tools,
    bundling,
    fold,
    reports,
    to_us,
)


class Bundle(Params):
    """A bundle that was kept before and is to be pushed again; a new one is made when none is named."""

    artifact: Keyed = ""


@dataclass(frozen=True)
class Made:
    """The bundle as it is kept."""

    stored: Stored
    path: str
    summary: str


playbook = Playbook("bundle", "Pack the incident into one archive and push it.", Bundle, needs_incident=True)

_WAITS_MIN = (1, 2, 4, 8, 16, 32, 60)
_MOST_TRIES = 24


@playbook.step("Pack the bundle")
async def pack(tools: Tools, params: Bundle) -> Made:
    """Collect postmortem, timeline and artifacts, redacted; the same timeline gives the same bytes."""
    entries = await tools.entries()
    if params.artifact:
        return _known(tools, entries, params.artifact)
    told = bundling.without_bundles(entries)
    incident = fold(told)
    postmortem = await reports.forms(tools.ports.documents, tools.ports.artifacts, incident, told)
    space = bundling.room(postmortem, told, tools.catalog.bundle_max_bytes)
    chosen, left_out = bundling.fitting(bundling.artifacts(told), space)
    pieces = [
        replace(piece, content=await _content(tools, piece.sha256))
        for piece in bundling.artifacts(told)
        if piece.sha256 in chosen
    ]
    packed = bundling.pack(incident, told, postmortem, pieces, left_out)
    name = f"{packed.folder}.tar.gz"
    stored = await tools.ports.artifacts.put(name, await tools.ports.archive.tar(packed.folder, packed.files))
    tools.record(Kind.ARTIFACT, name=name, sha256=stored.sha256, bytes=stored.bytes, what=bundling.WHAT)
    lacks = f" Left out, as it would be too large: {', '.join(packed.left_out)}." if packed.left_out else ""
    summary = f"{name}: {len(told)} entries, {len(pieces)} artifacts, {stored.bytes} bytes.{lacks}"
    return Made(stored, _path(name), summary)


@playbook.step("Push the bundle")
async def push(tools: Tools, params: Bundle, made: Made) -> Reply:  # noqa: ARG001 - every step takes its params
    """Push it, unless it is there; a push that fails is tried again by a later run, ever less often."""
    bundles, stored = tools.ports.bundles, made.stored
    if (await tools.incident()).private:
        return Reply(f"{made.summary} It is pushed nowhere: the incident is private.", artifact=stored.sha256)
    if not bundles.place:
        return Reply(f"{made.summary} It is pushed nowhere: `bundle.repository` is empty.", artifact=stored.sha256)
    content = await _content(tools, stored.sha256)
    if content is None:
        raise RunFailed(f"The bundle {stored.name} is not in the artifact store any more; make it again.")
    entries = await tools.entries()
    pushed = await bundles.push(made.path, content, tools.now())
    body = {"name": stored.name, "artifact": stored.sha256}
    if not isinstance(pushed, Missing):
        known = not pushed.fresh and _told(entries, stored.sha256)
        if not known:
            tools.record(Kind.PUSHED, **body, place=pushed.place, commit=pushed.commit)
        already = ", where it was already" if known else ""
        return Reply(f"{made.summary} It is in {pushed.place}{already}.", artifact=stored.sha256)
    again = _again(tools, entries, stored.sha256)
    again_at = to_us(tools.now() + again) if again else 0
    tools.record(Kind.PUSH_FAILED, **body, place=bundles.place, reason=pushed.reason, again_at=again_at)
    then = f"It is tried again at {tools.now() + again:%H:%M} UTC." if again else "It is not tried again."
    return Reply(f"{made.summary} It could not be pushed: {pushed.reason}. {then}", artifact=stored.sha256)


async def _content(tools: Tools, sha256: str) -> bytes | None:
    try:
        return await tools.ports.artifacts.get(sha256)
    except ArtifactDamaged:
        return None


def _known(tools: Tools, entries: list[Entry], sha256: str) -> Made:
    """Find a bundle that was kept."""
    for entry in entries:
        facts = entry.facts
        if entry.kind == Kind.ARTIFACT and (facts.get("sha256"), facts.get("what")) == (sha256, bundling.WHAT):
            stored = Stored(facts["name"], sha256, facts["bytes"])
            return Made(stored, _path(stored.name), f"{stored.name}, {stored.bytes} bytes.")
    raise CommandRejected(f"{tools.incident_id} has no bundle {sha256[:12]}.")


def _told(entries: list[Entry], sha256: str) -> bool:
    return any(entry.kind == Kind.PUSHED and entry.facts.get("artifact") == sha256 for entry in entries)


def _path(name: str) -> str:
    """Give its place in the repository, by year: names begin with `incident-YYYYMMDD`."""
    return f"{name.split('-')[1][:4]}/{name}"


def _again(tools: Tools, entries: list[Entry], sha256: str) -> timedelta | None:
    """Begin the next try and tell how long it waits; None after too many."""
    failed: int = sum(entry.kind == Kind.PUSH_FAILED and entry.facts.get("artifact") == sha256 for entry in entries)
    if failed + 1 >= _MOST_TRIES:
        return None
    wait = timedelta(minutes=_WAITS_MIN[min(failed, len(_WAITS_MIN) - 1)])
    tools.begin("bundle", {"artifact": sha256}, key="again", after=wait)
    return wait
