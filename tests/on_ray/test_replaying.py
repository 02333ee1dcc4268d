"""A trial that was trained in one process, trained again in another, on a real Ray."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def test_a_trial_is_the_same_with_ray_and_without(driver: Callable[..., Driver], workplace: Path) -> None:
    """A network that ASHA stopped is equal to the bit, at the epoch at which it was stopped."""
    code, output = driver("run", "digits_mlp", "--here", "--trials", "4", "--epochs", "9", "--seed", "1").wait()
    assert code == 0, output
    sweep = opened(workplace, "digits_mlp")
    stopped = max((trial for trial in sweep.trials if trial.ending == "stopped"), key=lambda trial: trial.epochs)
    code, output = driver("replay", "digits_mlp", str(stopped.trial), "--json").wait()
    told = json.loads(output)
    assert code == 0 and told["verdict"] == "equal", output
    assert told["epochs"] == stopped.epochs and len(told["metrics"]) >= 9
    assert "val_loss" in told["metrics"] and "seconds" not in told["metrics"]
    assert opened(workplace, f"digits_mlp/{told['replay']}").history.answer == told
