"""List the incidents."""

from bot.engine import Choice, Params, Playbook, Reply, Tools, proposals

_OFFERED = 5


class ListThem(Params):
    """`all=true` lists the resolved ones too."""

    all: bool = False


playbook = Playbook("list", "List the open incidents.", ListThem)


@playbook.step("List them")
async def show(tools: Tools, params: ListThem) -> Reply:
    """Give a line each, the latest first."""
    listed = await tools.incidents(ended=params.all, limit=20)
    proposed = await proposals(tools)
    choices = [Choice(f"Open {group.title}"[:70], f"alert group={group.key}") for group in proposed[:_OFFERED]]
    if not listed and not proposed:
        return Reply("No incident is open.", (Choice("Start an incident", "start"),))
    lines = [
        f"*{row.id}* {row.severity.value} {row.status.value}, opened {row.opened_at:%Y-%m-%d %H:%M} UTC: {row.title}"
        + (" (private)" if row.private else "")
        + (f" (<#{row.channel}>)" if row.channel else "")
        for row in listed
    ]
    lines += [f"Proposed by {group.sender.person.name}: {group.severity.value} {group.title}" for group in proposed]
    return Reply("\n".join(lines), tuple(choices))
