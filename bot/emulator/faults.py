"""Faults a test asks for: the next calls of a method go wrong in a given way."""

from dataclasses import dataclass

MODES = ("error:WORD", "http500", "drop", "hang", "429", "after", "delay")


@dataclass(slots=True)
class Fault:
    """`after` does the work and loses the answer; `delay` only waits."""

    method: str
    mode: str
    times: int = 1
    delay_ms: int = 0
    retry_after_s: int = 1


def mode_is_known(mode: str) -> bool:
    """Say whether a mode is one of MODES."""
    return mode in MODES[1:] or (mode.startswith("error:") and mode != "error:")


class Faults:
    """The faults still to happen, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a fault."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Drop every fault that did not happen yet."""
        self.waiting.clear()

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call and count it; `*` stands for every method."""
        for fault in self.waiting:
            if fault.method in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
