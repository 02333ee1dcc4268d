"""How a sweep ended: its trials, its winner, and where to look."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.store.places import url_of
from experiments._sweep.views.tensorboard import FOLDER
from experiments._sweep.views.words import clean, counts, duration, number, place, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History


def summary_lines(sweep: Any) -> Iterator[str]:
    """The closing lines of `sweep run`; `sweep` is a `Sweep`."""
    history = sweep.history
    trained = sum(len(trial.epochs) for trial in history.trials.values())
    most = _whole_budget(history)
    trials = f"{len(history.trials)} trial{'' if len(history.trials) == 1 else 's'}"
    yield f"{trials} in {duration(history.seconds)}: {counts(history)}"
    yield f"{trained} epochs trained, {trained / most:.0%} of the {most} that all trials in full would take"
    best = history.best
    if best is None:
        return
    yield f"best: trial {best.number} with {clean(best.metric)} {number(best.value)} at epoch {best.epoch}"
    yield from _folded([f"{clean(key)} {setting(value)}" for key, value in flat(best.config).items()])
    if url_of(sweep.folder):
        yield f"      checkpoint in the store; brought here by: sweep best {place(sweep.folder)}"
    elif (checkpoint := sweep.best.checkpoint) is not None:
        yield f"      checkpoint {place(checkpoint)}"
    yield f"is it real?  sweep confirm {place(sweep.folder)}"
    yield f"all trials:  sweep trials {place(sweep.folder)}"
    yield f"the report:  sweep report {place(sweep.folder)}"
    yield f"TensorBoard: sweep board {place(sweep.folder)}   (or: tensorboard --logdir {place(sweep.folder / FOLDER)})"


def _folded(parts: list[str]) -> Iterator[str]:
    """The parts with commas between: in one line, on a terminal in as many as it needs, none cut within a part."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    line = " " * 5
    for part in (*(f"{each}," for each in parts[:-1]), *parts[-1:]):
        more = f" {part}"
        if line.strip() and cell_len(line) + cell_len(more) > width:
            yield line
            line = " " * 5
        line += more
    yield line


def _whole_budget(history: History) -> int:
    """The epochs that all trials in full would take; those that have not come have the largest budget."""
    asks, budgets = history.asks, [history.asks["epochs"]] * history.asks["num_trials"]
    if "epochs" in asks["space"]:
        budgets[: len(history.trials)] = [trial.config["epochs"] for trial in history.trials.values()]
    return sum(budgets)
