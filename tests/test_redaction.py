"""S14: secrets do not get into what a sweep keeps or says, and trials still get them."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from ray import tune

from experiments import InputError, open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.ledger.records import EpochReported, SweepOpened, TrialEnded
from experiments._sweep.redaction import REDACTED, Redactor, Secrets, named_like_a_secret, whole
from tests.experiments.conftest import experiment

CANARY = "SECRET123"

EXPERIMENT = '''"""Does it log in?"""

import os
from pydantic import BaseModel, SecretStr
from ray import tune
from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    api_key: str = ""
    licence: SecretStr = SecretStr("")
    service: dict = {}
    url: str = ""
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    assert config.api_key == "SECRET123-of-the-config", "the trial has it"
    assert config.licence.get_secret_value() == "SECRET123-licence"
    assert config.service == {"user": "me", "password": "SECRET123-nested"}
    assert config.url == "https://me:SECRET123-of-the-environment@host"
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if config.x > 0.7 and epoch == 2:
            raise RuntimeError(f"{os.environ['DB_PASSWORD']} or {config.api_key!r} is wrong: {config}")
        note = {"note": f"as {config.api_key}", "token": "SECRET123-reported", "SECRET123-of-the-environment": 1}
        record = {"epoch": epoch, "loss": config.x / epoch, **note}
        checkpoints.save(epoch, record, None)
        yield record


experiment = Experiment(
    trainable=Trainable(name="made_up", config_type=Config, train=train, metrics={"loss": "falls"}),
    space={
        "x": tune.uniform(0, 1),
        "api_key": "SECRET123-of-the-config",
        "licence": "SECRET123-licence",
        "service": {"user": "me", "password": "SECRET123-nested"},
        "url": "https://me:" + os.environ.get("DB_PASSWORD", "") + "@host",
    },
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=6,
    epochs=3,
)
'''

Sweep = Callable[..., tuple[int, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the experiment in it; its secret stands in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("DB_PASSWORD", "SECRET123-of-the-environment")
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    yield tmp_path
    forget(tmp_path)


def forget(place: Path) -> None:
    """Forgets what was imported from below a folder."""
    for name, module in list(sys.modules.items()):
        if str(vars(module).get("__file__")).startswith(str(place)):
            del sys.modules[name]


@pytest.fixture
def sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Runs a command: its exit code, and all that it says."""

    def command(*arguments: str) -> tuple[int, str]:
        forget(place)
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


def with_the_canary(folder: Path) -> list[Path]:
    """The files below a folder that hold it, or are called so."""
    found = [path for path in folder.rglob("*") if CANARY in path.name]
    return found + [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_s14_no_secret_gets_into_a_sweep(place: Path, sweep: Sweep) -> None:
    """From configuration, environment, exceptions, metrics and their names: not one file, not one line said."""
    code, said = sweep("run", "mine.py", "--here")
    assert code == 0 and CANARY not in said and "Traceback" in said
    assert with_the_canary(place / "results") == []
    trials = open_sweep().trials
    assert {trial.ending for trial in trials} == {"completed", "error"}, "the trials had their secrets"
    config = trials[0].config
    assert (config["api_key"], config["licence"], config["url"]) == (REDACTED, REDACTED, f"https://me:{REDACTED}@host")
    assert config["service"] == {"user": "me", "password": REDACTED}
    record = trials[0].records[0]
    assert (record["note"], record["token"], record["redacted"]) == (f"as {REDACTED}", REDACTED, 1)
    failed = next(trial for trial in trials if trial.ending == "error")
    assert failed.why.startswith(f"RuntimeError: {REDACTED} or '{REDACTED}' is wrong: ")
    for command in (["show", "mine.py", "--here"], ["show", "mine.py", "--here", "--json"], ["trials"], ["best"]):
        code, said = sweep(*command)
        assert code == 0 and CANARY not in said, command
    assert CANARY not in sweep("trials", "mine", str(failed.trial))[1]
    assert f"'{REDACTED}'" in sweep("show", "mine.py", "--here")[1]


def test_s14_a_sweep_goes_on_with_its_secrets(place: Path, sweep: Sweep) -> None:
    """They are not in the record, so they come from the experiment again; a changed one is no change of the sweep."""
    sweep("run", "mine.py", "--here")
    whole_trials = [(trial.config, trial.value) for trial in open_sweep().trials]
    ledger = place / "results/mine" / LEDGER
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:7]))
    code, said = sweep("resume", "--here")
    assert code == 0, said
    assert [(trial.config, trial.value) for trial in open_sweep().trials] == whole_trials
    assert with_the_canary(place / "results") == []


