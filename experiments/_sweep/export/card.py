"""The card: what the model is, how to use it, how good it is and where it comes from. All of it for a stranger."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from experiments._sweep.export.markdown import code, prose, table
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.figures import interval
from experiments._sweep.views.words import counts, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.sweep import Sweep
    from trainables import Deployed, Saved, Trainable

_SHOWN = 50
"""Names of classes or columns that the card lists; all of them stand in network.py."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is exported, with all that is known of it."""

    sweep: Sweep
    """The search."""
    label: str
    """`trial 41`, or `defaults`."""
    trial: int | None
    """Its number in the search, None where the search did not try it."""
    trainable: Trainable[Any]
    given: dict[str, Any]
    """The configuration as it was given to the trainable, in JSON, without folders of this machine."""
    config: dict[str, Any]
    """All its fields, those at their defaults too."""
    shortened: bool
    """Whether there were paths of this machine in it, of which the last names are left."""
    saved: Saved
    """The checkpoint."""
    deployed: Deployed
    confirmed: Mapping[str, Any] | None
    """The answer of `sweep confirm`."""
    refitted: bool
    """Whether it was trained on training and validation rows together."""


def card(subject: Subject, sha256: str) -> str:
    """The content of README.md.

    Args:
        subject: What is exported.
        sha256: Of the file of the weights.
    """
    name, label = code(subject.sweep.name), prose(subject.label)
    trained = f"trained by {code(subject.trainable.name)} for {_epochs(subject.saved.epoch)}"
    together = " on training and validation rows together" if subject.refitted else ""
    copied = "It needs PyTorch and nothing else: copy this folder to where you want to use it."
    given = ((code(key, in_table=True), code(value, in_table=True)) for key, value in flat(subject.given).items())
    paths = " Of a path it has the last name: put what is called so into your folder of data sets."
    paths = paths if subject.shortened else ""
    return f"""# {name}, {label}

A trained model: {label} of the hyperparameter sweep {name}, {trained}{together}. {copied}

## How to use it

```python
{_usage(subject)}
```

* **Inputs:** {prose(subject.deployed.inputs)}
* **Outputs:** {prose(subject.deployed.outputs)}
{"".join(_facts(subject.deployed.details))}
## How good it is

{table(_scores(subject))}

## Where it comes from

{table(_origin(subject))}

## Its configuration

{table(given)}

All else is at its default; `config.json` has every field, as raysweeps takes them to train such a model again.{paths}

## The files

{table(_files(sha256))}
"""


def about(subject: Subject) -> str:
    """The docstring of the network: the same in short, in plain text."""
    lines = (
        f"The model of {subject.label} of the sweep {subject.sweep.name}.",
        f"Takes {subject.deployed.inputs}",
        f"Gives {subject.deployed.outputs}",
    )
    return "\n\n".join(lines)


def _usage(subject: Subject) -> str:
    example, network = subject.deployed.example, subject.deployed.network
    shape = ", ".join(map(str, (1, *example.shape[1:])))
    with torch.inference_mode():
        answer = network(torch.zeros_like(example[:1])).flatten()[:5]
    return f"""import runpy

import torch

network = runpy.run_path("load.py")["load"]()  # or the path of load.py, wherever it lies
inputs = torch.zeros({shape}, dtype={example.dtype})
with torch.inference_mode():
    print(network(inputs).flatten()[:5])  # {" ".join(str(answer).split())}"""


def _facts(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        if isinstance(value, list):
            shown = ", ".join(map(code, value[:_SHOWN])) + (" ..." if len(value) > _SHOWN else "")
            yield f"* **{prose(name.capitalize())}** ({len(value)}): {shown}\n"
        else:
            yield f"* **{prose(name.capitalize())}:** {code(value)}\n"


def _scores(subject: Subject) -> Iterator[tuple[str, str]]:
    history, metric = subject.sweep.history, code(subject.sweep.history.asks["metric"], in_table=True)
    trial = None if subject.trial is None else history.trials.get(subject.trial)
    if trial is not None and trial.value is not None:
        trials = f"{len(history.trials)} trial{'' if len(history.trials) == 1 else 's'}"
        among = f"on the rows that also chose it among {trials}: more hopeful than it should be"
        yield "searched", f"{metric} {number(trial.value)} at epoch {trial.epoch}, {among}"
    answer = subject.confirmed
    found = [each for each in (answer or {}).get("configurations", ()) if each["label"] == subject.label]
    if found and found[0]["mean"] is None:
        yield "confirmed", "no: every training on a fresh seed failed"
    elif answer is None or not found:
        yield "confirmed", "no: it was not trained anew and measured on rows that no trial saw (`sweep confirm`)"
    else:
        on_test = answer.get("on", "test") == "test"
        splits = "fresh validation splits" if answer.get("splits", True) else "the search's own validation rows"
        where = "the test split, which no trial saw" if on_test else splits
        measured = f"{code(answer['metric'], in_table=True)} {interval(found[0])}"
        how = f"mean and 95 % interval over {answer['seeds']} trainings on fresh seeds, on {where}"
        yield "confirmed", f"{measured}: {how}"
    if answer is not None and found and answer.get("answer"):
        yield "in a sentence", prose(answer["answer"])
    if history.looks:
        yield "uses of the test split", str(len(history.looks))
    if subject.refitted:
        yield "these weights", "never measured themselves: every row but those of the test split was trained on"


def _origin(subject: Subject) -> Iterator[tuple[str, str]]:
    history, config = subject.sweep.history, subject.config
    opened = history.sweep
    asks, versions = history.asks, history.versions
    if opened.question:
        yield "question", prose(opened.question)
    data = [code(config[name], in_table=True) for name in ("dataset", "path", "folder") if config.get(name)]
    rows = [f"{count:,} {prose(part)}" for part, count in subject.deployed.rows.items()]
    yield "data", "; ".join([*data, f"rows: {', '.join(rows)}"] if rows else data) or "not known"
    better = "lower" if asks["mode"] == "min" else "higher"
    meaning = subject.trainable.metrics.get(asks["metric"], "")
    yield "metric", f"{code(asks['metric'], in_table=True)}, {better} is better: {prose(meaning)}".removesuffix(": ")
    yield "search", f"{_policy(asks['search'])}, with {_policy(asks['scheduler'])}"
    yield "trials", f"{counts(history)}, each of at most {_epochs(asks['epochs'])}"
    seeds = [f"{name} {config[key]}" for name, key in (("trial", "seed"), ("split", "split_seed")) if key in config]
    yield "seeds", ", ".join([f"sweep {asks['seed']}", *seeds])
    yield "begun", time.strftime("%Y-%m-%d", time.gmtime(opened.at))
    yield "versions", ", ".join(f"{prose(name)} {prose(version)}" for name, version in versions.items())


def _policy(asked: Mapping[str, Any]) -> str:
    settings = [f"{key}={value!r}" for key, value in asked.items() if key not in ("name", "module")]
    return code(f"{asked['name']}({', '.join(settings)})", in_table=True)


def _epochs(count: int) -> str:
    return f"{count} epoch{'' if count == 1 else 's'}"


def _files(sha256: str) -> Iterator[tuple[str, str]]:
    yield "`load.py`", "gives the network, ready to use"
    yield "`network.py`", "the network as a class of PyTorch's, with the preparation of its inputs"
    yield "`model.safetensors`", f"its weights and buffers, in the format of safetensors; SHA-256 `{sha256}`"
    yield "`config.json`", "the configuration that it was trained with"
    yield "`README.md`", "this card"
