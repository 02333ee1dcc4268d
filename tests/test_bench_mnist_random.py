"""`scripts/bench mnist-random` trains the plain loop as asked, and judges time and accuracies by what it states."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from scripts.benchmarks.mnist_random import comparison, plain  # noqa: E402
from scripts.benchmarks.mnist_random.judged import Run, agreement, speedup, table, verdict  # noqa: E402

CONFIGS = [
    {"dataset": "mnist", "hidden_units": 128, "lr": lr, "batch_size": size, "epochs": 2, "seed": 3}
    for lr, size in ((0.001, 16), (0.004, 40), (0.01, 128))
]
OURS = Run(wall=10.0, cpu=18.0, accuracies=(0.96, 0.97, 0.95), seconds=(3.0, 2.0, 1.0))
PLAIN = Run(wall=130.0, cpu=120.0, accuracies=(0.961, 0.968, 0.951), seconds=(50.0, 40.0, 30.0))
RESEEDED = (0.958, 0.972, 0.951)


def test_the_plain_loop_trains_each_configuration_on_the_given_split(
    small_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An accuracy among the validation rows for each epoch of each, and seconds that grow."""
    given, output = tmp_path / "given.json", tmp_path / "plain.json"
    rows = comparison._rows()
    assert sorted(rows["training"] + rows["validation"]) == list(range(120))
    given.write_text(json.dumps({"configs": CONFIGS, **rows}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["plain", str(given), str(output)])
    plain.main()
    made = json.loads(output.read_text(encoding="utf-8"))
    assert [len(epochs) for epochs in made] == [2, 2, 2]
    for first, second in made:
        assert (first["accuracy"] * len(rows["validation"])) % 1 == pytest.approx(0, abs=1e-9)
        assert 0 < first["cpu"] < second["cpu"] and first["seconds"] < second["seconds"]
    assert small_mnist.is_dir()


@pytest.mark.parametrize(
    ("ours", "fast", "same", "code"),
    [
        (OURS, "12.0 times faster (target 10): reached", "reached", 0),
        (replace(OURS, wall=12.5), "9.6 times faster (target 10): MISSED", "reached", 1),
        (replace(OURS, accuracies=(0.90, 0.91, 0.89)), "12.0 times faster (target 10): reached", "MISSED", 1),
    ],
)
def test_both_targets_are_judged(ours: Run, fast: str, same: str, code: int) -> None:
    """The smaller of the loop's clock and CPU counts; accuracies must not differ by more than seeds make them."""
    lines, judged = verdict(ours, PLAIN, RESEEDED)
    assert lines[-2:] == [fast, f"accuracies agree within seed noise: {same}"]
    assert judged == code
    assert speedup(ours, PLAIN) == PLAIN.cpu / ours.wall


def test_a_small_difference_that_is_always_there_is_no_noise() -> None:
    """The mean's interval tells it, though each difference alone is no larger than what two seeds differ."""
    apart = agreement((0.950, 0.960, 0.970, 0.980), (0.9400, 0.9501, 0.9602, 0.9699), (0.90, 0.99, 0.93, 0.95))
    assert apart.largest < apart.allowed
    assert not apart.reached


def test_a_single_configuration_that_is_off_is_no_noise() -> None:
    """Though the mean's interval is wide then and has 0 in it."""
    apart = agreement((0.95, 0.95, 0.95, 0.95), (0.95, 0.951, 0.949, 0.90), (0.951, 0.949, 0.951, 0.949))
    assert abs(apart.mean) < apart.half
    assert not apart.reached


def test_the_table_has_a_line_for_each_configuration() -> None:
    """Both accuracies, their difference, that of another seed, and both times."""
    lines = table(CONFIGS, OURS, PLAIN, RESEEDED)
    assert len(lines) == 4
    assert lines[1].split() == ["0.001000", "16", "0.9610", "0.9600", "-0.0010", "0.9580", "50.0", "3.0"]


def test_a_kept_run_serves_the_same_configurations_only(tmp_path: Path) -> None:
    """Others are measured again; without a file everything is."""
    file = tmp_path / "plain.json"
    comparison._keep(file, CONFIGS, PLAIN)
    assert comparison._kept(file, CONFIGS) == PLAIN
    assert comparison._kept(file, CONFIGS[:2]) is None
    assert comparison._kept(None, CONFIGS) is None


def test_without_mnist_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, as of every benchmark that lacks its data."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    assert comparison.compare(file=None) == 2
