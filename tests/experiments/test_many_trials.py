"""F30: a thousand trials that cost nothing, and the arithmetic that so many make quick."""

import gc
import math
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import ASHA
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.history import History
from tests.experiments.conftest import Driven, experiment

TRIALS = 1000


def test_f30_a_thousand_trials_cost_each_what_the_first_ones_did(
    drive: Callable[..., Driven], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time and lines do not grow from trial to trial, and a thousand are resumed in a moment."""
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    asked = experiment(num_trials=TRIALS, epochs=9, scheduler=ASHA())
    driven = drive(asked)
    path = driven.folder / LEDGER
    seconds, sizes = [], [path.stat().st_size]
    gc.collect()
    gc.freeze()  # what thousands of other tests have left would be looked through in one of the measured moments
    try:
        for _ in range(10):
            begun = time.thread_time()
            for _ in range(TRIALS // 10):
                trained(driven)
            seconds.append(time.thread_time() - begun)
            sizes.append(path.stat().st_size)
    finally:
        gc.unfreeze()
    grown = [after - before for before, after in pairwise(sizes)]
    assert driven.conductor.next_segment() == "done"
    assert len(driven.journal.history.trials) == TRIALS
    assert max(grown[1:]) < 2 * min(grown[1:])
    assert seconds[9] < 4 * seconds[1]
    begun = time.process_time()
    resumed = drive(asked, "sweep")
    assert resumed.conductor.next_segment() == "done"
    assert time.process_time() - begun < 5


def trained(driven: Driven) -> None:
    """One trial, to its end."""
    segment = driven.conductor.next_segment()
    assert isinstance(segment, Segment)
    epoch = 1
    while driven.conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": segment.config["x"] / epoch}):
        epoch += 1


def test_f30_what_a_thousand_trials_take_in_memory(
    drive: Callable[..., Driven], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 10 kB a trial of three epochs, for all that the driver keeps of it."""
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    driven = drive(experiment(num_trials=400, epochs=3))
    for _ in range(100):
        trained(driven)
    tracemalloc.start()
    try:
        for _ in range(300):
            trained(driven)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 300 * 10_000 and peak < kept + 2_000_000


def test_what_the_driver_keeps_at_hand_is_what_the_ledger_says(drive: Callable[..., Driven]) -> None:
    """Losses by epoch, unfinished trials and observations, kept up line by line, as they are folded anew."""
    driven = drive(experiment(num_trials=30, epochs=9, scheduler=ASHA(reduction_factor=2)))
    for _ in range(20):
        trained(driven)
    for _ in range(3):
        driven.conductor.next_segment()
    history, anew = driven.journal.history, History(read(driven.folder / LEDGER))
    assert history.losses == anew.losses
    able = [trial for trial in history.trials.values() if trial.value is not None]
    by_value = sorted(able, key=lambda trial: (trial.value, trial.number))
    assert history.ranked == by_value and history.best is by_value[0]
    assert [each.number for each in anew.ranked] == [each.number for each in by_value]
    assert history.losses[1] == {n: trial.losses[1] for n, trial in history.trials.items() if 1 in trial.losses}
    running = [trial.number for trial in history.in_state("running", "held")]
    assert running == [trial.number for trial in history.trials.values() if trial.state == "running"] == [20, 21, 22]
    observed = driven.conductor._observed.trials()  # what policies are shown
    assert {n: (each.ending, dict(each.losses)) for n, each in observed.items()} == {
        n: (trial.state if trial.ended else None, trial.losses) for n, trial in history.trials.items()
    }


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 3).map(float), min_size=1, max_size=40),
    st.sampled_from([1.1, 1.5, 2, 2.7, 3, 4]) | st.floats(1.1, 100),
)
def test_the_cut_off_is_numpys_to_the_last_bit(losses: list[float], eta: float) -> None:
    """Its percentile of the negated losses, as Ray takes it, is computed here without its detours."""
    with np.errstate(all="ignore"):
        expected = -float(np.percentile(np.negative(losses), (1 - 1 / eta) * 100))
        found = ASHA(reduction_factor=eta)._cutoff(np.array(losses))
    assert found == expected if math.isfinite(expected) else found is None
