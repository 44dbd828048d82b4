"""Write the postmortem from the timeline; write beside it what only people know; review it; publish it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.engine import (
    CommandRejected,
    Keyed,
    Kind,
    Missing,
    Params,
    Playbook,
    Reply,
    Rest,
    Stored,
    Tools,
    TransitionRefused,
    keep_experience,
    publishing,
    sections,
    size,
)


class Do(StrEnum):
    """What is to be done with it."""

    WRITE = "write"
    EDIT = "edit"
    REVIEW = "review"
    PUBLISH = "publish"


class Write(Params):
    """To `edit` it, name a section and say what is to stand there, beside what the timeline says.

    `was` is the number of the entry whose text was seen there, 0 if there was none: a newer one is not written over.
    """

    do: Do = Do.WRITE
    section: sections.SectionId | None = None
    text: Rest = ""
    was: Keyed = ""


_HOLD_S = 3_600.0

playbook = Playbook("postmortem", "Write the postmortem, edit, review or publish it.", Write, needs_incident=True)


@dataclass(frozen=True)
class Looked:
    """Whether what users saw is on the timeline."""

    kept: bool


@playbook.step("Look what users saw", budget_s=10, optional=True)
async def look(tools: Tools, params: Write) -> Looked:
    """Keep error ratio and P95 around the incident as evidence, once it is over; each new end is looked at once."""
    if params.do not in {Do.WRITE, Do.PUBLISH} or params.section or params.text:
        return Looked(kept=False)
    return Looked(kept=await keep_experience(tools) is not None)


@playbook.step("Write the postmortem")
async def write(tools: Tools, params: Write, looked: Looked | Missing) -> Reply:  # noqa: ARG001 - it reads the timeline
    """Do what is asked, to edit if words are given; the same timeline and texts give the same bytes."""
    edits = params.do is Do.WRITE and (params.section or params.text)
    return await _DO[Do.EDIT if edits else params.do](tools, params)


async def _write(tools: Tools, _: Write) -> Reply:
    stored = await _kept(tools)
    tools.record(Kind.POSTMORTEM, artifact=stored.sha256, name=stored.name, bytes=stored.bytes)
    return Reply(f"The postmortem of {tools.incident_id} is written ({size(stored.bytes)}).", artifact=stored.sha256)


async def _edit(tools: Tools, params: Write) -> Reply:
    """Put somebody's text beside a section, unless another was put there that they have not seen."""
    section = params.section
    if section is None:
        names = ", ".join(sections.SectionId)
        raise CommandRejected(f"Which section? `/incident postmortem edit SECTION TEXT`; one of {names}.")
    if not params.text and not params.was:
        raise CommandRejected(f"What is to stand there? `/incident postmortem edit {section} TEXT`.")
    if len(params.text) > sections.LONGEST:
        raise CommandRejected(f"This has {len(params.text):,} characters; a section holds {sections.LONGEST:,}.")
    title, last = sections.TITLES[section], sections.latest(await tools.entries(), section)
    seq, version, by = (last.seq, last.version, last.by) if last else (0, 0, "")
    seen = params.was in {"", str(seq)}
    # Held by whoever is first: two who saw the same may write in the same moment.
    if not seen or await tools.hold(f"postmortem:{tools.incident_id}:{section}:{seq}", _HOLD_S) != tools.run_id:
        who = f" ({by}, version {version})" if last else ""
        raise CommandRejected(
            f"Somebody has changed {title} since you saw it{who}. Nothing was written: look at it first."
        )
    tools.record(Kind.POSTMORTEM_TEXT, section=section.value, text=params.text)
    before = f" What {by} wrote before is in its history." if last else ""
    what = "is written" if params.text else "is taken away"
    return Reply(f"{title} of the postmortem of {tools.incident_id}: version {version + 1} {what}.{before}")


async def _review(tools: Tools, _: Write) -> Reply:
    """Note that somebody has read it all as it stands now; somebody else than whoever wrote in it last."""
    await _check_over(tools, "reviewed")
    entries = await tools.entries()
    standing = publishing.standing(entries)
    if standing.stage is not publishing.Stage.DRAFT:
        return Reply(f"The postmortem of {tools.incident_id} is {standing.stage} already. Nothing was changed.")
    review = publishing.reviewing(await tools.incident(), entries, tools.actor)
    if review.why_not:
        raise CommandRejected(review.why_not)
    facts = {"alone": True} if review.alone else {}
    tools.record(Kind.POSTMORTEM_REVIEWED, **facts)
    said = f"The postmortem of {tools.incident_id} is reviewed{publishing.reviewed(facts)}."
    return Reply(f"{said} `/incident postmortem publish` comes next.")


async def _publish(tools: Tools, _: Write) -> Reply:
    """Keep it as it is now, and tell everybody; what is published stays as it was."""
    await _check_over(tools, "published")
    standing = publishing.standing(await tools.entries())
    if standing.stage is publishing.Stage.DRAFT:
        raise CommandRejected(
            f"The postmortem of {tools.incident_id} is a draft. When it is read: `/incident postmortem review`."
        )
    stored = await _kept(tools)
    if standing.published and standing.published.artifact == stored.sha256:
        return Reply(f"The postmortem of {tools.incident_id} is published like this already. Nothing was changed.")
    tools.record(Kind.POSTMORTEM_PUBLISHED, artifact=stored.sha256, name=stored.name, bytes=stored.bytes)
    pushed = ""
    if tools.ports.bundles.place and not (await tools.incident()).private:
        tools.begin("bundle", {})
        pushed = f" With its bundle it is pushed to {tools.ports.bundles.place}."
    return Reply(f"The postmortem of {tools.incident_id} is published.{pushed}", artifact=stored.sha256)


async def _kept(tools: Tools) -> Stored:
    """Keep the document as an artifact."""
    incident, entries = await tools.incident(), await tools.entries()
    name = f"postmortem-{incident.opened_at:%Y%m%d}-{incident.id.lower()}.md"
    return await tools.ports.artifacts.put(name, tools.ports.documents.postmortem(incident, entries).encode())


async def _check_over(tools: Tools, what: str) -> None:
    incident = await tools.incident()
    if not incident.is_over:
        raise TransitionRefused(
            f"{incident.id} is {incident.status.value}; its postmortem is {what} when it is resolved."
        )


_DO: Mapping[Do, Callable[[Tools, Write], Awaitable[Reply]]] = {
    Do.WRITE: _write,
    Do.EDIT: _edit,
    Do.REVIEW: _review,
    Do.PUBLISH: _publish,
}
