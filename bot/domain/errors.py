"""What can go wrong, as past facts with words a responder can act on.

* FirstFiveError
    * CommandRejected       the words typed do not make a command
        * WordsMissing      they name a verb that needs more
        * ParamRejected     one param is wrong
    * AlertsRefused         a delivery of alerts cannot be read
    * IncidentNotFound
    * TransitionRefused     the incident is not in a state that allows it
    * MilestoneRefused      the times would contradict each other
    * ApprovalRefused
    * TargetUnreachable
    * RunFailed
        * FenceLost         another worker owns the run now
    * ChatFailed            Slack said no, or nothing
    * SignInFailed          a provider of identities said no, or nothing that is believed
        * GrantVoid         what it gave to be asked again with is worth nothing any more
    * StoreUnusable         our own database, schema or lock
        * AnswerLost        whether a write was kept is not known
        * ArtifactDamaged   kept bytes are not what they were
    * AnchorRaced           another process wrote the next anchor first
    * PrintFailed           no PDF came of a document
"""

from collections.abc import Mapping
from typing import Any


class FirstFiveError(Exception):
    """Something FirstFive can explain; `str(error)` is fit for a person."""


class CommandRejected(FirstFiveError):
    """The words typed do not make a command; says which, and what would."""


class WordsMissing(CommandRejected):
    """A verb needs more than was typed; `given` is what it has already."""

    def __init__(self, said: str, verb: str, given: Mapping[str, Any], incident_id: str) -> None:
        super().__init__(said)
        self.verb = verb
        self.given = given
        self.incident_id = incident_id


class ParamRejected(CommandRejected):
    """One param of a playbook is wrong; `param` is its name."""

    def __init__(self, said: str, param: str) -> None:
        super().__init__(said)
        self.param = param


class AlertsRefused(FirstFiveError):
    """A delivery of alerts cannot be read; says which part, and what it should be."""


class IncidentNotFound(FirstFiveError):
    """No incident has this id."""


class TransitionRefused(FirstFiveError):
    """The incident's status does not allow what was asked."""


class MilestoneRefused(FirstFiveError):
    """A milestone's time contradicts another milestone or the clock."""


class ApprovalRefused(FirstFiveError):
    """A mutating step was not approved."""


class TargetUnreachable(FirstFiveError):
    """A target could not be asked."""


class RunFailed(FirstFiveError):
    """A run ended without its result."""


class FenceLost(RunFailed):
    """Another worker has taken the run over; whatever this one still does must not be recorded."""


class ChatFailed(FirstFiveError):
    """A call to the chat failed.

    `code` is Slack's error word, `retry_after_s` what it asked for, `retryable` whether a later try can work,
    `unsure` whether the call may have taken effect although no answer came.
    """

    def __init__(
        self, code: str, *, retryable: bool = False, retry_after_s: float | None = None, unsure: bool = False
    ) -> None:
        super().__init__(f"Slack answered {code}")
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.unsure = unsure


class SignInFailed(FirstFiveError):
    """Nobody was signed in.

    `code` is the provider's error word, or ours: unreachable, other_issuer, not_safe, no_id_token, not_believed,
    expired, too_long. `detail` is for whoever runs FirstFive, and holds no secret.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class GrantVoid(SignInFailed):
    """A provider does not know a grant any more: who it is of has left, or it was taken back."""


class StoreUnusable(FirstFiveError):
    """The bot's own database cannot be used; says why and what to do."""


class AnswerLost(StoreUnusable):
    """The database has gone away over a write: it may or may not have been kept."""


class AnchorRaced(FirstFiveError):
    """Another process wrote the next anchor first; ours would not link to it."""


class ArtifactDamaged(StoreUnusable):
    """The bytes of an artifact are not those that were kept; no later try will find them."""


class PrintFailed(FirstFiveError):
    """No PDF came of a document; says why, and what to do."""
