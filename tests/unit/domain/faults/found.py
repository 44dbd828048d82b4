"""What the rules say of facts, and the frames that their tests share."""

from bot.domain.facts import Facts
from bot.domain.faults import RULES, Beside, Finding
from bot.domain.stacks import Frame
from tests.unit.domain.go_profiles import SERVE, main_frame

HANDLE, TAKE = main_frame("(*shop).show", 30), main_frame("(*shop).take", 12)
AFTER = (main_frame("(*shop).load", 70), main_frame("(*shop).show", 34), *SERVE)
WAITING = (TAKE, HANDLE, *SERVE)
SERVER = "acme.dev/wire.(*Server)"
CALL = (main_frame("handle", 7), Frame(f"{SERVER}.serveStream"))
"""A request over a protocol of the service's own, and below, who accepts its connections."""
ACCEPT = (
    Frame("runtime.gopark"),
    Frame("internal/poll.(*FD).Accept"),
    Frame("net.(*TCPListener).Accept"),
    Frame(f"{SERVER}.Serve"),
    main_frame("main", 121),
)
UNLOCK = Frame("sync.(*Mutex).Unlock")


def findings(facts: Facts, *others: Facts, baseline: Facts | None = None) -> list[Finding]:
    beside = Beside(others, baseline)
    return [found for rule in RULES if (found := rule(facts, beside)) is not None]


def classes(facts: Facts, *others: Facts, baseline: Facts | None = None) -> list[str]:
    return [found.fault for found in findings(facts, *others, baseline=baseline)]
