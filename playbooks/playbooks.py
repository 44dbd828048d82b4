"""List every playbook, with what it does to its targets."""

from bot.engine import Danger, Params, Playbook, Reply, Tools, usage


class ListPlaybooks(Params):
    """Nothing to say."""


playbook = Playbook("playbooks", "List every playbook, and what it does to its targets.", ListPlaybooks)

_DOES = {
    Danger.READ_ONLY: "They look, and write on the timeline:",
    Danger.INTRUSIVE: "They cost their targets something:",
    Danger.MUTATING: "They change something, when a second person agrees:",
}


@playbook.step("List them")
async def show(tools: Tools, params: ListPlaybooks) -> Reply:  # noqa: ARG001 - every step takes its params
    """Give a line each, the harmless first."""
    lines = []
    for danger, does in _DOES.items():
        those = [each for each in tools.registry.values() if each.danger is danger]
        lines += [f"*{does}*", *(f"`{usage(each)}` {each.summary}" for each in those)] if those else []
    return Reply("\n".join(lines))
