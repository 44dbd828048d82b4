"""The Slack app that FirstFive is: what slack-manifest.yml, the checks and the docs are written from."""

from collections.abc import Mapping
from dataclasses import dataclass

EXAMPLE_URL = "https://firstfive.example.com"


@dataclass(frozen=True)
class SlashCommand:
    """A command people type. `hint` is what Slack shows behind it."""

    name: str
    description: str
    hint: str = ""


@dataclass(frozen=True)
class Shortcut:
    """An entry of the menu that every message has."""

    callback_id: str
    name: str
    description: str


COMMANDS = (
    SlashCommand(
        "/incident",
        "Start an incident, or do something about one",
        "start [sev1..4] [service] [text] | ack | update TEXT | resolve | help",
    ),
    SlashCommand("/sop", "Run the five minutes for this channel's incident"),
    SlashCommand("/snapshot", "Capture a service's targets now", "[service]"),
    SlashCommand(
        "/bisect", "Name the commit that broke a test", "[service] test=TEST package=PACKAGE [good=REF] [bad=REF]"
    ),
    SlashCommand("/rollback", "Roll a service back, when a second person agrees", "[service] [why]"),
)
SHORTCUTS = (Shortcut("ff:pick", "Add to timeline", "Put this message on the incident's timeline"),)
EVENTS = (
    "app_home_opened",
    "app_uninstalled",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)
# Tell that a workspace has removed the app; what has one workspace, and its token from its operator, does without.
OF_SEVERAL = frozenset({"app_uninstalled", "tokens_revoked"})
REDIRECT = "/slack/oauth_redirect"
SIGN_IN = "/sign-in/back"
OF_PEOPLE: Mapping[str, str] = {"openid": "who signs in to the pages", "profile": "by which name"}
SCOPES: Mapping[str, str] = {
    "bookmarks:read": "is the link to the incident's page there already",
    "bookmarks:write": "the link to the incident's page",
    "channels:history": "find a post that was not confirmed; hear that a message of the timeline was changed",
    "channels:join": "come back into an incident's channel",
    "channels:manage": "create it, invite, set the topic",
    "channels:read": "find the channel whose creation was not confirmed",
    "chat:write": "the card, posts, answers",
    "chat:write.public": "the announcements channel, without being invited",
    "commands": "/incident",
    "files:read": "keep the files of messages that people put on the timeline",
    "files:write": "the snapshot's archive, the postmortem",
    "groups:history": "the same in a private incident",
    "groups:read": "who is in a private incident's channel; find one whose creation was not confirmed",
    "groups:write": "create it, invite, set the topic",
    "im:history": "was this page sent already",
    "im:write": "page who is on call",
    "pins:read": "hear what people pin: it goes onto the timeline",
    "pins:write": "pin the card",
    "reactions:read": "hear what people mark for the timeline, and read that message; no other is kept",
    "usergroups:read": "who is on call, and who may approve, where a user group says so",
    "users:read": "who is @somebody",
    "users:read.email": "who wrote a culprit; who is on call, where PagerDuty or Opsgenie say so",
}
"""Each scope, and what for."""

_HEAD = """\
# The Slack app that FirstFive is: https://api.slack.com/apps -> Create New App -> From a manifest -> paste this.
#
# 1. Replace firstfive.example.com by the address under which Slack reaches the bot (HTTPS, port 443), or set
#    socket_mode_enabled to true: then Slack needs no way in, and the addresses below may stay as they are.
# 2. Install the app to the workspace, then give the bot what Slack shows you:
#      SLACK_BOT_TOKEN       OAuth & Permissions -> Bot User OAuth Token (xoxb-...)
#      SLACK_SIGNING_SECRET  Basic Information -> Signing Secret
#      SLACK_APP_TOKEN       Basic Information -> App-Level Tokens, scope connections:write (Socket Mode only)
# 3. `/incident help` in any channel answers.
display_information:
  name: FirstFive
  description: Owns the first five minutes of an incident, and the paper trail after it.
  background_color: "#1f2a37"
features:
  app_home: # open incidents and what waits for you; where the pages to people arrive
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: FirstFive
    always_online: true
"""
_TAIL = """\
  org_deploy_enabled: false
  socket_mode_enabled: false
  token_rotation_enabled: false
"""


def render(url: str = EXAMPLE_URL) -> str:
    """Write the app's manifest, YAML, for a bot that Slack reaches at `url`."""
    where = f"{url}/slack/events"
    lines = ["  slash_commands:"]
    for command in COMMANDS:
        lines += [f"    - command: {command.name}", f"      url: {where}", f"      description: {command.description}"]
        lines += [f'      usage_hint: "{command.hint}"'] if command.hint else []
        lines += ["      should_escape: true"]
    if SHORTCUTS:
        lines += ["  shortcuts:"]
    for shortcut in SHORTCUTS:
        lines += [f"    - name: {shortcut.name}", "      type: message", f"      callback_id: {shortcut.callback_id}"]
        lines += [f"      description: {shortcut.description}"]
    lines += ["oauth_config:", "  redirect_urls:", f"    - {url}{REDIRECT} # for several workspaces: docs/slack.md"]
    lines += [f"    - {url}{SIGN_IN} # to sign in to the pages: docs/console.md"]
    lines += ["  scopes:", "    user:", *(f"      - {name} # {why}" for name, why in OF_PEOPLE.items())]
    lines += ["    bot:", *(f"      - {name} # {why}" for name, why in SCOPES.items())]
    lines += ["settings:", "  interactivity:", "    is_enabled: true", f"    request_url: {where}"]
    lines += ["  event_subscriptions:", f"    request_url: {where}", "    bot_events:"]
    lines += [f"      - {event}" for event in EVENTS]
    return _HEAD + "\n".join(lines) + "\n" + _TAIL
