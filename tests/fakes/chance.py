class FakeChance:
    """Chance that gives what it is told to, over and over; nonces are counted."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers or (0,)
        self._asked = 0

    def below(self, count: int) -> int:
        self._asked += 1
        return self._numbers[(self._asked - 1) % len(self._numbers)] % count

    def nonce(self) -> str:
        return "nonce"
