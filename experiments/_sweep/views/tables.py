"""The table of a sweep's trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.words import clean, counts, duration, number, setting

if TYPE_CHECKING:
    from experiments._sweep.sweep import Trial


def trials_table(sweep: Any) -> Table:
    """One row a trial, the best one marked; `sweep` is a `Sweep`."""
    history = sweep.history
    searched = list(history.asks["space"]) or [key for trial in sweep.trials for key in trial.config]
    leader = history.best.number if history.best else None
    table = Table(title=Text(f"{clean(sweep.name)}: {counts(history)}"), title_justify="left", box=None, padding=(0, 1))
    configs = {trial.trial: flat(trial.config) for trial in sweep.trials}
    varied = [key for key in _keys(configs, searched) if len({str(config.get(key)) for config in configs.values()}) > 1]
    for heading in ("trial", "ending", history.asks["metric"], "epoch", "epochs", "time"):
        table.add_column(Text(clean(heading)), justify="left" if heading == "ending" else "right", no_wrap=True)
    for key in varied:
        heading = "budget" if key == "epochs" else clean(key)  # beside the epochs that were trained
        table.add_column(Text(heading), no_wrap=True, overflow="ellipsis")
    for trial in sweep.trials:
        cells = [*_cells(trial), *(_setting(configs[trial.trial], key) for key in varied)]
        table.add_row(*(Text(clean(cell)) for cell in cells), style="bold green" if trial.trial == leader else None)
    return table


def _keys(configs: dict[int, dict[str, Any]], searched: list[str]) -> list[str]:
    keys = dict.fromkeys(key for config in configs.values() for key in config)
    return [key for key in keys if key.partition(".")[0] in {name.partition(".")[0] for name in searched}]


def _setting(config: dict[str, Any], key: str) -> str:
    return setting(config[key]) if key in config else "-"  # in another branch


def _cells(trial: Trial) -> list[str]:
    epoch = "-" if trial.epoch is None else str(trial.epoch)
    return [str(trial.trial), trial.ending, number(trial.value), epoch, str(trial.epochs), duration(trial.seconds)]
