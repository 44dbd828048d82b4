"""Who and what is there when the emulator starts."""

from dataclasses import dataclass, replace

from bot.emulator.clock import Clock
from bot.emulator.identifiers import Identifiers
from bot.emulator.people import User, UserGroup
from bot.emulator.settings import SECOND_TEAM, Settings
from bot.emulator.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is in a workspace, the app's bot included, and in which channels that bot is."""

    bot_user: str
    bot_id: str
    people: tuple[User, ...]
    on_call: tuple[int, ...]
    bot_in: frozenset[str] = frozenset()


FIRST = Cast(
    "U0BOT0001",
    "B0BOX0001",
    (
        User("U0ADA0001", "ada", "Ada Okafor", "ada@example.com", "Platform engineer"),
        User("U0BEN0002", "ben", "Ben Lindqvist", "ben@example.com", "On call, checkout"),
        User("U0CHEN003", "chen", "Chen Wei", "chen@example.com", "Incident commander"),
        User("U0DANA004", "dana", "Dana Ruiz", "dana@example.com", "Support lead"),
    ),
    (1, 2),
    frozenset({"general", "incidents", "announcements"}),
)
SECOND = Cast(
    "U0BOT0002",
    "B0BOX0002",
    (
        User("U0EVE0005", "eve", "Eve Moreau", "eve@example.org", "Head of operations"),
        User("U0FAY0006", "fay", "Fay Tanaka", "fay@example.org", "On call, payments"),
    ),
    (1,),
)

CHANNELS = (
    ("general", "Company-wide announcements and work-based matters"),
    ("incidents", "Where incidents are talked about"),
    ("announcements", "What everybody should read"),
    ("random", "Everything else; the app is not in here"),
)


def seeded_workspace(settings: Settings, clock: Clock, ids: Identifiers) -> Workspace:
    """Build the workspace every session starts with; in the second one the app was never invited anywhere."""
    cast = SECOND if settings.team_id == SECOND_TEAM else FIRST
    bot = User(cast.bot_user, settings.app_name.lower(), settings.app_name, bot_id=cast.bot_id)
    workspace = Workspace(clock, ids, settings.team_id, bot)
    people = [replace(one) for one in cast.people]
    workspace.users |= {one.id: one for one in people}
    for name, purpose in CHANNELS:
        channel = workspace.create_channel(name, people[0].id)
        channel.purpose = purpose
        channel.members = [one.id for one in people]
        if name in cast.bot_in:
            channel.members.append(bot.id)
    on_call = UserGroup(ids.next("S"), "oncall", "On call", [people[number].id for number in cast.on_call])
    workspace.usergroups[on_call.id] = on_call
    return workspace
