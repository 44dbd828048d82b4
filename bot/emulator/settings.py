"""What the emulator was started with."""

import re
from dataclasses import dataclass

from bot.emulator.scopes import EVENTS, SCOPES, problem

# The starts of everything secret here, so that a real one is never taken.
TOKEN_PREFIX = "xoxb-emulator-"  # noqa: S105 - worthless outside of this process
USER_TOKEN_PREFIX = "xoxp-emulator-"  # noqa: S105 - as above
APP_TOKEN_PREFIX = "xapp-emulator-"  # noqa: S105 - as above
CONFIG_TOKEN_PREFIX = "xoxe.xoxp-emulator-"  # noqa: S105 - as above
CLIENT_SECRET_PREFIX = "emulator-"  # noqa: S105 - as above
SECOND_TEAM = "T0BOX0002"


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
    SlashCommand("/bisect", "[service] test=TEST package=PACKAGE"),
    SlashCommand("/rollback", "[service] [why]"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """One app, and the workspaces it is or may be installed in."""

    app_url: str
    signing_secret: str
    bot_token: str
    app_token: str = APP_TOKEN_PREFIX + "1"
    config_token: str = CONFIG_TOKEN_PREFIX + "1"
    client_id: str = "1.2"
    client_secret: str = CLIENT_SECRET_PREFIX + "secret"
    redirect_urls: tuple[str, ...] = ()
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
    scopes: tuple[str, ...] = SCOPES
    events: tuple[str, ...] = tuple(EVENTS)
    second_team: bool = False
    file_processing_s: float = 0.0

    @property
    def base_url(self) -> str:
        """Return where this emulator is reached."""
        return f"http://{self.host}:{self.port}"


def settings_problem(settings: Settings) -> str:
    """Say in one line why these settings must not be used, or return an empty string."""
    for value, prefix, name, variable in (
        (settings.bot_token, TOKEN_PREFIX, "The bot token", "SLACK_BOT_TOKEN"),
        (settings.app_token, APP_TOKEN_PREFIX, "The app token", "SLACK_APP_TOKEN"),
        (settings.config_token, CONFIG_TOKEN_PREFIX, "The configuration token", "--config-token"),
        (settings.client_secret, CLIENT_SECRET_PREFIX, "The client secret", "SLACK_CLIENT_SECRET"),
    ):
        if not value.startswith(prefix):
            return f"{name} must start with {prefix}: this is a local Slack and takes nothing real. Change {variable}."
    if not settings.signing_secret:
        return "There is no signing secret. Set SLACK_SIGNING_SECRET or --signing-secret, the same as the bot's."
    for lab in settings.labs:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", lab.name) or not lab.url.startswith(("http://", "https://")):
            return f"--lab {lab.name}={lab.url} is not NAME=http://HOST:PORT."
    return problem(settings.scopes, settings.events)
