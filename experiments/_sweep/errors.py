"""The two ways in which the package itself says no."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, found before anything started: exit code 2."""

    def __init__(self, *faults: str) -> None:
        """All `faults` at once, a sentence each."""
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class EngineError(RuntimeError):
    """The engine cannot go on (resources, a lost cluster, a full disk); the sweep can be resumed: exit code 3."""
