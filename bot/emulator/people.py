"""Who is in the workspace."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class User:
    """A person, or the app's bot user."""

    id: str
    name: str
    real_name: str
    email: str = ""
    title: str = ""
    bot_id: str = ""

    @property
    def is_bot(self) -> bool:
        """Tell people from apps."""
        return bool(self.bot_id)

    def payload(self, team_id: str, app_id: str, *, email: bool = True) -> dict[str, Any]:
        """Render the user object of users.info; the address is shown to who has the scope for it."""
        profile: dict[str, Any] = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "title": self.title,
            "team": team_id,
        }
        if self.is_bot:
            profile |= {"bot_id": self.bot_id, "api_app_id": app_id}
        elif email:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "tz": "Etc/UTC",
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 0,
        }


@dataclass(slots=True)
class UserGroup:
    """A handle such as @oncall that stands for several people."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)

    def payload(self, team_id: str) -> dict[str, Any]:
        """Render the usergroup object of usergroups.list."""
        return {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "is_external": False,
            "date_delete": 0,
            "user_count": len(self.users),
            "users": list(self.users),
        }
