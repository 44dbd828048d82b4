"""What webhooks have in common: the token of whoever sends, and the service that is meant."""

import hmac
from collections.abc import Mapping

from bot.domain.errors import CommandRejected
from bot.engine.ports import Ports


def bears(headers: Mapping[str, str], token: str) -> bool:
    """Tell whether the right token was sent, taking as long for a wrong one; where none is configured, anybody may."""
    given = headers.get("authorization", "").encode("utf-8", "surrogateescape")
    return not token or hmac.compare_digest(given, b"Bearer " + token.encode())


def check_service(ports: Ports, name: str) -> None:
    """Hold what a body names against what is configured.

    :raises CommandRejected: there is no such service.
    """
    if ports.catalog.service(name) is None:
        known = ", ".join(ports.catalog.names) or "none"
        raise CommandRejected(f"service: there is no {name!r}. Configured: {known}.")
