"""Who and what is there when the emulator starts."""

from bot.emulator.clock import Clock
from bot.emulator.identifiers import Identifiers
from bot.emulator.people import User, UserGroup
from bot.emulator.settings import Settings
from bot.emulator.workspace import Workspace

BOT_USER = "U0BOT0001"
BOT_ID = "B0BOX0001"

PEOPLE = (
    User("U0ADA0001", "ada", "Ada Okafor", "ada@example.com", "Platform engineer"),
    User("U0BEN0002", "ben", "Ben Lindqvist", "ben@example.com", "On call, checkout"),
    User("U0CHEN003", "chen", "Chen Wei", "chen@example.com", "Incident commander"),
    User("U0DANA004", "dana", "Dana Ruiz", "dana@example.com", "Support lead"),
)

CHANNELS = (
    ("general", "Company-wide announcements and work-based matters"),
    ("incidents", "Every incident is announced here"),
    ("announcements", "What everybody should read"),
    ("random", "Everything else; the app is not in here"),
)


def seeded_workspace(settings: Settings, clock: Clock, ids: Identifiers) -> Workspace:
    """Build the workspace every session starts with."""
    bot = User(BOT_USER, settings.app_name.lower(), settings.app_name, bot_id=BOT_ID)
    workspace = Workspace(clock, ids, settings.team_id, bot)
    people = [User(one.id, one.name, one.real_name, one.email, one.title) for one in PEOPLE]
    workspace.users |= {one.id: one for one in people}
    for name, purpose in CHANNELS:
        channel = workspace.create_channel(name, people[0].id)
        channel.purpose = purpose
        channel.members = [one.id for one in people]
        if name != "random":
            channel.members.append(bot.id)
    on_call = UserGroup("S0BOX0001", "oncall", "On call", [people[1].id, people[2].id])
    workspace.usergroups[on_call.id] = on_call
    return workspace
