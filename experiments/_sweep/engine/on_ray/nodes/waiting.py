"""Waiting for a node that holds a trial: said once and then every minute, and given up with the numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 900.0
"""How long a node is waited for, where nothing else was asked for."""
SAY_S = 60.0
"""How often it is said again."""


class Waiting:
    """One stretch of time in which no node holds a trial."""

    def __init__(self, patience_s: float, say: Callable[[str], None]) -> None:
        """Begins now."""
        self._patience_s = patience_s
        self._say = say
        self._since = self._said = time.monotonic()
        self._told = False

    def over(self, why: str) -> bool:
        """Whether the patience is at its end; where it is not, says what is waited for when it is time to.

        Args:
            why: Why no node holds a trial, with the numbers.
        """
        now = time.monotonic()
        waited = now - self._since
        if waited >= self._patience_s:
            return True
        if not self._told or now - self._said >= SAY_S:
            self._told, self._said = True, now
            left = f"{_duration(waited)} of at most " if waited >= 1 else "at most "
            self._say(f"waiting for a node, {left}{_duration(self._patience_s)} (--wait-for-nodes): {_fact(why)}")
        return False

    def last_word(self, why: str) -> str:
        """Why the sweep ends now."""
        waited = time.monotonic() - self._since
        return f"{why} No other node came in {_duration(waited)}. Wait for longer with --wait-for-nodes."


def _fact(why: str) -> str:
    """The numbers, without what to do: nothing need be done yet."""
    return why.partition(". ")[0]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:g} min" if seconds % 60 == 0 else f"{seconds / 60:.0f} min"
