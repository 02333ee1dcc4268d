"""`scripts/bench ledger` measures the real thing, says so, and leaves it as it was."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from experiments._sweep.ledger.files import LedgerWriter  # noqa: E402
from scripts.benchmarks import ledger  # noqa: E402


@pytest.mark.parametrize(("rate", "code"), [(1.0, 0), (1e9, 1)])
def test_it_reports_rate_and_share_and_whether_they_suffice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rate: float, code: int
) -> None:
    """A line for each number of trials, one for the sweep, a verdict for each target; nothing is left behind."""
    for name, value in {"_RUNNING": (4,), "_REPORTS": 40, "_TRIALS": 2, "RATE_TARGET": rate, "SHARE_TARGET": 1}.items():
        monkeypatch.setattr(ledger, name, value)
    append = LedgerWriter.append
    assert ledger.measure(tmp_path) == code
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("4 trials at a time: ") and "a JSON line with its fsync" in told[0]
    assert told[1].startswith("digits_mlp, 2 trials")
    assert told[2].endswith("MISSED" if code else "reached") and told[3].endswith("reached")
    assert LedgerWriter.append is append and list(tmp_path.iterdir()) == []
