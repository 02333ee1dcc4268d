"""Where and how much a driver runs, and everything that can be known to be wrong before it starts."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.checks.experiments import unreported
from experiments._sweep.checks.secrets import forgotten
from experiments._sweep.cluster.joining import parcel_of, travels
from experiments._sweep.engine.on_ray.entry.addresses import address_fault, is_http
from experiments._sweep.engine.on_ray.entry.tokens import token_fault
from experiments._sweep.errors import InputError
from experiments._sweep.names import new_folder
from experiments._sweep.store.places import storage_faults, storage_folder
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.registry import FoundExperiment


KEEP = 10
"""Leading trials whose best checkpoint is kept, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how much: what does not belong to the question."""

    name: str | None = None
    storage: str = "results"
    concurrent: int | None = None
    time_limit_s: float | None = None
    address: str = "local"
    wait_for_nodes_s: float | None = None
    """Seconds for which nodes that may still come are waited for; None: 15 min where an autoscaler can bring them."""
    insecure: bool = False
    """Whether a cluster without token authentication is used: whoever reaches it can run code on it."""
    install_missing: bool = False
    """Whether a cluster installs the packages that its nodes lack."""
    data_dir: str | None = None
    here: bool = False
    stall_timeout_s: float | Literal["auto"] | None = "auto"
    """Seconds without a report after which a trial has `timed_out`; `auto` takes them from the epochs seen, None: no
    such limit."""
    keep: int | None = KEEP
    """Of how many leading trials the best checkpoint is kept; None keeps those of all trials."""
    learn_from: Sequence[str] = ()
    """Earlier sweeps, by name or path, whose ended trials a new sweep's searcher is told."""
    trust: bool = False
    """Whether the code that a sweep's folder names is run, although the folder may be somebody else's."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """`target`, `patience_trials` and `num_trials` that a resumed sweep has in place of those it began with."""

    def faults(self) -> Iterator[str]:
        """What is wrong with them."""
        if self.concurrent is not None and (not isinstance(self.concurrent, int) or self.concurrent < 1):
            yield f"--concurrent must be a whole number of at least 1, got {self.concurrent!r}."
        if self.time_limit_s is not None and not _is_time(self.time_limit_s):
            yield f"--time-limit must be above 0 seconds, got {self.time_limit_s!r}."
        there = is_http(self.address)  # the folders are those of the cluster, whose driver looks at them
        if self.data_dir is not None and not there and not Path(self.data_dir).expanduser().is_dir():
            yield f"--data-dir: there is no folder {self.data_dir}. Give the folder that holds the data sets."
        yield from self._more_faults()
        yield from self._needless()
        fault = address_fault(self.address) or (
            "" if self.here or there else token_fault(self.address, insecure=self.insecure)
        )
        if fault:
            yield fault
        astray = storage_faults(self.storage)
        yield from astray
        if self.name is not None and not there and not astray:
            try:
                new_folder(storage_folder(self.storage), self.name, self.name)
            except InputError as error:
                yield from error.faults

    def _more_faults(self) -> Iterator[str]:
        stall, keep = self.stall_timeout_s, self.keep
        if stall not in (None, "auto") and not _is_time(stall):
            yield f"--stall-timeout must be above 0 seconds, got {stall!r}. Give a time, auto, or none."
        if self.here and isinstance(stall, (int, float)):
            yield "--stall-timeout ends a trial's process; with --here there is none. Run it without --here."
        if keep is not None and (not isinstance(keep, int) or keep < 1):
            yield f"--keep must be a whole number of at least 1, or all, got {keep!r}."
        if self.wait_for_nodes_s is not None and not _is_time(self.wait_for_nodes_s):
            yield f"--wait-for-nodes must be above 0 seconds, got {self.wait_for_nodes_s!r}."

    def _needless(self) -> Iterator[str]:
        """What is about a cluster, where there is none."""
        if not self.here and self.address != "local":
            return
        given = {
            "--wait-for-nodes": self.wait_for_nodes_s is not None,
            "--insecure": self.insecure,
            "--install-missing": self.install_missing,
        }
        named = [option for option, is_given in given.items() if is_given]
        if named:
            about, it = ("is", "it") if len(named) == 1 else ("are", "them")
            yield (
                f"{' and '.join(named)} {about} about the nodes of a cluster; here is one machine. Leave {it} out, or "
                "give the cluster's --address."
            )

    @property
    def data(self) -> str | None:
        """The data folder, absolute, None where the environment says where."""
        return None if self.data_dir is None else str(Path(self.data_dir).expanduser().resolve())


def _is_time(seconds: Any) -> bool:
    return isinstance(seconds, (int, float)) and seconds > 0 and math.isfinite(seconds)


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
    faults += (fault for config in experiment.samples() for fault in forgotten(config))
    if travels(options.address) and not options.here and "path" in found.source:
        try:
            parcel_of(found.source["path"])
        except InputError as error:
            faults += error.faults
    if found.source["kind"] == "python" and not options.here:
        from experiments._sweep.checks.closures import closure_faults

        faults += closure_faults(experiment.trainable)
    return list(dict.fromkeys(map(experiment.redactor.text, faults)))


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
