"""Say what can be done here."""

from bot.engine import Choice, CommandRejected, Params, Playbook, Reply, Rest, Tools, closest, usage


class Help(Params):
    """One verb, or all of them."""

    verb: Rest = ""


playbook = Playbook("help", "Say what can be done, or how one verb is used.", Help)

_FIRST = ("start", "ack", "note", "update", "status", "mitigate", "resolve", "postmortem")


@playbook.step("Explain")
async def explain(tools: Tools, params: Help) -> Reply:
    """Give every verb with its usage, the ones most needed first."""
    if params.verb:
        return Reply(_one(tools, params.verb.split()[0].lower()))
    names = [*(name for name in _FIRST if name in tools.registry), *(n for n in tools.registry if n not in _FIRST)]
    lines = [f"`{usage(tools.registry[name])}` {tools.registry[name].summary}" for name in names]
    choices = () if tools.incident_id else (Choice("Start an incident", "start"), Choice("List incidents", "list"))
    return Reply("\n".join(lines), choices)


def _one(tools: Tools, verb: str) -> str:
    playbook = tools.registry.get(verb)
    if playbook is None:
        meant = closest(verb, tuple(tools.registry))
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"There is no verb `{verb[:40]}`.{hint}")
    fields = playbook.params.__doc__ or ""
    return f"`{usage(playbook)}`\n{playbook.summary} {fields}"
