"""What the deploy gate is made of, for the playbooks that ask it and override it."""

from bot.domain.deploys import last_denied
from bot.domain.gate.evidence import Objection, Obstacle
from bot.engine.deploys import told_deploys
from bot.engine.gating import Gated, pass_gate, tell_denied
from bot.engine.overriding import Denial, ask_where_people_are, last_denial, let_through
from bot.engine.releases import CommitName, DigestName, KeptName, ReleaseName, ReleaseWord
from bot.engine.turning_away import TurnedAway, tell_turned_away, turn_away

__all__ = [
    "CommitName",
    "Denial",
    "DigestName",
    "Gated",
    "KeptName",
    "Objection",
    "Obstacle",
    "ReleaseName",
    "ReleaseWord",
    "TurnedAway",
    "ask_where_people_are",
    "last_denial",
    "last_denied",
    "let_through",
    "pass_gate",
    "tell_denied",
    "tell_turned_away",
    "told_deploys",
    "turn_away",
]
