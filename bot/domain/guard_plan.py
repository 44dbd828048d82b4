"""What of a build can be wrong, and what the configuration wants done about it."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.incident import Severity


class Reason(StrEnum):
    """Why what runs is not what should run; the words are those of the label `reason`."""

    UNSEEN = "unseen"
    COMMIT_UNKNOWN = "commit_unknown"
    COMMIT_MISMATCH = "commit_mismatch"
    COMMIT_NOT_IN_BRANCH = "commit_not_in_branch"
    DIRTY_TREE = "dirty_tree"
    GO_VERSION_MISMATCH = "go_version_mismatch"
    BUILD_ID_MISMATCH = "build_id_mismatch"
    ENVIRONMENT_MISMATCH = "environment_mismatch"
    STAMP_MISMATCH = "stamp_mismatch"
    STAMP_MISSING = "stamp_missing"


@dataclass(frozen=True)
class GuardPlan:
    """How the builds of a service are guarded.

    `env` is the environment that its targets belong to ("": not told), `branches` those of which one must hold the
    commit that runs (none: any will do). `opens`: the reasons that open an incident of this `severity`; all others are
    told in the digest alone. `stamped`: every build must carry the whole stamp. `cron` says when it is looked at (UTC).
    """

    env: str = ""
    branches: tuple[str, ...] = ()
    opens: frozenset[Reason] = field(default=frozenset())
    severity: Severity = Severity.SEV3
    stamped: bool = False
    cron: str = "*/10 * * * *"
