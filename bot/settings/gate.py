"""The table of a service's deploy gate: what a build has to prove, and when it must wait."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, field_validator, model_validator

from bot.domain.gate.policy import Forbidden, GatePolicy, Hold, Identity
from bot.domain.gate.versions import is_below
from bot.settings.tables import Table


class ForbiddenTable(Table):
    """A component that must not be deployed, or not below some version."""

    name: str = Field(min_length=1, max_length=200)
    below: str = ""
    why: str = ""

    @field_validator("below")
    @classmethod
    def _is_a_version(cls, below: str) -> str:
        if below and is_below(below, below):
            raise ValueError("is a version that others can be compared with, such as 1.12.3")
        return below


class IdentityTable(Table):
    """Who may sign without a key: what the certificate names, and which provider of identities vouched for it."""

    issuer: str
    subject: str = Field(min_length=1)

    @field_validator("issuer")
    @classmethod
    def _is_an_address(cls, issuer: str) -> str:
        # As it stands: certificates name it letter by letter, and some end in a slash.
        if not issuer.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return issuer


class GateTable(Table):
    """What a deploy of a service has to prove."""

    keys: tuple[str, ...] = ()
    identities: tuple[IdentityTable, ...] = ()
    trust_root: str = ""
    signature: bool = True
    annotations: Mapping[str, str] = {}
    sbom: bool = True
    forbidden: tuple[ForbiddenTable, ...] = ()
    builders: tuple[str, ...] = ()
    max_age_h: float | None = Field(None, gt=0, le=87_600)
    hold: Hold = Hold.ANY
    channel: str = ""

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        asks = self.signature or self.sbom or self.forbidden or self.builders or self.max_age_h
        if asks and not (self.keys or self.identities):
            raise ValueError("what it asks for must be signed by somebody: it needs `keys` or `identities`")
        if self.annotations and not self.signature:
            raise ValueError("`annotations` are those of a signature, and `signature = false` asks for none")
        if self.identities and not self.trust_root:
            raise ValueError("`identities` are checked against a trust root: it needs `trust_root`")
        return self


def gate_policy(table: GateTable | None) -> GatePolicy | None:
    """Give what a deploy has to prove as the domain knows it."""
    if table is None:
        return None
    return GatePolicy(
        keys=table.keys,
        identities=tuple(Identity(each.issuer, each.subject) for each in table.identities),
        trust_root=table.trust_root,
        signature=table.signature,
        marks=tuple(sorted(table.annotations.items())),
        sbom=table.sbom,
        forbidden=tuple(Forbidden(each.name, each.below, each.why) for each in table.forbidden),
        builders=table.builders,
        max_age_h=table.max_age_h,
        hold=table.hold,
        channel=table.channel,
    )
