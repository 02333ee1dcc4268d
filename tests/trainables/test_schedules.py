"""Learning rates over the epochs."""

from __future__ import annotations

import pytest

from trainables import ImageClassifierConfig, constant, cosine, linear, warmed_up


def rates(epochs: int, **config: object) -> list[float]:
    """Return the learning rate of each epoch of a configuration, as its own schedule gives it."""
    schedule = ImageClassifierConfig.model_validate({"epochs": epochs, **config}).make_schedule()
    return [schedule(epoch) for epoch in range(1, epochs + 1)]


def test_schedules_by_hand() -> None:
    """Constant stays; cosine and linear begin at lr and would reach 0 one epoch after the last."""
    assert [constant(0.4)(epoch) for epoch in (1, 2, 9)] == [0.4, 0.4, 0.4]
    assert [cosine(0.4, epochs=3)(epoch) for epoch in (1, 2, 3, 4)] == pytest.approx([0.4, 0.3, 0.1, 0])
    assert [linear(0.4, epochs=4)(epoch) for epoch in (1, 2, 3, 4, 5)] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0])


def test_warm_up_rises_in_equal_steps() -> None:
    """Three epochs of warm-up are a quarter, a half and three quarters; then the schedule begins with its first."""
    schedule = warmed_up(linear(0.4, epochs=2), epochs=3)
    assert [schedule(epoch) for epoch in range(1, 6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.2])
    assert warmed_up(constant(0.4), epochs=0)(1) == 0.4


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
@pytest.mark.parametrize("warmup", [0, 1, 4, 9])
def test_a_configuration_peaks_at_lr_and_stays_within_its_budget(schedule: str, warmup: int) -> None:
    """Whatever the warm-up: its last step reaches lr in the next epoch, nothing exceeds it, and no epoch has 0."""
    got = rates(10, schedule=schedule, lr=0.2, warmup_epochs=warmup)
    assert got[warmup] == max(got) == pytest.approx(0.2)
    assert got[: warmup + 1] == sorted(got[: warmup + 1])
    assert got[warmup:] == sorted(got[warmup:], reverse=True)
    assert min(got) > 0
