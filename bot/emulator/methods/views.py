"""views.*: modals and Home tabs."""

from bot.emulator.accepted import accepted_view
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.messages import Json
from bot.emulator.methods import Method


def open_(box: Box, args: Arguments) -> Json:
    """Open a modal for whoever the trigger id belongs to."""
    trigger_id = args.required("trigger_id")
    view = _of_type(accepted_view(args, box.ids), "modal")
    user = box.triggers.exchange(trigger_id).user
    return {"view": box.view_payload(box.views.open(user, view))}


def push(box: Box, args: Arguments) -> Json:
    """Put a modal on top of the one the trigger id comes from."""
    trigger_id = args.required("trigger_id")
    view = _of_type(accepted_view(args, box.ids), "modal")
    trigger = box.triggers.exchange(trigger_id)
    if not trigger.view_id:
        raise SlackError("not_allowed_trigger_id")
    return {"view": box.view_payload(box.views.push(trigger.user, view))}


def update(box: Box, args: Arguments) -> Json:
    """Change an open view, unless it changed since `hash`."""
    if not args.given("view_id") and not args.given("external_id"):
        raise missing_argument("view_id")
    view = accepted_view(args, box.ids)
    found = box.views.find(args.text("view_id"), args.text("external_id"))
    return {"view": box.view_payload(box.views.update(found, view, args.text("hash")))}


def publish(box: Box, args: Arguments) -> Json:
    """Set somebody's Home tab."""
    user = box.workspace.user(args.required("user_id"))
    view = _of_type(accepted_view(args, box.ids), "home")
    return {"view": box.view_payload(box.views.publish(user.id, view, args.text("hash")))}


def _of_type(view: Json, kind: str) -> Json:
    if view["type"] != kind:
        raise SlackError("invalid_arguments", [f"must be a {kind} view [json-pointer:/view/type]"])
    return view


METHODS = {
    "views.open": Method(open_),
    "views.push": Method(push),
    "views.update": Method(update),
    "views.publish": Method(publish),
}
