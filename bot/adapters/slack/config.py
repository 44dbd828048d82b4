"""What this side must be told."""

from dataclasses import dataclass

CONNECTIONS = 2
"""How many connections each bot holds in Socket Mode."""


@dataclass(frozen=True)
class SlackConfig:
    """Tokens and addresses. `announcements` is a channel's id or name, or empty; `app_token` turns Socket Mode on.

    `team` is the workspace of what belongs to none, where there are several. `phases`: what the SOP goes through, each
    with its budget in seconds.
    """

    bot_token: str
    signing_secret: str
    app_token: str = ""
    api_url: str = "https://slack.com/api/"
    page_url: str = "http://127.0.0.1:8000"
    announcements: str = ""
    timeout_s: float = 10.0
    team: str = ""
    phases: tuple[tuple[str, float], ...] = ()
