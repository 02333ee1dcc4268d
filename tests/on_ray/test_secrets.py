"""S14 on a real Ray: a canary in configuration, environment, exceptions and metrics, looked for while a sweep runs."""

import base64
import contextlib
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

CANARY = b"SECRET123"
FORMS = {
    CANARY,
    CANARY.hex().encode(),  # as Tune writes pickles into its JSON
    CANARY.decode().encode("utf-16-le"),
    *(base64.b64encode(b"x" * n + CANARY)[4:-4] for n in range(3)),
}

SPACE = """{
        "x": tune.choice([0.1, 0.9]),
        "api_key": "SECRET123-of-the-config",
        "service": {"user": "me", "password": "SECRET123-nested"},
        "url": "https://me:" + os.environ["DB_PASSWORD"] + "@host",
    }"""

ASSERTED = """    assert config["api_key"] == "SECRET123-of-the-config"
    assert config["service"]["password"] == "SECRET123-nested"
    assert config["url"] == "https://me:SECRET123-of-the-environment@host"
    reported = {"note": f"as {config['api_key']}", "token": "SECRET123-reported", os.environ["DB_PASSWORD"]: 1}
    wrong = f"{os.environ['DB_PASSWORD']} and {config['api_key']!r} are wrong: {config}"
"""

ASKED = f"""
    space={SPACE},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=3,
    start_points=[{{"x": 0.1, "api_key": "SECRET123-of-the-config"}}, {{"x": 0.9}}],
)
"""

OURS = f'''"""Does it log in?"""

import os
import time

from pydantic import BaseModel, SecretStr
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    api_key: SecretStr = SecretStr("")
    service: dict = {{}}
    url: str = ""
    epochs: int = 1
    seed: int = 0


def train(given, checkpoints):
    config = given.model_dump() | {{"api_key": given.api_key.get_secret_value()}}
{ASSERTED}
    for epoch in range(1, given.epochs + 1):
        time.sleep(0.2)
        if given.x > 0.5 and epoch == 2:
            raise RuntimeError(wrong)
        record = {{"epoch": epoch, "loss": given.x / epoch, **reported}}
        checkpoints.save(epoch, record, None)
        yield record


experiment = Experiment(
    trainable=Trainable(name="made_up", config_type=Config, train=train, metrics={{"loss": "falls"}}),{ASKED}'''

PLAIN = f'''"""Does a plain Ray function log in?"""

import os
import tempfile
import time

from ray import tune

from experiments import FIFO, Experiment, Random


def train(config):
{ASSERTED}
    for epoch in range(1, config["epochs"] + 1):
        time.sleep(0.2)
        if config["x"] > 0.5 and epoch == 2:
            raise RuntimeError(wrong)
        with tempfile.TemporaryDirectory() as folder:
            tune.report({{"loss": config["x"] / epoch, **reported}}, checkpoint=tune.Checkpoint.from_directory(folder))


experiment = Experiment(
    trainable=train,{ASKED}'''


def with_the_canary(folder: Path) -> set[str]:
    """The files below a folder that hold it in any form, or are called so."""
    found = set()
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it was moved or removed meanwhile
            content = path.read_bytes() if path.is_file() else b""
            if any(form in content for form in FORMS) or CANARY.decode() in path.name:
                found.add(str(path.relative_to(folder)))
    return found


@pytest.fixture
def watched(workplace: Path) -> Iterator[set[str]]:
    """The files of the results in which the canary was ever seen, looked through for as long as the test runs."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            if (workplace / "results").is_dir():
                seen.update(with_the_canary(workplace / "results"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield seen
    done.set()
    watcher.join()


@pytest.mark.parametrize(("name", "text"), [("ours", OURS), ("plain", PLAIN)])
def test_s14_a_secret_is_in_no_file_of_a_sweep_at_any_time(
    driver: Start, workplace: Path, watched: set[str], name: str, text: str
) -> None:
    """Neither in the ledger nor in Ray's files, nor in what is said; trials have it, and S5: all files are private."""
    (workplace / f"{name}.py").write_text(text)
    code, output = driver("run", f"{name}.py", DB_PASSWORD="SECRET123-of-the-environment").wait()  # noqa: S106 - it is none
    assert code == 0, output
    folder = workplace / "results" / name
    assert CANARY.decode() not in output
    assert watched | with_the_canary(folder) == set()
    sweep = opened(workplace, name)
    assert {(trial.config["x"], trial.ending) for trial in sweep.trials} == {(0.1, "completed"), (0.9, "error")}
    failed = next(trial for trial in sweep.trials if trial.ending == "error")
    assert failed.why.startswith("RuntimeError: <redacted> and '<redacted>' are wrong: ")
    assert sweep.trials[0].config["url"] == "https://me:<redacted>@host"
    files = [folder, *folder.rglob("*")]
    assert [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert {path.name for path in folder.iterdir()} >= {
        "ledger.jsonl",
        "tensorboard",
        "ray" if name == "plain" else "trials",
    }
