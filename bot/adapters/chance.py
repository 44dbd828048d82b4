"""Chance, as good as the system has it."""

from secrets import randbelow, token_hex


class SystemChance:
    """The Chance port."""

    def below(self, count: int) -> int:
        """Give one of 0 .. count - 1, each as likely."""
        return randbelow(count)

    def nonce(self) -> str:
        """Give a word that nobody can guess."""
        return token_hex(16)
