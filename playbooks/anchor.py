"""Write the heads of all timelines where the database's owner cannot change them."""

from bot.engine import AnchorRaced, Params, Playbook, Reply, Tools, next_anchor, read_anchors


class Anchor(Params):
    """Nothing to say: every chain is anchored."""


playbook = Playbook("anchor", "Write down the heads of all timelines outside the database.", Anchor)

_TRIES = 3


@playbook.step("Write the anchor")
async def write(tools: Tools, params: Anchor) -> Reply:  # noqa: ARG001 - every step takes its params
    """Add one line for all that has moved since the last; a repeat finds that nothing has."""
    anchors, timeline = tools.ports.anchors, tools.ports.timeline
    for _ in range(_TRIES):
        log = read_anchors(await anchors.lines())
        heads = await tools.ports.store.read(timeline.heads)
        made = next_anchor(log, heads, tools.now())
        if made is None:
            return _reply(len(log.anchors), len(heads))
        try:
            await anchors.append(made.line, len(log.anchors) + 1)
        except AnchorRaced:
            continue
        return _reply(made.number, len(heads))
    raise AnchorRaced("Others have written anchors three times in a row; run it again.")


def _reply(number: int, timelines: int) -> Reply:
    """Say how it stands, which a repeated step says just so."""
    return Reply(f"Anchor {number} holds all {timelines} timelines as they stand.")
