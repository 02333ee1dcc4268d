"""What the conductor hands out: stretches of training, seeds, and reasons to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Reason = Literal["target", "no improvement", "interrupted", "time limit", "failed", "fault"]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of training to be run now."""

    trial: int
    number: int
    config: dict[str, Any]
    epochs_known: int
    """Epochs that the ledger has; a checkpoint may be one ahead, not more."""
    checkpoint: str | None
    """For plain Ray functions: the newest checkpoint they reported, relative to the sweep's folder."""


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Why the sweep ends before its trials have."""

    reason: Reason
    why: str


def trial_seed(sweep_seed: int, trial: int) -> int:
    """The seed of a trial, 0 to 2**32 - 1, independent of all others (numpy's SeedSequence)."""
    return int(np.random.SeedSequence([sweep_seed, trial]).generate_state(1)[0])
