"""`sweep board` with a real TensorBoard: what a person sees there in a browser is what the ledger says."""

import contextlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import DriverEnded, SegmentStarted
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.tensorboard import FOLDER
from tests.browser import browsing, opened
from tests.experiments.conftest import driver
from tests.experiments.conftest import opened as opened_line
from tests.experiments.test_board_files import ADAM, SGD, Watched, proposed, report
from tests.experiments.test_board_files import asked as made_up
from tests.on_ray.conftest import LOOPBACK, listening_addresses

pytestmark = pytest.mark.slow

MARK = "BOARDED"
"""What the processes of a board have in their environment."""

EXPERIMENT = '''
"""Which of these made-up settings is best?"""

import math
from typing import Any

from pydantic import BaseModel
from ray import tune

from experiments import ASHA, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    lr: float = 0.1
    optimizer: Any = None
    flag: bool = False
    drop: Any = None
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    worth = abs(math.log10(config.lr) + 2) + (0.3 if config.optimizer["name"] == "sgd" else 0.0)
    for epoch in range(1, config.epochs + 1):
        if worth > 1.75:
            raise RuntimeError("too far")
        if worth > 1.5:
            yield {"epoch": epoch, "loss": math.nan}
            return
        yield {"epoch": epoch, "loss": worth + 1 / epoch + (0.05 if epoch == 9 else 0.0), "accuracy": 1 - worth / 2}


experiment = Experiment(
    trainable=Trainable(
        name="made_up", config_type=Config, train=train, metrics={"loss": "falls", "accuracy": "rises"}
    ),
    space={
        "lr": tune.loguniform(1e-4, 1e-1),
        "optimizer": tune.choice([{"name": "sgd", "momentum": tune.uniform(0, 1)}, {"name": "adam"}]),
        "flag": tune.choice([True, False]),
        "drop": tune.choice([None, 0.5]),
    },
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=60,
    epochs=9,
    seed=3,
)
'''


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a sweep of 60 trials: some completed, most stopped, some diverged, some failed."""
    place = tmp_path_factory.mktemp("storage")
    (place / "mine.py").write_text(EXPERIMENT)
    main(["run", str(place / "mine.py"), "--here", "--storage", str(place)])
    found = open_sweep("mine", storage=place)
    assert {trial.ending for trial in found.trials} == {"completed", "stopped", "diverged", "error"}
    return place


@contextmanager
def boarded(storage: Path, *sweeps: str) -> Iterator[str]:
    """Give the address of a real `sweep board` that looks for news each second."""
    run = "from experiments._sweep.command_line import boarding, main; boarding.RELOAD_S = boarding.LOOKED_S = 1"
    command = ["board", *sweeps, "--storage", str(storage), "--port", "0"]
    marked = os.environ | {MARK: str(storage)}
    asked = [sys.executable, "-c", f"{run}; main({command})"]
    board = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=marked)
    try:
        assert board.stdout is not None
        said = [board.stdout.readline() for _ in range(4)]
        found = re.search(r"TensorBoard shows (.*) at (http://127\.0\.0\.1:(\d+)/)", said[0])
        assert found and found[1] == ", ".join(sweeps), said
        assert said[1].endswith(f"{found[2]}#hparams\n") and f"ssh -L {found[3]}:127.0.0.1:{found[3]} " in said[3]
        yield found[2]
    finally:
        board.send_signal(signal.SIGINT)
        board.communicate(timeout=20)
    assert board.returncode == 0


def answered(url: str, holds: Callable[[Any], bool], **question: Any) -> Any:
    """Give TensorBoard's answer once it is as expected: it reads the files by and by."""
    body, answer = json.dumps(question).encode() if question else None, None
    until = time.monotonic() + 30
    while time.monotonic() < until:
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10) as found:  # noqa: S310
            answer = json.load(found)
            if holds(answer):
                return answer
    pytest.fail(f"{url} answers {answer}")


