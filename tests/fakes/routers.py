"""Fakes of a service's router, and of the numbers that its monitoring keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.backends import Backend
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.traffic import Move, Split
from bot.ports import Clock, Sample


class FakeMetrics:
    """Answers by query; what it was not given it has no numbers for."""

    def __init__(self, answers: Mapping[str, float | Missing] | None = None) -> None:
        self.answers = dict(answers or {})

    async def ask(self, base: str, query: str) -> tuple[Sample, ...] | Missing:
        assert base.startswith("http")
        answer = self.answers.get(query, Missing(f"{base} gave no answer within 3 s"))
        return answer if isinstance(answer, Missing) else (Sample({}, answer),)

    async def history(
        self, base: str, query: str, until: datetime, length: timedelta, step: timedelta
    ) -> tuple[float | None, ...] | Missing:
        assert base.startswith("http")
        assert until.tzinfo
        answer = self.answers.get(query, Missing(f"{base} gave no answer within 3 s"))
        return answer if isinstance(answer, Missing) else (*[None] * (length // step - 2), answer / 2, answer)

    async def exposition(self, address: str) -> tuple[Sample, ...] | Missing:
        answer = self.answers.get(address, Missing(f"{address} gave no answer within 3 s"))
        return answer if isinstance(answer, Missing) else (Sample({"__name__": "up"}, answer),)


class FakeRouter:
    """A router that does what it is told, and keeps what it was told; `ailment` is answered instead, if it is set."""

    def __init__(self, split: Split | None = None, earlier: str = "") -> None:
        self.split = split or Split(weight=10.0, dyed=True)
        self.made: list[Move] = []
        self.ailment = ""
        self.counted: list[tuple[Backend, ...]] = []
        self._earlier = earlier

    async def read(self, service: Service) -> Split | Missing:
        assert service.name
        return Missing(self.ailment) if self.ailment else self.split

    async def backends(self, service: Service) -> tuple[Backend, ...] | Missing:
        assert service.name
        if self.ailment:
            return Missing(self.ailment)
        return self.counted.pop(0) if self.counted else Missing("it counts nothing")

    async def earlier(self, service: Service) -> str | Missing:
        assert service.name
        return Missing(self.ailment) if self.ailment else self._earlier

    async def plan(self, service: Service, wanted: Split) -> tuple[Move, ...] | Missing:
        assert service.name
        if self.ailment:
            return Missing(self.ailment)
        moves = []
        if wanted.weight is not None and self.split.weight != wanted.weight:
            moves.append(
                Move(
                    f"give the canary {wanted.weight:g} %", f"weight {wanted.weight:g}", {"weight": str(wanted.weight)}
                )
            )
        if wanted.dyed is not None and self.split.dyed != wanted.dyed:
            words = "open" if wanted.dyed else "close"
            moves.append(Move(f"{words} the route of marked requests", words, {"dyed": words}))
        if wanted.release and self.split.release != wanted.release:
            moves.append(Move(f"run {wanted.release}", f"run {wanted.release}", {"release": wanted.release}))
        return tuple(moves)

    async def make(self, service: Service, move: Move) -> Missing | None:
        assert service.name
        if self.ailment:
            return Missing(self.ailment)
        self.made.append(move)
        told = move.body
        if "weight" in told:
            self.split = replace(self.split, weight=float(told["weight"]))
        if "dyed" in told:
            self.split = replace(self.split, dyed=told["dyed"] == "open")
        if "release" in told:
            self.split = replace(self.split, release=told["release"])
        return None


class FakeCounters(FakeMetrics):
    """What the tracks behind a router have counted: requests pass, and fail, as long as somebody looks.

    `failing` is the share of the canary's requests that fail, `slow` of those that take longer than a second; `ailing`
    the share of all others that fail. `stuck`: the counters lie, nothing is counted. `gone`: the canary has none.
    `ailment`: no answer.
    """

    EDGES = ("0.05", "0.1", "0.25", "0.5", "1.0", "+Inf")

    def __init__(self, clock: Clock, router: FakeRouter, failing: float = 0.0, slow: float = 0.0) -> None:
        super().__init__()
        self.rate, self.failing, self.slow, self.ailing = 100.0, failing, slow, 0.0
        self.stuck, self.gone, self.ailment = False, False, ""
        self._clock, self._router = clock, router
        self._at = clock.now()
        self._counted = {"canary": [0.0, 0.0, 0.0], "baseline": [0.0, 0.0, 0.0]}

    async def exposition(self, address: str) -> tuple[Sample, ...] | Missing:
        assert address.startswith("http")
        now = self._clock.now()
        passed, self._at = (now - self._at).total_seconds(), now
        if self.ailment:
            return Missing(self.ailment)
        share = (self._router.split.weight or 0.0) / 100
        if not self.stuck:
            self._count("canary", self.rate * share * passed, self.failing, self.slow)
            self._count("baseline", self.rate * (1 - share) * passed, self.ailing, 0.0)
        shown = {track: counted for track, counted in self._counted.items() if track == "baseline" or not self.gone}
        return tuple(sample for track, counted in shown.items() for sample in self._samples(track, counted))

    def _count(self, track: str, requests: float, failing: float, slow: float) -> None:
        for place, gained in enumerate((requests, requests * failing, requests * slow)):
            self._counted[track][place] += gained

    def _samples(self, track: str, counted: Sequence[float]) -> list[Sample]:
        requests, errors, slow = map(round, counted)
        by_code = {"200": requests - errors, "500": errors}
        rows = [Sample({"__name__": "rq", "track": track, "code": code}, value) for code, value in by_code.items()]
        edges = {edge: requests - slow if edge != "+Inf" else requests for edge in self.EDGES}
        return rows + [Sample({"__name__": "t", "track": track, "le": edge}, value) for edge, value in edges.items()]
