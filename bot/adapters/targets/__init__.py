"""Targets over HTTP: their profiles, and what their users get."""

from bot.adapters.targets.capture import Caps, HttpTargets
from bot.adapters.targets.network import Resolver, resolve_by_system

__all__ = ["Caps", "HttpTargets", "Resolver", "resolve_by_system"]
