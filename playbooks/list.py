"""List the incidents."""

from bot.engine import Choice, Params, Playbook, Reply, Tools, overdue_actions, proposals

_OFFERED = 5
_LATE = 10


class ListThem(Params):
    """`all=true` lists the resolved ones too."""

    all: bool = False


playbook = Playbook("list", "List the open incidents.", ListThem)


@playbook.step("List them")
async def show(tools: Tools, params: ListThem) -> Reply:
    """Give a line each, the latest first; then what alerts propose, and what is overdue."""
    listed = await tools.incidents(ended=params.all, limit=20)
    proposed = await proposals(tools)
    choices = [Choice(f"Open {group.title}"[:70], f"alert group={group.key}") for group in proposed[:_OFFERED]]
    late = overdue_actions(await tools.ports.store.read(tools.ports.timeline.actions), tools.now().date())
    if not (listed or proposed or late):
        return Reply("No incident is open.", (Choice("Start an incident", "start"),))
    lines = [
        f"*{row.id}* {row.severity.value} {row.status.value}, opened {row.opened_at:%Y-%m-%d %H:%M} UTC: {row.title}"
        + (" (private)" if row.private else "")
        + (f" (<#{row.channel}>)" if row.channel else "")
        for row in listed
    ]
    lines += [f"Proposed by {group.sender.person.name}: {group.severity.value} {group.title}" for group in proposed]
    lines += [f"Overdue on {item.incident_id}: {item}" for item in late[:_LATE]]
    lines += [f"… and {len(late) - _LATE} more overdue action items"] if len(late) > _LATE else []
    return Reply("\n".join(lines), tuple(choices))
