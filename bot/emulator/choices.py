"""What a person chose in an element, in the fields Slack reports it in."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.emulator.block_kit.blocks import interactive_elements
from bot.emulator.messages import Json

Chosen = str | int | list[str] | dict[str, Any] | None

_SINGLE = {
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
}
_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
REQUIRED = "Please complete this required field."


def options_of(element: Json) -> list[Json]:
    """Return the options of a menu, grouped or not."""
    return element.get("options") or [
        option for group in element.get("option_groups", []) for option in group["options"]
    ]


def initial(element: Json) -> Chosen:
    """Return what is chosen before anybody touches the element, as option values rather than options."""
    kind = element["type"]
    if kind in _OPTION:
        value: Chosen = (element.get("initial_option") or {}).get("value")
        return value
    if kind in _OPTIONS:
        return [option["value"] for option in element.get("initial_options", [])]
    if kind in _SINGLE:
        return element.get(_SINGLE[kind][1])
    return None


def reported(element: Json, chosen: Chosen) -> Json:
    """Render a choice as a state value: the type and its one field."""
    kind = element["type"]
    body: Json = {"type": kind}
    by_value = {option["value"]: option for option in options_of(element)}
    if kind in _OPTION:
        body["selected_option"] = by_value.get(str(chosen)) if chosen is not None else None
    elif kind in _OPTIONS:
        wanted = chosen if isinstance(chosen, list) else [] if chosen is None else [str(chosen)]
        body["selected_options"] = [by_value[value] for value in wanted if value in by_value]
    elif kind in _SINGLE:
        field = _SINGLE[kind][0]
        if kind.startswith("multi_"):
            body[field] = list(chosen) if isinstance(chosen, list) else []
        else:
            body[field] = chosen if chosen != "" else None
        if kind == "datetimepicker" and chosen not in (None, ""):
            body[field] = int(str(chosen))
    return body


def action(element: Json, block_id: str, chosen: Chosen, at: str) -> Json:
    """Render what was pressed or chosen as an entry of `actions`."""
    body: Json = {"action_id": element["action_id"], "block_id": block_id, "action_ts": at}
    if element["type"] == "button":
        body |= {"type": "button", "text": element["text"]}
        body |= {name: element[name] for name in ("value", "style", "url") if name in element}
        return body
    return {**body, **reported(element, chosen)}


def state_of(blocks: list[Json], given: Mapping[str, Any]) -> Json:
    """Build `state.values`: what was given by action id (or block id and action id), else what was there at first."""

    def chosen(block_id: str, element: Json) -> Chosen:
        action_id = element["action_id"]
        inside = given.get(block_id)
        if isinstance(inside, Mapping) and action_id in inside:
            value: Chosen = inside[action_id]
            return value
        return given[action_id] if action_id in given else initial(element)

    return _walk(blocks, chosen)


def _walk(blocks: list[Json], chosen: Callable[[str, Json], Chosen]) -> Json:
    values: Json = {}
    for block in blocks:
        for element in interactive_elements(block):
            if element["type"] not in {"button", "overflow"}:
                state = reported(element, chosen(block["block_id"], element))
                values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def incomplete(blocks: list[Json], state: Json) -> dict[str, str]:
    """List the inputs Slack itself does not let a person submit, by block id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        reported_state = state[block["block_id"]][element["action_id"]]
        value = next((entry for name, entry in reported_state.items() if name != "type"), None)
        if not value and not block.get("optional"):
            errors[block["block_id"]] = REQUIRED
        elif value and element["type"] == "plain_text_input" and len(value) < element.get("min_length", 0):
            errors[block["block_id"]] = f"Must be at least {element['min_length']} characters."
    return errors
