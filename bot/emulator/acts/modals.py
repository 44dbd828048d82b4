"""Modals: submitted and closed, and what the app answers to it."""

from collections.abc import Mapping
from typing import Any

from bot.emulator import choices
from bot.emulator.accepted import checked_view
from bot.emulator.acts.payloads import interaction
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.people import User
from bot.emulator.views import View

# Slack's own words below a modal whose app did not answer, or answered with something it cannot use.
TROUBLE = "We had some trouble connecting. Try again?"


async def submit(box: Box, user: User, view: View, given: Mapping[str, Any]) -> Json:
    """Press a modal's submit button; the errors of fields come back by block id."""
    view.state = choices.state_of(view.body["blocks"], given)
    if errors := choices.incomplete(view.body["blocks"], view.state):
        return {"ok": False, "errors": errors}
    payload = {
        **interaction(box, "view_submission", user),
        "trigger_id": box.triggers.issue(user.id, view.id),
        "view": box.view_payload(view),
        "response_urls": [],
    }
    answer = await box.courier.deliver("interactive", payload)
    if answer.failure:
        return {"ok": False, "failure": TROUBLE, "error": answer.words}
    try:
        return _answered(box, view, answer.body)
    except SlackError as error:
        return {"ok": False, "failure": TROUBLE, "error": error.error, "messages": list(error.messages)}


def _answered(box: Box, view: View, body: Json) -> Json:
    action = body.get("response_action", "")
    if action == "errors":
        errors = body.get("errors")
        blocks = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= blocks:
            raise SlackError("invalid_response_action", ["errors must name input blocks of the view"])
        return {"ok": False, "errors": errors}
    if action == "clear":
        box.views.clear(view.user)
    elif action == "update":
        box.views.update(view, checked_view(body.get("view"), box.ids))
    elif action == "push":
        box.views.push(view.user, checked_view(body.get("view"), box.ids))
    elif body:
        raise SlackError("invalid_response_action", [f"unknown response_action: {action}"])
    else:
        _pop(box, view)
    return {"ok": True}


def _pop(box: Box, view: View) -> None:
    # The app may have replaced the stack by views.open while it answered.
    if view in box.views.stacks.get(view.user, []):
        box.views.close(view)


async def close(box: Box, user: User, view: View) -> Json:
    """Close a modal; the app hears of it when it asked to."""
    cleared = bool(view.body.get("clear_on_close"))
    for closed in box.views.close(view):
        if closed.body.get("notify_on_close"):
            payload = {
                **interaction(box, "view_closed", user),
                "view": box.view_payload(closed),
                "is_cleared": cleared,
            }
            await box.courier.deliver("interactive", payload)
    return {"ok": True}
