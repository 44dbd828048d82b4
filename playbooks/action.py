"""Write down what is left to do after an incident, by whom and until when; or say that it is done, or is not."""

from typing import Any

from bot.engine import (
    ActionItem,
    CommandRejected,
    Day,
    Field,
    Incident,
    Keyed,
    Kind,
    Mention,
    Params,
    Playbook,
    Reply,
    Rest,
    Tools,
    day,
)


class Action(Params):
    """What is to be done. By its number `item` changes one, `done` ends one, `reopen` undoes that; nothing lists all.

    `was` is the number of the last entry about an item that was seen: what has changed since is not written over.
    """

    text: Rest = Field("", title="What is to be done?")
    owner: Mention = ""
    due: Day = ""
    item: Keyed = ""
    done: Keyed = ""
    reopen: Keyed = ""
    was: Keyed = ""


_HOLD_S = 3_600.0
_WANTED = {"person": "owner=@somebody", "due": "due=YYYY-MM-DD"}

playbook = Playbook("action", "Write down an action item, change it, or end it.", Action, needs_incident=True)


@playbook.step("Write the action item")
async def write(tools: Tools, params: Action) -> Reply:
    """Record only what changes; the list of them is a fold of that."""
    incident, changes = await tools.incident(), await _changes(tools, params)
    if named := params.done or params.reopen or params.item:
        return await _change(tools, incident, _item(incident, named), changes, params.was)
    if "text" in changes:
        return await _add(tools, incident, changes)
    if changes:
        raise CommandRejected("What is to be done? `/incident action TEXT owner=@somebody due=YYYY-MM-DD`.")
    return Reply(_listed(incident))


async def _add(tools: Tools, incident: Incident, changes: dict[str, Any]) -> Reply:
    number = max((each.number for each in incident.actions), default=0) + 1
    # Somebody else may add one at this very moment; the number is ours once its hold is.
    while await tools.hold(f"action:{incident.id}:{number}", _HOLD_S) != tools.run_id:
        number += 1
    tools.record(Kind.ACTION, item=number, **changes)
    missing = " ".join(word for key, word in _WANTED.items() if key not in changes)
    later = f" Still to be said: `/incident action item={number} {missing}`." if missing else ""
    return Reply(f"Action item {number} of {incident.id} is written down.{later}")


async def _change(tools: Tools, incident: Incident, item: ActionItem, changes: dict[str, Any], was: str) -> Reply:
    name = f"Action item {item.number} of {incident.id}"
    if changes.get("done") and item.done_on is not None:
        return Reply(f"{name} is {item.state} already. Nothing was changed.")
    if not changes:
        return Reply(f"{incident.id}: {item}")
    known = {"done": "", **item.facts}
    new = {key: value for key, value in changes.items() if known.get(key) != value}
    if not new:
        return Reply(f"{name} is like this already: {item}. Nothing was changed.")
    # Held by whoever is first: two who saw the same may change it in the same moment.
    held = f"action:{item.incident_id}:{item.number}:{item.seq}"
    if was and (was != str(item.seq) or await tools.hold(held, _HOLD_S) != tools.run_id):
        raise CommandRejected(f"Somebody has changed it since you saw it. Nothing was written. It is now: {item}")
    tools.record(Kind.ACTION, item=item.number, **new)
    what = "changed" if "done" not in new else "done" if new["done"] else "open again"
    return Reply(f"{name} is {what}.")


async def _changes(tools: Tools, params: Action) -> dict[str, Any]:
    changes: dict[str, Any] = {"text": params.text} if params.text else {}
    if params.owner:
        owner = await tools.person(params.owner)
        changes |= {"person": owner.id, "name": owner.name}
    if params.due:
        changes["due"] = day(params.due, tools.now()).isoformat()
    if params.done:
        return changes | {"done": tools.now().date().isoformat()}
    return changes | ({"done": ""} if params.reopen else {})


def _item(incident: Incident, number: str) -> ActionItem:
    found = next((each for each in incident.actions if str(each.number) == number), None)
    if found is None:
        raise CommandRejected(f"{incident.id} has no action item `{number[:20]}`. {_listed(incident)}")
    return found


def _listed(incident: Incident) -> str:
    if not incident.actions:
        return f"{incident.id} has no action items. `/incident action TEXT owner=@somebody due=YYYY-MM-DD` adds one."
    return "\n".join([f"Action items of {incident.id}:", *map(str, incident.actions)])
