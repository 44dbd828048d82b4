"""Views: the modals a person has open, at most three deep, and each person's Home tab."""

from dataclasses import dataclass, field
from typing import Any

from bot.emulator.errors import SlackError
from bot.emulator.identifiers import Identifiers, secret
from bot.emulator.messages import Json
from bot.emulator.workspace import Change, Workspace

DEEPEST = 3
_PLAIN = {"type": "plain_text", "emoji": True}


@dataclass(slots=True)
class View:
    """One view of one person."""

    id: str
    user: str
    body: Json
    root_id: str
    previous_id: str = ""
    hash: str = field(default_factory=secret)
    state: Json = field(default_factory=dict)

    def payload(self, team_id: str, app_id: str, bot_id: str) -> Json:
        """Render the view object of views.open and of interaction payloads."""
        body: dict[str, Any] = {
            "id": self.id,
            "team_id": team_id,
            "type": self.body["type"],
            "blocks": self.body["blocks"],
            "private_metadata": self.body.get("private_metadata", ""),
            "callback_id": self.body.get("callback_id", ""),
            "state": {"values": self.state},
            "hash": self.hash,
            "title": self.body.get("title", {**_PLAIN, "text": "View Title"}),
            "clear_on_close": self.body.get("clear_on_close", False),
            "notify_on_close": self.body.get("notify_on_close", False),
            "close": self.body.get("close"),
            "submit": self.body.get("submit"),
            "previous_view_id": self.previous_id or None,
            "root_view_id": self.root_id,
            "app_id": app_id,
            "external_id": self.body.get("external_id", ""),
            "app_installed_team_id": team_id,
            "bot_id": bot_id,
        }
        if self.body["type"] == "modal":
            body["submit_disabled"] = self.body.get("submit_disabled", False)
        return body


class Views:
    """Stacks of modals and Home tabs, by person."""

    def __init__(self, workspace: Workspace, ids: Identifiers) -> None:
        self._workspace = workspace
        self._ids = ids
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def open(self, user: str, body: Json) -> View:
        """Start a new stack with this modal; what was open is gone."""
        self._refuse_used_external_id(body)
        view_id = self._ids.next("V")
        view = View(view_id, user, body, view_id)
        self.stacks[user] = [view]
        self._tell(user)
        return view

    def push(self, user: str, body: Json) -> View:
        """Put a modal on top of the open one."""
        stack = self.stacks.get(user, [])
        if not stack:
            return self.open(user, body)
        if len(stack) >= DEEPEST:
            raise SlackError("push_limit_reached")
        self._refuse_used_external_id(body)
        view = View(self._ids.next("V"), user, body, stack[0].id, stack[-1].id)
        stack.append(view)
        self._tell(user)
        return view

    def update(self, view: View, body: Json, expected_hash: str = "") -> View:
        """Change a view in place; an outdated hash is refused."""
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        kept = {block["block_id"] for block in body["blocks"]}
        view.body = body
        view.hash = secret()
        view.state = {block: values for block, values in view.state.items() if block in kept}
        self._tell(view.user)
        return view

    def publish(self, user: str, body: Json, expected_hash: str = "") -> View:
        """Set a person's Home tab."""
        if user in self.homes:
            return self.update(self.homes[user], body, expected_hash)
        view_id = self._ids.next("V")
        self.homes[user] = View(view_id, user, body, view_id)
        self._tell(user)
        return self.homes[user]

    def find(self, view_id: str = "", external_id: str = "") -> View:
        """Find an open view or Home tab."""
        for view in [*(view for stack in self.stacks.values() for view in stack), *self.homes.values()]:
            if view.id == view_id or (external_id and view.body.get("external_id") == external_id):
                return view
        raise SlackError("not_found")

    def close(self, view: View) -> list[View]:
        """Close a modal and return what was closed, the top first."""
        stack = self.stacks.get(view.user, [])
        if view not in stack:
            raise SlackError("not_found")
        everything = bool(view.body.get("clear_on_close"))
        keep = 0 if everything else stack.index(view)
        closed = stack[keep:][::-1]
        self.stacks[view.user] = stack[:keep]
        self._tell(view.user)
        return closed

    def clear(self, user: str) -> list[View]:
        """Close everything this person has open."""
        closed = self.stacks.pop(user, [])[::-1]
        self._tell(user)
        return closed

    def _refuse_used_external_id(self, body: Json) -> None:
        wanted = body.get("external_id")
        if wanted and any(view.body.get("external_id") == wanted for stack in self.stacks.values() for view in stack):
            raise SlackError("duplicate_external_id")

    def _tell(self, user: str) -> None:
        self._workspace.tell(Change("views", user=user))