def test_s14_a_secret_that_is_gone_is_asked_for(place: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the command line gave is in no record: the environment or the file gives it again."""
    text = EXPERIMENT.replace('        "api_key": "SECRET123-of-the-config",\n', '        "api_key": "",\n')
    (place / "mine.py").write_text(text)
    assert sweep("run", "mine.py", "--here", "--set", "api_key=SECRET123-of-the-config")[0] == 0
    assert with_the_canary(place / "results") == []
    ledger = place / "results/mine" / LEDGER
    assert open_sweep().history.sweep.overrides == {"set": {"api_key": REDACTED}}
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:7]))
    before = ledger.read_bytes()
    code, said = sweep("resume", "--here")
    assert code == 2 and "--set api_key: was given when the sweep began and is a secret, which no record has." in said
    assert "Set the environment variable API_KEY to it, or put it into the experiment's file" in said
    assert ledger.read_bytes() == before
    monkeypatch.setenv("API_KEY", "SECRET123-of-the-config")
    assert sweep("resume", "--here")[0] == 0
    assert len(open_sweep().trials) == 6 and with_the_canary(place / "results") == []


def test_s14_a_trial_does_not_go_on_without_its_secret(place: Path, sweep: Sweep) -> None:
    """Where the experiment has the secret no longer, a trial would be trained with `<redacted>`."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    ledger = place / "results/mine" / LEDGER
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:5]))
    (place / "mine.py").write_text(EXPERIMENT.replace('        "api_key": "SECRET123-of-the-config",\n', ""))
    code, said = sweep("resume", "--here", "--yes")
    assert code == 2 and "space.api_key: was a secret, which no record has" in said


def test_s14_the_sweeps_made_of_a_sweep_have_its_secrets(place: Path, sweep: Sweep) -> None:
    """`replay` and `confirm` train recorded configurations, which have none."""
    assert sweep("run", "mine.py", "--here")[0] == 0
    best = open_sweep().best.trial
    code, said = sweep("replay", "mine", str(best), "--here")
    assert code == 0 and "equal" in said and CANARY not in said, said
    code, said = sweep("confirm", "mine", "--here", "--top", "1", "--seeds", "2")
    assert code == 0 and CANARY not in said, said
    assert with_the_canary(place / "results") == []


def test_s14_long_numbers_under_secret_names_are_secrets(place: Path, sweep: Sweep) -> None:
    """`--set` makes numbers of digits; a key that has digits only is one all the same."""
    (place / "mine.py").write_text(EXPERIMENT.replace('assert config.api_key == "SECRET123-of-the-config"', "assert 1"))
    assert sweep("run", "mine.py", "--here", "--set", "api_key=1234512345123")[0] == 0
    files = [path for path in (place / "results").rglob("*") if path.is_file()]
    assert not [path for path in files if b"1234512345123" in path.read_bytes()]


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"api_key": tune.choice(["a", "b"])}, "space.api_key: is a secret (its name says so), and no record has it"),
        ({"api_key": {"grid_search": ["a"]}}, "space.api_key: is a secret (its name says so), and no record has it"),
        (
            {"url": tune.choice(["http://me:SECRET123-of-the-environment@h"])},
            "space.url: is a secret (it holds the value of the environment variable DB_PASSWORD), and no record",
        ),
        (
            {"password": "adam", "optimizer": tune.choice(["adam", "sgd"])},
            "space.optimizer: is a secret (it holds a secret of the space), and no record has it",
        ),
        (
            {"api_key": f"{REDACTED}"},
            f"space.api_key: '{REDACTED}' stands where a secret stood before it was recorded.",
        ),
        ({"password": [tune.uniform(0, 1), "secret words"]}, "space.password: a secret cannot stand in a list beside"),
    ],
)
def test_s14_a_secret_is_not_searched(place: Path, space: dict[str, Any], words: str) -> None:
    """What no record has cannot be told to a searcher; a placeholder is no secret."""
    assert place.is_dir()
    with pytest.raises(InputError) as refused:
        experiment(trainable=lambda config: None, space={"x": tune.uniform(0, 1), **space})  # noqa: ARG005
    assert any(fault.startswith(words) for fault in refused.value.faults), refused.value.faults
    assert CANARY not in str(refused.value)


def test_s14_what_holds_no_secret_is_searched(place: Path) -> None:
    """Whatever it is made of: lists, tuples, dicts."""
    assert place.is_dir()
    widths = tune.choice([(64, 64), [128], {"units": (32, "wide")}])
    asked = experiment(trainable=lambda config: None, space={"widths": widths})  # noqa: ARG005
    assert len(asked.searched.dimensions) == 1


