"""What somebody shows of a build, and what of it was found to be proven."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SHORT = 19
"""So much of a digest is shown: `sha256:` and twelve digits."""


class Obstacle(StrEnum):
    """Why a deploy is denied, as a word that programs and people read."""

    NO_GATE = "no gate"
    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    SLOW = "slow"
    INCOMPLETE = "incomplete"
    NOT_VERIFIED = "not verified"
    UNSIGNED = "unsigned"
    UNTRUSTED = "untrusted"
    REPLAYED = "replayed"
    UNMARKED = "unmarked"
    NO_SBOM = "no sbom"
    TAMPERED = "tampered"
    FORBIDDEN = "forbidden component"
    NO_PROVENANCE = "no provenance"
    WRONG_BUILDER = "wrong builder"
    EXPIRED = "expired"
    INCIDENT = "open incident"
    FROZEN = "frozen"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Objection:
    """One reason to deny a deploy: the word for it, and a sentence that says what was found."""

    obstacle: Obstacle
    text: str

    def __str__(self) -> str:
        """Give it as a line: `unsigned: nothing that was sent ...`."""
        return f"{self.obstacle.value}: {self.text}"


@dataclass(frozen=True)
class Submission:
    """What is shown of a build, as it came. `digest` is that of the artifact, `sha256:` and 64 hexadecimal digits.

    `proofs` are JSON documents, one a line, as cosign gives them: signatures (`cosign download signature`),
    attestations (`cosign download attestation`), bundles. `sbom` is a bill of materials as a file; `sbom_signature` is
    what `cosign sign-blob` made of that file: base64, or a bundle.
    """

    digest: str
    proofs: str = ""
    sbom: str = ""
    sbom_signature: str = ""


@dataclass(frozen=True)
class Signature:
    """A signature of an artifact. `by` is whose, "" for nobody's that is trusted; `flaw` is why it counts for nothing.

    `marks` are the annotations that were signed with it.
    """

    by: str
    digests: tuple[str, ...]
    marks: tuple[tuple[str, str], ...] = ()
    flaw: Objection | None = None


@dataclass(frozen=True)
class Provenance:
    """How a build came to be: who built it, and when that ended (UTC); None where it does not say."""

    by: str
    digests: tuple[str, ...]
    builder: str = ""
    built_at: datetime | None = None
    flaw: Objection | None = None


@dataclass(frozen=True)
class Component:
    """A part of a build, as its bill of materials names it; `purl` is its package URL, `group` whose it is, or "".

    A group is Maven's `org.apache.logging.log4j`, or npm's `@angular`.
    """

    name: str
    version: str = ""
    purl: str = ""
    group: str = ""

    @property
    def words(self) -> str:
        """Name it: `org.apache.logging.log4j/log4j-core 2.14.1`."""
        return f"{self.group}/{self.name} {self.version}".removeprefix("/").strip() or self.purl


@dataclass(frozen=True)
class Sbom:
    """A bill of materials: of which artifacts, made of what. `by` and `flaw` are as those of a signature.

    `about` is what it is made for, where it names that apart from its parts.
    """

    by: str
    digests: tuple[str, ...]
    components: tuple[Component, ...] = ()
    flaw: Objection | None = None
    about: tuple[Component, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What is known of a build. `flaws` are of what cannot be read at all: they deny, whatever else is proven.

    `unseen` is why nobody could look at what was sent: that denies too, and what is lacking is not known then.
    """

    digest: str
    signatures: tuple[Signature, ...] = ()
    provenances: tuple[Provenance, ...] = ()
    sboms: tuple[Sbom, ...] = ()
    flaws: tuple[Objection, ...] = ()
    unseen: Objection | None = None
