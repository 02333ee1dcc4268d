"""Where and how much a driver runs, and everything that can be known to be wrong before it starts."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.checks import unreported
from experiments._sweep.engine.addresses import address_fault
from experiments._sweep.engine.tokens import token_fault
from experiments._sweep.errors import InputError
from experiments._sweep.names import new_folder
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.registry import FoundExperiment


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how much: what does not belong to the question."""

    name: str | None = None
    storage: str = "results"
    concurrent: int | None = None
    time_limit_s: float | None = None
    address: str = "local"
    data_dir: str | None = None
    here: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    """`target` and `patience_trials` that a resumed sweep has in place of those it began with."""

    def faults(self) -> Iterator[str]:
        """What is wrong with them."""
        if self.concurrent is not None and (not isinstance(self.concurrent, int) or self.concurrent < 1):
            yield f"--concurrent must be a whole number of at least 1, got {self.concurrent!r}."
        if self.time_limit_s is not None and not (self.time_limit_s > 0 and math.isfinite(self.time_limit_s)):
            yield f"--time-limit must be above 0 seconds, got {self.time_limit_s!r}."
        if self.data_dir is not None and not Path(self.data_dir).expanduser().is_dir():
            yield f"--data-dir: there is no folder {self.data_dir}. Give the folder that holds the data sets."
        fault = address_fault(self.address) or ("" if self.here else token_fault(self.address))
        if fault:
            yield fault
        if self.name is not None:
            try:
                new_folder(Path(self.storage).expanduser(), self.name, self.name)
            except InputError as error:
                yield from error.faults

    @property
    def data(self) -> str | None:
        """The data folder, absolute, None where the environment says where."""
        return None if self.data_dir is None else str(Path(self.data_dir).expanduser().resolve())


def preflight(found: FoundExperiment, options: RunOptions) -> list[str]:
    """Everything that can be known to be wrong before anything starts."""
    faults = list(options.faults())
    experiment = found.experiment
    if options.here and not hasattr(experiment.trainable, "epochs"):
        faults.append(
            "--here runs trainables that yield epochs; a plain Ray function reports through Ray. Run it without "
            "--here, or write it as a trainable."
        )
    if isinstance(experiment.trainable, Trainable):
        with data_folder(options.data):
            for config in experiment.samples():
                faults += experiment.trainable.faults(config) or unreported(experiment, config)
    return list(dict.fromkeys(faults))


@contextlib.contextmanager
def data_folder(folder: str | None) -> Iterator[None]:
    """Says where data lies, in this process, for as long as the context lasts; None says nothing."""
    before = os.environ.get("RAYSWEEPS_DATA")
    if folder:
        os.environ["RAYSWEEPS_DATA"] = folder
    try:
        yield
    finally:
        if folder and before is None:
            del os.environ["RAYSWEEPS_DATA"]
        elif folder and before is not None:
            os.environ["RAYSWEEPS_DATA"] = before
