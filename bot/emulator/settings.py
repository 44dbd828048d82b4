"""What the emulator was started with."""

import re
from dataclasses import dataclass

TOKEN_PREFIX = "xoxb-emulator-"  # noqa: S105 - the start of every token of ours, so that a real one is never taken


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command a person may type; Slack knows them from the app's manifest."""

    name: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry in a message's menu."""

    callback_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Lab:
    """A target whose faults can be switched on the page."""

    name: str
    url: str


COMMANDS = (
    SlashCommand("/incident", "start [sev1..4] [service] [text]"),
    SlashCommand("/sop", "start or show the five minutes"),
    SlashCommand("/snapshot", "[service]"),
    SlashCommand("/bisect", "[service] good=... bad=... test=..."),
    SlashCommand("/rollback", "[service]"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """One workspace with one app in it."""

    app_url: str
    signing_secret: str
    bot_token: str
    app_token: str = "xapp-emulator"  # noqa: S105 - worthless outside of this process
    host: str = "127.0.0.1"
    port: int = 4390
    app_name: str = "FirstFive"
    app_id: str = "A0BOX0APP"
    team_id: str = "T0BOX0001"
    team_domain: str = "slack-in-a-box"
    socket_mode: bool = False
    ack_timeout_s: float = 3.0
    limits_on: bool = True
    labs: tuple[Lab, ...] = ()
    commands: tuple[SlashCommand, ...] = COMMANDS
    shortcuts: tuple[Shortcut, ...] = ()

    @property
    def base_url(self) -> str:
        """Return where this emulator is reached."""
        return f"http://{self.host}:{self.port}"


def settings_problem(settings: Settings) -> str:
    """Say in one line why these settings must not be used, or return an empty string."""
    if not settings.bot_token.startswith(TOKEN_PREFIX):
        return (
            f"The bot token must start with {TOKEN_PREFIX}: this is a local Slack and refuses every real token. "
            "Change SLACK_BOT_TOKEN."
        )
    if not settings.signing_secret:
        return "There is no signing secret. Set SLACK_SIGNING_SECRET or --signing-secret, the same as the bot's."
    for lab in settings.labs:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", lab.name) or not lab.url.startswith(("http://", "https://")):
            return f"--lab {lab.name}={lab.url} is not NAME=http://HOST:PORT."
    return ""
