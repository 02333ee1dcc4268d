"""Sweeps that are out to harm whoever looks at them: a text in every field of a ledger that can hold one.

Nothing here is what a trial could report by itself: a folder of somebody else's may hold any ledger whose lines are
sound, so that names of metrics, keys and states are hostile as well.
"""

import json
from pathlib import Path
from typing import Any

from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.records import (
    Answered,
    DriverEnded,
    DriverStarted,
    EpochReported,
    Record,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TestSplitUsed,
    TrialEnded,
    TrialProposed,
)

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\' autofocus onfocus=\'alert(1)',
    "end of a block": "--></style></title></textarea></script><script>alert(1)</script><!--",
    "link": "[click](javascript:alert(1)) ![x](http://evil/x.png) http://evil www.evil.example",
    "terminal": "\x1b[31mred\x1b[0m\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "markup of rich": "[bold red]x[/] [link=http://evil]y[/link] [/nope] :bomb:",
    "formula": '=HYPERLINK("http://evil","x")|`$(touch owned)`;',
    "template": "{{7*7}}{% for x in y %}${7*7}#{7*7}<%= 7*7 %>%s {0} %(x)s",
    "direction": "\u202egnp.exe\u2066 \u200b\u2028 \u2029 \u0085",
    "lines": "good\ntrial 0 completed\r\n| a | b |\n# heading\n```\n\x00\x08\x9b2J",
    "end of JSON": '"}]};alert(1);//\\\\u003c \ud800 \U000e0041 \\',
    "option and path": "--help ../../../../tmp/owned;rm -rf ~",
}
"""Twelve texts by what they try."""

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1")
"""What a spreadsheet would calculate, each by its first character."""

LONG = "x" * 20_000 + "<b>"
"""A text that no table has room for."""

SPACE: dict[str, Any] = {"x": {"uniform": [0.0, 1.0]}, "lr": {"loguniform": [1e-4, 0.1]}}
_RUNG = {"epoch": 1, "rank": 2, "of": 2, "cutoff": 0.5, "ahead": [0]}


def asks(text: str, metric: str) -> dict[str, Any]:
    """An experiment in JSON in which everything that can be a text is `text`."""
    return {
        "trainable": text,
        "metric": metric,
        "mode": "min",
        "counts": text,
        "space": {
            **SPACE,
            text: {"choice": [[text, "plain", True, None, 3]]},
            "inner." + text.replace(".", " "): {"constant": text},
            "o": {"choice": [[{"name": {"constant": text}, "deep": {"uniform": [0, 1]}}, {"name": {"constant": "b"}}]]},
        },
        "search": {"name": text, text: text},
        "scheduler": {"name": text, text: text},
        "num_trials": 6,
        "epochs": 3,
        "cpus_per_trial": 1,
        "gpus_per_trial": 0,
        "resources_per_trial": {text: 1},
        "seed": 0,
        "require": text,
        "start_points": [{text: text}],
        "target": None,
        "patience_trials": None,
        "callbacks": [text],
    }


def hostile_records(text: str, *, metric: str | None = None) -> list[Record]:
    """A sweep of six trials that ended in six ways; everything in it that can be text is `text`.

    Trial 0 was stopped, 1 interrupted, 2 failed with a traceback, 3 runs, 4 has completed and is the best, 5 diverged.

    Args:
        text: What stands everywhere.
        metric: The name of the metric, where it is not to be `text`: one that a real sweep could have.
    """
    metric = text if metric is None else metric
    opened = SweepOpened(
        schema=3,
        name=text,
        question=text,
        source={"kind": "python", "name": text, "path": text, "module": text},
        overrides={"set": {text: text}, "search": text, "scheduler": text},
        asks=asks(text, metric),
        versions={text: text, "python": text, "raysweeps": text},
        code={text: text},
        learned=[_learned(text)],
        at=0.0,
    )
    begun = DriverStarted(driver=1, host=text, pid=1, data_dir=text, settings={"keep": text, text: text}, at=0.0)
    trials: list[Record] = []
    for n in range(6):
        config = {"x": n / 6, "lr": 10 ** (-n / 2 - 1), text: text, "inner": {text: text}, "o": {"name": text}}
        config |= {"list": [text, {text: text}], "none": None, "flag": n % 2 == 0}
        details = {text: text, "of": text, "value": text}
        trials.append(TrialProposed(trial=n, config=config, origin=text, made_at=1, details=details, t=0))
        trials.append(SegmentStarted(trial=n, segment=1, rung={**_RUNG, "bracket": text}, t=0.0))
    return [opened, begun, *trials, *_endings(text, metric), *_found(text), _end(text)]


def _endings(text: str, metric: str) -> list[Record]:
    def epoch(trial: int, number: int, value: float, **more: Any) -> EpochReported:
        metrics = {"epoch": number, metric: value, f"{metric}2": value / 2, f"{text}3": value, "note": text}
        given = {"action": "continue", "checkpoint": f"ray/{text}", "worker": f"{text}:{text}", **more}
        return EpochReported(trial=trial, segment=1, epoch=number, metrics=metrics, t=number + trial / 10, **given)

    traceback = f"Traceback:\n{text}\nError: {text}"
    return [
        epoch(0, 1, 0.5, action="stop", ending="stopped", why=text, rung=_RUNG),
        epoch(1, 1, 0.6),
        SegmentInterrupted(trial=1, segment=1, cause=text, why=text, t=2.0),
        TrialEnded(trial=2, ending="error", why=text, traceback=traceback, t=2.0),
        epoch(3, 1, 0.7, rung={**_RUNG, "bracket": text}),
        *(epoch(4, number, 0.5 / number) for number in (1, 2)),
        epoch(4, 3, 0.1, action="stop", ending="completed", why=text),
        epoch(5, 1, float("nan"), action="stop", ending="diverged", why=text),
    ]


def _found(text: str) -> list[Record]:
    return [TestSplitUsed(look=1, confirmation=text, at=2.5), Answered(answer={"kind": text, text: text}, t=2.5)]


def _end(text: str) -> Record:
    return DriverEnded(driver=1, reason="failed", why=text, t=9.0, at=9.0)


def _learned(text: str) -> dict[str, Any]:
    trial = {"trial": 0, "config": {text: text}, "values": {"1": 0.5}, "ending": text}
    return {"sweep": text, "trials": [trial], "refused": {text: [1, 2]}}


def hostile_sweep(folder: Path, text: str, *, metric: str | None = None) -> Path:
    """Writes such a sweep into a folder, which is made; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = LedgerWriter(folder / LEDGER)
    writer.append(hostile_records(text, metric=metric))
    writer.close()
    return folder


def texts_of(records: list[Record]) -> int:
    """How many texts there are in the records."""
    from experiments._sweep.ledger.records import to_json

    def count(value: Any) -> int:
        if isinstance(value, dict):
            return sum(count(each) + isinstance(key, str) for key, each in value.items())
        return sum(map(count, value)) if isinstance(value, list) else isinstance(value, str)

    return sum(count(json.loads(json.dumps(to_json(record)))) for record in records)
