"""A sweep on Ray: Tune starts, places, reuses and retries processes; the conductor decides."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.engine.on_ray.nodes.slots import Slots
    from experiments._sweep.engine.on_ray.stalls import Stalls
    from experiments._sweep.engine.segment import Workplace
    from experiments._sweep.engine.signals import Drain


def run_on_ray(
    conductor: Conductor, workplace: Workplace, *, folder: Path, slots: Slots, drain: Drain, stalls: Stalls
) -> None:
    """Runs the sweep until nothing is left to do or it was asked to stop; Ray is there already."""
    from ray import tune

    from experiments._sweep.engine.on_ray import adapters
    from experiments._sweep.engine.on_ray.forgetting import NoProgress, forgetting, remove_state
    from experiments._sweep.engine.on_ray.processes import every_loss_is_one
    from experiments._sweep.engine.segment import run_segment

    experiment = conductor.experiment
    driver = f"driver-{conductor.history.driver}"
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(sys.maxsize)  # read once; the slots change while the sweep runs
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(run_segment, workplace=workplace),
            tune.PlacementGroupFactory([dict(slots.needs)]),
        ),
        tune_config=tune.TuneConfig(
            search_alg=adapters.SegmentSearcher(conductor, slots, drain),
            scheduler=adapters.LedgerScheduler(conductor, f"ray/{driver}", stalls),
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=adapters.trial_name,
            trial_dirname_creator=adapters.trial_name,
        ),
        run_config=tune.RunConfig(
            name=driver,
            storage_path=str(folder / "ray"),
            callbacks=[adapters.Clock(conductor, drain, stalls), NoProgress()],
            verbose=0,
        ),
    )
    try:
        with every_loss_is_one(), forgetting():
            tuner.fit()
    except adapters.CutShort:
        conductor.cut(conductor.halt.why if conductor.halt else "")
    if hasattr(experiment.trainable, "epochs"):  # it keeps its own checkpoints: nothing of Ray's is needed
        shutil.rmtree(folder / "ray", ignore_errors=True)
    remove_state(folder / "ray" / driver)
