"""`scripts/bench scale` says whether a trial costs more late in a sweep, and keeps what it has measured."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from scripts.benchmarks.scale import comparison  # noqa: E402
from scripts.benchmarks.scale.measured import CELLS, QUICK, Measurement, keep, kept, table  # noqa: E402


def made_up(cell: str, cost: Callable[[int], float]) -> Measurement:
    """A sweep whose trial n takes the driver `cost(n)` CPU seconds, and 20 ms beside itself."""
    asked = CELLS[cell]
    cpus, spent = [], 1.0
    for number in range(asked.trials):
        spent += cost(number)
        cpus.append(spent)
    walls = tuple(5 + number * (0.02 + asked.seconds / asked.concurrent) for number in range(asked.trials))
    of = {"seconds": walls[-1] + 1, "cpu": spent, "memory_mb": 250.0, "folder_bytes": 500_000, "resume_s": 6.0}
    return Measurement(cell=cell, kind="raysweeps", walls=walls, cpus=tuple(cpus), **of)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cost", "growth"), [(lambda _: 0.01, 1.0), (lambda n: 0.01 if n % 100 else 0.5, 1.0), (lambda n: n * 1e-4, 3.0)]
)
def test_growth_is_told_from_the_drivers_cpu(cost: Callable[[int], float], growth: float) -> None:
    """A trial late in the sweep over one early in it; a hiccup now and then changes nothing."""
    measured = made_up("1s-1000-16", cost)
    assert measured.growth == pytest.approx(growth, rel=0.2)
    assert measured.overhead_ms == pytest.approx(20)


@pytest.mark.parametrize(("cost", "code"), [(lambda _: 0.01, 0), (lambda n: n * 1e-4, 1)])
def test_what_was_kept_is_judged_and_not_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cost: Callable[[int], float], code: int
) -> None:
    """A file of measurements suffices: one line each in the table, a verdict for each long sweep of ours, no Ray."""
    file = tmp_path / "kept.jsonl"
    for name in QUICK:
        keep(file, made_up(name, cost))
        keep(file, replace(made_up(name, lambda n: n * 1.0), kind="tune"))
    assert kept(file)["0s-100-2", "raysweeps"] == made_up("0s-100-2", cost)
    assert comparison.compare(cells=QUICK, kinds=("raysweeps", "tune"), file=file) == code
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in told[3:7]] == [
        [name, kind] for name in QUICK for kind in ("raysweeps", "tune")
    ]
    assert told[-1].startswith("0s-1000-2: ") and told[-1].endswith("MISSED" if code else "reached")


def test_every_cell_has_a_name_of_its_own() -> None:
    """0 s and 1 s, 100 and 1,000 trials, 2 and 16 at a time."""
    assert len(CELLS) == 8 and set(QUICK) < set(CELLS)
    assert CELLS["1s-100-16"].work_s == 7.0
    assert len(table([made_up("0s-100-2", lambda _: 0.01)])) == 3
