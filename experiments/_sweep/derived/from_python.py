"""The ways in from Python: `sweep.confirm(...)` and `sweep.replay(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.confirmation.confirming import Request, confirm
from experiments._sweep.derived.confirmation.refitting import refit
from experiments._sweep.derived.replay.replaying import replay
from experiments._sweep.errors import EngineError
from experiments._sweep.options import RunOptions
from experiments._sweep.store.places import place_of
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.sweep import Sweep


def confirmed_in_python(
    sweep: Sweep,
    request: Mapping[str, Any],
    *,
    data_dir: str | Path | None,
    quiet: bool,
    where: Mapping[str, Any],
) -> dict[str, Any]:
    """What `Sweep.confirm` returns."""
    options = options_for(sweep, data_dir=None if data_dir is None else str(data_dir), **where)

    def observers(found: FoundExperiment) -> Any:
        return watching(found, here=options.here)

    watch = None if quiet else observers
    confirmed = confirm(sweep, Request(**request), options, watch)
    if confirmed.answer is None:
        why = confirmed.outcome.why if confirmed.outcome else ""
        raise EngineError(f"{place_of(confirmed.sweep.folder)} ended early: {why} Call confirm() again to go on.")
    if request["refit"]:
        refitted = refit(confirmed.sweep, options, watch)
        if refitted.checkpoint is None:
            folder = place_of(refitted.sweep.folder)
            raise EngineError(f"{folder} ended early. Call confirm(refit=True) again to go on.")
    return confirmed.answer


def replayed_in_python(
    sweep: Sweep, trial: int, *, data_dir: str | Path | None, quiet: bool, where: Mapping[str, Any]
) -> dict[str, Any]:
    """What `Sweep.replay` returns."""
    options = options_for(sweep, data_dir=None if data_dir is None else str(data_dir), **where)

    def observers(found: FoundExperiment) -> Any:
        return watching(found, here=options.here)

    replayed = replay(sweep, trial, options, None if quiet else observers)
    if replayed.answer is None:
        why = replayed.outcome.why if replayed.outcome else ""
        raise EngineError(f"{place_of(replayed.sweep.folder)} ended early: {why} Call replay({trial}) again to go on.")
    return replayed.answer


def options_for(sweep: Sweep, *, data_dir: str | None = None, **where: Any) -> RunOptions:
    """Where a sweep that is made of `sweep` runs; its data lie where those of `sweep` did.

    Its checkpoints are all kept: each trial's is measured at the end.
    """
    drivers = sweep.history.drivers
    remembered = drivers[-1].data_dir if drivers else None
    return RunOptions(storage=str(sweep.folder.parent), data_dir=data_dir or remembered, keep=None, **where)
