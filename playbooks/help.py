"""Say what can be done here."""

import re
from inspect import cleandoc

from bot.engine import (
    Choice,
    CommandRejected,
    Incident,
    Milestone,
    Params,
    Playbook,
    Reply,
    Rest,
    Status,
    Tools,
    closest,
    usage,
)

_LATEST = 5
_BROKEN = re.compile(r"(?<!\n)\n(?!\n)")
"""Where the source breaks a line within a paragraph: who reads it in a chat has another width."""
_FIRST = ("start", "ack", "note", "update", "status", "mitigate", "resolve", "postmortem")
_NEXT = {
    Status.OPEN: ("note", "update", "impact", "mitigate", "resolve"),
    Status.MITIGATED: ("note", "update", "resolve", "reopen", "status"),
    Status.RESOLVED: ("postmortem", "action", "note", "close", "reopen"),
    Status.CLOSED: ("postmortem", "action", "note", "status", "reopen"),
}


class Help(Params):
    """One verb, or `all` of them; nothing for what helps here and now."""

    verb: Rest = ""


playbook = Playbook("help", "Say what can be done, or how one verb is used.", Help)


@playbook.step("Explain")
async def explain(tools: Tools, params: Help) -> Reply:
    """Say what fits the moment, how one verb is used, or every verb."""
    word = params.verb.split()[0].lower() if params.verb else ""
    if word == "all":
        names = [*(name for name in _FIRST if name in tools.registry), *(n for n in tools.registry if n not in _FIRST)]
        return Reply("\n".join(_line(tools, name) for name in names))
    if word:
        return Reply(_one(tools, word))
    return _here(tools, await tools.incident()) if tools.incident_id else await _elsewhere(tools)


def _here(tools: Tools, incident: Incident) -> Reply:
    """Give the verbs that fit an incident's state."""
    fitting = _NEXT[incident.status]
    if incident.status is Status.OPEN and Milestone.ACKNOWLEDGED not in incident.milestones:
        fitting = ("ack", *fitting[:-1])
    choices = [Choice(name.capitalize(), f"{name} incident={incident.id}") for name in fitting]
    return Reply(_told(tools, f"{incident.id} is {incident.status.value}. What fits now:", fitting), tuple(choices))


async def _elsewhere(tools: Tools) -> Reply:
    """Give what begins, and the latest incidents."""
    listed = await tools.incidents(limit=_LATEST)
    choices = [Choice("Start an incident", "start"), Choice("List incidents", "list")]
    choices += [Choice(f"{row.id} {row.title}"[:70], f"status incident={row.id}") for row in listed]
    return Reply(_told(tools, "This is not an incident's channel.", ("start", "list", "join")), tuple(choices))


def _told(tools: Tools, head: str, names: tuple[str, ...]) -> str:
    rest = "`/incident help all` lists every verb, `/incident help VERB` explains one."
    return "\n".join([head, *(_line(tools, name) for name in names), rest])


def _line(tools: Tools, name: str) -> str:
    return f"`{usage(tools.registry[name])}` {tools.registry[name].summary}"


def _one(tools: Tools, verb: str) -> str:
    playbook = tools.registry.get(verb)
    if playbook is None:
        meant = closest(verb, tuple(tools.registry))
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"There is no verb `{verb[:40]}`.{hint}")
    fields = _BROKEN.sub(" ", cleandoc(playbook.params.__doc__ or ""))
    return f"`{usage(playbook)}`\n{playbook.summary} {fields}"
