"""This machine's kernel: its tables, and the programs that it runs or would."""

from bot.adapters.kernel.tables import Kernel, LocalKernel, NotHere, Place, is_ours, place_of

__all__ = ["Kernel", "LocalKernel", "NotHere", "Place", "is_ours", "place_of"]
