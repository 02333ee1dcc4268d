"""Recorded learning runs, made by scripts/record_tables.py: every configuration of a grid with its curve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).resolve().parents[1] / "tables"
_ORDERED = ("lr", "hidden_units", "hidden_layers", "conv_channels")
"""Hyperparameters whose values stand in order, about equally far apart: searched by their number, from 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Every configuration of a grid, trained once."""

    grid: dict[str, list[Any]]
    """Values by hyperparameter."""
    curves: dict[tuple[Any, ...], list[float | None]]
    """Validation loss after each epoch, by the values in the order of the grid; None where it was no number."""

    @property
    def epochs(self) -> int:
        """Epochs of each run."""
        return len(next(iter(self.curves.values())))

    def space(self) -> dict[str, Any]:
        """The grid as `ray.tune` domains: the number of an ordered value (all log scales here), else a choice."""
        return {
            name: tune.randint(0, len(values)) if name in _ORDERED else tune.choice(values)
            for name, values in self.grid.items()
        }

    def configs(self) -> list[dict[str, Any]]:
        """All configurations of the space."""
        return [
            {
                name: self.grid[name].index(value) if name in _ORDERED else value
                for name, value in zip(self.grid, values, strict=True)
            }
            for values in self.curves
        ]

    def curve(self, config: Mapping[str, Any]) -> list[float | None]:
        """Validation loss after each epoch of a configuration of the space."""
        return self.curves[
            tuple(values[config[name]] if name in _ORDERED else config[name] for name, values in self.grid.items())
        ]

    def last_loss(self, config: Mapping[str, Any]) -> float | None:
        """Validation loss after the last epoch; None where training diverged."""
        return self.curve(config)[-1]


@cache
def read_table(name: str) -> Table:
    """Return a recorded table.

    Raises:
        ValueError: The recording was interrupted, so that runs are missing.
    """
    read = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    table = Table(grid=read["grid"], curves={tuple(row["values"]): row["val_loss"] for row in read["rows"]})
    wanted = 1
    for values in table.grid.values():
        wanted *= len(values)
    if len(table.curves) != wanted:
        raise ValueError(
            f"the table {name} has {len(table.curves)} runs where its grid has {wanted} configurations; "
            f"finish it with `python scripts/record_tables.py {name}`"
        )
    return table
