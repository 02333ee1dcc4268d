"""Where the sweeps that are made of a sweep lie: in its own folder, numbered. Reads ledgers only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LEDGER, is_sweep, read
from experiments._sweep.store.copies import brought, brought_below
from experiments._sweep.sweep import Sweep

if TYPE_CHECKING:
    from pathlib import Path

CONFIRMATION = "confirm"
"""Confirmations are `confirm-1`, `confirm-2` ..."""


def searched_sweep(sweep: Sweep) -> Sweep:
    """The sweep itself; for one that is made of another, that other one."""
    while sweep.history.sweep.derived is not None:
        sweep = Sweep(sweep.folder.parent)
    return sweep


def is_begun(folder: Path) -> bool:
    """Whether there is a sweep in the folder; one that was cut before its first line is none."""
    brought(folder)
    return _has_begun(folder)


def _has_begun(folder: Path) -> bool:
    return is_sweep(folder) and bool(read(folder / LEDGER))


def numbered(sweep: Sweep, name: str) -> list[Path]:
    """The folders `name-1`, `name-2` ... of sweeps inside the sweep's own, in the order of their numbers."""
    brought_below(sweep.folder, f"{name}-")
    matches = [(re.fullmatch(rf"{name}-([1-9]\d*)", folder.name), folder) for folder in sweep.folder.glob(f"{name}-*")]
    found = [(int(match[1]), folder) for match, folder in matches if match and _has_begun(folder)]
    return [folder for _, folder in sorted(found)]


def confirmations(sweep: Sweep) -> list[Sweep]:
    """All confirmations of a sweep, the oldest first."""
    return [Sweep(folder) for folder in numbered(searched_sweep(sweep), CONFIRMATION)]


def confirmation(sweep: Sweep) -> Sweep | None:
    """The newest confirmation of a sweep that has an answer, None where there is none."""
    answered = [each for each in confirmations(sweep) if each.history.answer is not None]
    return answered[-1] if answered else None
