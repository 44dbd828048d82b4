"""The table of signing in: by Slack, or by a provider of OpenID Connect."""

import re
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from bot.domain.addresses import is_loopback
from bot.settings.tables import Table

SLACK = "slack"


class SignInTable(Table):
    """By whom people are known: `slack`, or a provider's issuer; "" for nobody. `domains`: of their e-mails.

    `ask_again`: whether a provider is asked, while somebody uses the pages, if it knows them still.
    """

    by: str = ""
    client_id: str = ""
    domains: tuple[str, ...] = ()
    ask_again: bool = True

    @field_validator("by")
    @classmethod
    def _is_one(cls, by: str) -> str:
        if by in {"", SLACK}:
            return by
        if not _is_safe(by):
            raise ValueError("is `slack`, or a provider's issuer: an address that begins with https://")
        return by.rstrip("/")

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain):
                raise ValueError(f"{domain!r} is no domain, such as 'example.com'")
        return domains

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        is_other = self.by not in {"", SLACK}
        if is_other and not (self.client_id and self.domains):
            raise ValueError("a provider other than Slack takes `client_id`, and `domains`: who may come in")
        if not is_other and (self.client_id or self.domains):
            raise ValueError("`client_id` and `domains` are of a provider other than Slack: give its issuer as `by`")
        return self


def lacks(table: SignInTable, known: Mapping[str, Any]) -> str:
    """Say what else signing in takes, of all other keys; "" when nothing is missing."""
    if not table.by:
        return ""
    if not _is_safe(known.get("url", "")):
        return "people's browsers must reach FirstFive by https: give `url` as it is seen from outside"
    if table.by == SLACK and not (known.get("slack_client_id") and known.get("slack_client_secret")):
        return "to sign in by Slack takes the app's client id and secret: SLACK_CLIENT_ID, SLACK_CLIENT_SECRET"
    if table.by != SLACK and not known.get("sign_in_client_secret"):
        return f"what {table.by} knows FirstFive by is not set: SIGN_IN_CLIENT_SECRET"
    return ""


def _is_safe(url: str) -> bool:
    """Tell whether nobody on the way can read what goes to an address."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
