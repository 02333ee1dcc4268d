"""The comparison as a picture: best value against trials, a line and a band for each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from scripts.strategies_runs.curves import best_so_far, quartiles, quartiles_in_any_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    from scripts.strategies_runs.sweeps import Results

# Okabe and Ito's colours, which people with any colour vision tell apart; dashes tell the grid's lines apart.
COLOURS = {"grid": "#D55E00", "random": "#0072B2", "bayes": "#009E73"}
LABELS = {"grid": "grid, in the order written", "random": "random", "bayes": "Bayes (Gaussian process)"}
TICKS = (0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)


def draw(found: Mapping[str, Results], file: Path) -> None:
    """Draws the medians and quartiles over the seeds and writes them, in the format of the file's ending."""
    plain: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "savefig.facecolor": "white"}
    with mpl.rc_context(plain | {"svg.hashsalt": "strategies"}):  # the same sweeps give the same file
        figure = Figure(figsize=(7.2, 4.3), layout="constrained")
        axes = figure.add_subplot()
        for strategy, each in found.items():
            _add(axes, strategy.removeprefix("digits_"), each)
        _dress(axes, seeds=len(next(iter(found.values())).values))
        file.parent.mkdir(parents=True, exist_ok=True)
        dateless = {"Date": None, "Creator": None} if file.suffix == ".svg" else {}
        figure.savefig(file, metadata=dateless, dpi=150)


def _add(axes: Axes, strategy: str, results: Results) -> None:
    """A strategy that begins with random trials begins as `random` does with the same seed: drawn where they part."""
    colour, parts = COLOURS[strategy], max(results.starts_at_random, 1)
    low, mid, high = quartiles(best_so_far(results.values))[:, parts - 1 :]
    trials = np.arange(parts, parts + len(mid))
    axes.fill_between(trials, low, high, color=colour, alpha=0.16, linewidth=0, step="mid")
    axes.step(trials, mid, where="mid", color=colour, linewidth=1.8, label=LABELS[strategy])
    if strategy == "grid":
        _, mid, _ = quartiles_in_any_order(results.values)
        dashed: dict[str, Any] = {"linewidth": 1, "linestyle": (0, (4, 2)), "label": "grid, over all orders"}
        axes.step(trials, mid, where="mid", color=colour, **dashed)
    if results.starts_at_random:
        axes.axvline(parts + 0.5, color=colour, linewidth=0.8, linestyle=(0, (1, 2)))
        beside: dict[str, Any] = {
            "xytext": (4, 0),
            "textcoords": "offset points",
            "va": "top",
            "color": colour,
            "fontsize": 8.5,
        }
        text = f"after {parts} random trials\nthe model takes over"
        axes.annotate(text, (parts + 0.5, 0.99), xycoords=("data", "axes fraction"), **beside)


def _dress(axes: Axes, *, seeds: int) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(mpl.ticker.FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    axes.set_xticks([1, 3, 6, 9, 12, 15, 18, 21, 24, 27])
    axes.margins(x=0.01)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("trials")
    axes.set_ylabel(f"best val_loss so far: median, quartiles, {seeds} seeds")
    axes.legend(frameon=False, loc="upper right")