def test_s14_numbers_under_such_names_are_searched(place: Path) -> None:
    """`max_token` is a number of tokens as a rule; only texts are secrets."""
    assert place.is_dir()
    asked = experiment(trainable=lambda config: None, space={"max_token": tune.choice([128, 256]), "pad_token": 0})  # noqa: ARG005
    assert asked.asks()["space"] == {"max_token": {"choice": [[128, 256]]}, "pad_token": {"constant": 0}}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((name, True) for name in ("token", "API_KEY", "apiKey", "db.password", "x-api-key", "aws_secret_access_key")),
        *((name, True) for name in ("SECRET_KEY", "dbPassword", "HFToken", "encryption_key", "ssh_passphrase")),
        *((name, False) for name in ("pad_token", "model.mask_token", "EOS_TOKEN", "stopToken", "PWD")),
        *((name, True) for name in ("hf_token", "private_key", "credentials", "s3/access_key", "PASSWD", "credential")),
        *(
            (name, False)
            for name in ("tokens", "max_tokens", "tokenizer", "key", "keyboard", "passwords_seen", "secretary")
        ),
    ],
)
def test_s14_names_of_secrets(name: str, secret: bool) -> None:
    """The last name of a path, in any case of letters."""
    assert named_like_a_secret(name) is secret


class Inner(BaseModel):
    """A part of a configuration."""

    pin: SecretStr


class Outer(BaseModel):
    """A configuration with a secret under a name that says nothing."""

    inner: Inner | None = None
    hint: list[SecretStr] = []


def test_s14_secret_fields_of_pydantic() -> None:
    """Wherever in the type they are."""
    secrets = Secrets.of({"inner": {"pin": "1234"}, "hint": ["first pet"], "other": "open"}, Outer)
    assert secrets.names == {"pin", "hint"} and secrets.values == {"1234", "first pet"}
    assert "first pet" not in repr(secrets), "not in a traceback's frame either"


def test_s14_a_secret_in_the_name_of_a_metric() -> None:
    """Also of one inside another: Ray writes what a plain function reports into files of its own."""
    redactor = Redactor(None, {"GITHUB_TOKEN": "ghp_abcdef"})
    assert redactor.metrics({"loss": 1.0, "of": {"ghp_abcdef": 2.0}}) == {"loss": 1.0, "of": {"redacted": 2.0}}


def test_s14_metrics_that_contain_themselves() -> None:
    """What a trainable holds together in knots comes through, secrets or none."""
    record: dict[str, Any] = {"loss": 1.0, "said": "ghp_abcdef"}
    record["me"] = record
    without = Redactor(None, {"API_TOKEN": "ghp_abcdef"}).metrics(record)
    assert without["loss"] == 1.0 and without["me"]["me"]["said"] == REDACTED


def test_s14_forms_of_a_secret() -> None:
    """In quotes of Python and JSON, in an address, line by line; short ones as words of their own."""
    words = 'pa"ss\n-- a line of a private key --\n\\end&'
    redactor = Redactor(Secrets(values=frozenset({words, "cls1"})), {"GITHUB_TOKEN": "ghp_abcdef", "TOKEN": "short"})
    for text in (words, repr(words), json.dumps(words), "x%0A-- a line of a private key --", "-ghp_abcdef-"):
        assert REDACTED in redactor.text(text), text
    assert redactor.text("the cls1 and cls12") == f"the {REDACTED} and cls12"
    assert redactor.text("short") == "short", "too common to be looked for"
    assert redactor.text(redactor.text("ghp_abcdef")) == REDACTED


def test_s14_what_the_sweep_reads_back_stays() -> None:
    """Paths, endings and the metric are no free text, whatever somebody's password is."""
    redactor = Redactor(Secrets(metric="val_loss"), {"PASSWORD": "val_loss", "A_TOKEN": "completed"})
    epoch = EpochReported(
        trial=0,
        segment=1,
        epoch=1,
        metrics={"val_loss": 1.0},
        action="stop",
        ending="completed",
        why="completed",
        t=0.0,
    )
    kept = redactor.record(epoch)
    assert (kept.metrics, kept.ending, kept.why) == ({"val_loss": 1.0}, "completed", REDACTED)
    ended = TrialEnded(trial=0, ending="completed", why="", t=0.0)
    assert redactor.record(ended) is ended
    source = {"kind": "file", "name": "x", "path": "/home/completed/x.py"}
    opened = SweepOpened(
        schema=1, name="x", question="", source=source, overrides={}, asks={}, versions={"python": "3"}, at=0.0
    )
    assert redactor.record(opened).source == source


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("canary-01"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "api_key", "b_token", "c"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(["x", "api_key", "nested", "password"]), json_values, max_size=4))
def test_s14_a_recorded_configuration_becomes_whole_again(config: dict[str, Any]) -> None:
    """Whatever is taken out of a configuration is put back from the same constants, and nothing else changes."""
    redactor = Redactor(Secrets.of(config), {"MY_TOKEN": "canary-01"})
    recorded = redactor.value(config)
    assert "canary-01" not in json.dumps(recorded)
    assert whole(recorded, config) == config
    assert redactor.value(recorded) == recorded
