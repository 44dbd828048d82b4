"""What the lab cannot do, as sentences for the person who asked.

* LabError
  * ToolchainMissing
  * PreparationFailed
  * PortBusy
  * TargetFailed
"""


class LabError(Exception):
    """One line that says what to do; the command ends with exit code 2."""


class ToolchainMissing(LabError):
    """There is no Go that is new enough, and none could be installed."""


class PreparationFailed(LabError):
    """The history or a release of checkout could not be made."""


class PortBusy(LabError):
    """Another process listens on a port that the lab was told to use."""


class TargetFailed(LabError):
    """A target did not come up."""