def groups_of(url: str, holds: Callable[[list[Any]], bool]) -> dict[str, Any]:
    """Give the rows of the HParams table by title, once they are as expected."""
    statuses = [f"STATUS_{name}" for name in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
    question = {"experimentName": "", "allowedStatuses": statuses, "colParams": [], "startIndex": 0, "sliceSize": 1000}
    answer = answered(
        f"{url}data/plugin/hparams/session_groups", lambda found: holds(found.get("sessionGroups", [])), **question
    )
    return {group["name"]: group for group in answer["sessionGroups"]}


def best_of(group: Any) -> float | None:
    """Give what a row has as its best loss."""
    found = {each["name"]["tag"]: each["value"] for each in group["sessions"][0].get("metricValues", [])}
    return found.get("trial/loss")


def table_of(page: Page) -> list[dict[str, str]]:
    """Read the HParams table as a person does who has ticked all columns: by heading, what stands below it."""
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    cells.filter(has_text="0059").first.wait_for()
    for box in page.locator("tf-hparams-query-pane .hparam-checkbox, tf-hparams-query-pane .metric-checkbox").all():
        if box.get_attribute("aria-checked") != "true":
            box.click()
    cells.filter(has_text="momentum").first.wait_for()
    cells.filter(has_text="seconds").first.wait_for()
    read = "all => all.map(e => [e.getBoundingClientRect(), e.innerText]).map(([r, t]) => [r.y + r.height / 2, r.x, t])"
    rows: dict[int, dict[float, str]] = {}
    for middle, x, text in cells.evaluate_all(read):  # a heading of two lines begins higher than the others
        rows.setdefault(round(middle / 10), {})[x] = " ".join(text.split())
    headings, *found = [row for _, row in sorted(rows.items()) if len(row) > 5]
    return [{headings[x]: text for x, text in row.items()} for row in found]


def shown(value: float) -> str:
    """A number as TensorBoard's table has it: five digits."""
    return f"{value:#.5g}".rstrip(".")


def expected_row(sweep: Sweep, trial: int) -> dict[str, str]:
    """Give the row that the ledger asks for; what TensorBoard has no value for is empty."""
    found = sweep.trials[trial]
    optimizer = found.config["optimizer"]
    at_best = found.records[found.epoch - 1] if found.epoch else {}
    finite = [record["loss"] for record in found.records if math.isfinite(record["loss"])]
    return {
        "Trial ID": f"{trial:04d}",
        "drop": str(found.config["drop"]),
        "ending": found.ending,
        "flag": str(found.config["flag"]).lower(),
        "lr": shown(found.config["lr"]),
        "optimizer": optimizer["name"],
        "optimizer[sgd].momentum": shown(optimizer["momentum"]) if "momentum" in optimizer else "",
        "best loss": "" if found.value is None else shown(found.value),
        "accuracy": shown(at_best["accuracy"]) if at_best else "",
        "last loss": shown(finite[-1]) if finite else "",
        "best epoch": "" if found.epoch is None else shown(found.epoch),
        "epochs": shown(found.epochs) if found.epochs else "",
    }


def chart_of(page: Page) -> dict[str, tuple[float, int]]:
    """Read the one chart that is shown: run to its last value and the epoch of that."""
    card = page.locator("scalar-card")
    card.get_by_text("0039", exact=True).wait_for()
    words = card.inner_text().split()
    places = [place for place, word in enumerate(words) if re.fullmatch(r"\d{4}", word)]
    return {words[place]: (float(words[place + 2]), int(words[place + 3])) for place in places}


def test_the_table_and_the_charts_are_the_ledgers(storage: Path) -> None:
    """Each trial with its hyperparameters, its ending and its best value, also where the curves had been deleted.

    The page asks nobody else for anything, and only this machine can ask TensorBoard.
    """
    sweep = open_sweep("mine", storage=storage)
    shutil.rmtree(sweep.folder / FOLDER)
    with boarded(storage, "mine") as url, browsing() as browser:
        answered(f"{url}data/runs", lambda runs: len(runs) == 61)
        heard = listening_addresses(f"{MARK}={storage}")
        assert heard and heard <= {*LOOPBACK}  # the fast data server listens as well
        for trial in (sweep.trials[0], sweep.trials[39]):
            place = f"{url}data/plugin/scalars/scalars?run={trial.trial:04d}&tag=loss"
            assert [(step, value) for _, step, value in answered(place, bool)] == [
                (record["epoch"], pytest.approx(record["loss"], rel=1e-6)) for record in trial.records
            ]
        with opened(browser, f"{url}#hparams", width=3000, height=3000) as seen:
            rows = table_of(seen.page)
            assert all(request.startswith((url, "data:", "blob:")) for request in seen.requests)
        assert len(rows) == 60
        for row in rows:
            want = expected_row(sweep, int(row["Trial ID"]))
            assert {name: row.get(name, "") for name in want} == want
        with opened(browser, f"{url}?tagFilter=%5Eloss%24#timeseries") as seen:
            charted = chart_of(seen.page)
        for trial in sweep.trials:
            finite = [record for record in trial.records if math.isfinite(record["loss"])]
            value, epoch = charted.pop(f"{trial.trial:04d}", (None, None))
            assert epoch == (finite[-1]["epoch"] if finite else None)
            assert value == (pytest.approx(finite[-1]["loss"], abs=6e-5) if finite else None)
        assert charted == {}


def test_several_sweeps_side_by_side(storage: Path) -> None:
    """One table with the trials of both, each of them under the name of its sweep; read by the fast data server."""
    arguments = ["run", str(storage / "mine.py"), "--here", "--storage", str(storage), "--trials", "5"]
    assert main([*arguments, "--name", "other", "--seed", "4"]) == 0
    with boarded(storage, "mine", "other") as url:
        groups = groups_of(url, lambda found: len(found) == 65)
        for name in ("mine", "other"):
            for trial in open_sweep(name, storage=storage).trials:
                group = groups[f"{trial.trial:04d} {name}"]
                assert (group["hparams"]["sweep"], group["hparams"]["ending"]) == (name, trial.ending)
                assert group["hparams"]["lr"] == pytest.approx(trial.config["lr"])
                best = best_of(group)
                assert best == (None if trial.value is None else pytest.approx(trial.value, rel=1e-6))
        columns = answered(f"{url}data/plugin/hparams/experiment", bool, experimentName="")["hparamInfos"]
        assert [each["name"] for each in columns if each["differs"]] == ["ending", "flag", "lr", "optimizer", "sweep"]


def test_a_running_sweep_is_seen_to_go_on(tmp_path: Path) -> None:
    """Trial by trial and epoch by epoch, also past a driver that took over; no point comes twice."""
    sweep, place = Watched(tmp_path / "live"), "data/plugin/scalars/scalars?run=0000&tag=loss"
    (tmp_path / "live").mkdir()
    writer = LedgerWriter(tmp_path / "live" / LEDGER)

    def goes_on(*records: Any) -> None:
        writer.append(records)
        sweep.goes_on(*records)

    with Lease(tmp_path / "live").held():
        goes_on(opened_line(made_up()), driver(), *proposed(0, SGD), report(0, 1, 0.5))
        with boarded(tmp_path, "live") as url:
            groups_of(url, lambda found: [best_of(each) for each in found] == [0.5])
            goes_on(report(0, 2, 0.25), *proposed(1, ADAM))
            groups = groups_of(url, lambda found: [best_of(each) for each in found] == [0.25, None])
            assert [group["sessions"][0]["status"] for group in groups.values()] == ["STATUS_UNKNOWN"] * 2
            goes_on(driver(2), SegmentStarted(trial=0, segment=2, t=0.0), report(0, 3, 0.125, segment=2))
            goes_on(report(0, 4, 0.75, segment=2, ending="completed"))
            groups_of(
                url,
                lambda found: [each["sessions"][0]["status"] for each in found] == ["STATUS_SUCCESS", "STATUS_UNKNOWN"],
            )
            goes_on(DriverEnded(driver=2, reason="finished", t=9, at=300.0))
            sweep.ends()
            curve = answered(f"{url}{place}", lambda found: len(found) >= 4)
            assert [step for _, step, _ in curve] == [1, 2, 3, 4]
    writer.close()


def test_neither_driver_nor_board_imports_torch_or_tensorflow(storage: Path) -> None:
    """Half a gigabyte of memory, and seconds before the first epoch: TensorBoard's own messages are enough."""
    asked = f"['run', {str(storage / 'mine.py')!r}, '--here', '--storage', {str(storage)!r}, '--name', 'light']"
    program = f"""
import sys
from experiments._sweep.command_line import main, boards
assert main({asked}) == 0
from experiments import open_sweep
boards.board_of([open_sweep("light", storage={str(storage)!r})], None)
print([name for name in ("torch", "tensorflow", "tensorboardX") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
