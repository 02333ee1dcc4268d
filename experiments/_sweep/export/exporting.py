"""What a sweep found, as a folder that a stranger can use with PyTorch alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.export.writing import new_folder, refuse_occupied, write_file
from trainables import Trainable, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments._sweep.export.card import Subject
    from experiments._sweep.sweep import Sweep
    from trainables import Deployed, Saved


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A folder that was written."""

    folder: Path
    files: tuple[Path, ...]


def export(
    sweep: Sweep,
    *,
    to: Path,
    trainable: Any,
    trial: int | None,
    checkpoint: Path,
    config: Mapping[str, Any] | None = None,
    confirmed: Mapping[str, Any] | None = None,
    refitted: bool = False,
) -> Exported:
    """Writes the network of a checkpoint as a folder of its own, whole or not at all, and tries it before.

    Args:
        sweep: The search.
        to: The folder, which must not be there, or be empty; for its owner only.
        trainable: What the sweep trains.
        trial: The number of the configuration in the search; None for the trainable's defaults.
        checkpoint: The folder of the checkpoint: the trial's, or of a later training of its configuration.
        config: The configuration of that training; left out, the trial's.
        confirmed: The answer of `sweep confirm`, None where there is none.
        refitted: Whether that training was on training and validation rows together.

    Raises:
        InputError: If there is something at `to`, or the model cannot be used elsewhere; nothing was written.
        OSError: If it could not be written; nothing is left of it.
    """
    refuse_occupied(to)
    if config is None and trial is None:
        raise InputError("the trainable's defaults are no trial of the search: give the config they were trained with.")
    given = dict(config) if config is not None else sweep.history.trials[trial or 0].config
    deployed, saved = _opened(sweep, trainable, given, checkpoint)
    from experiments._sweep.export.card import Subject
    from experiments._sweep.export.loader import refuse_another

    config = trainable.config_type.model_validate(given).model_dump(mode="json")
    subject = Subject(
        sweep=sweep,
        label="defaults" if trial is None else f"trial {trial}",
        trial=trial,
        trainable=trainable,
        given=without_folders(given),
        config=without_folders(config),
        shortened=without_folders(config) != config,
        saved=saved,
        deployed=deployed,
        confirmed=confirmed,
        refitted=refitted,
    )
    contents = _contents(subject)
    with new_folder(to) as folder:
        for name, content in contents.items():
            write_file(folder / name, content)
        refuse_another(folder, subject.deployed.network, subject.deployed.example)
    there = to.expanduser().resolve()
    return Exported(folder=there, files=tuple(there / name for name in contents))


def without_folders(value: Any) -> Any:
    """A configuration without the folders of this machine, which are nobody else's and tell who made it.

    Of an absolute path, wherever it stands, its last name is left: below the folder of the data sets the shipped
    trainables find it again.
    """
    if isinstance(value, dict):
        return {key: without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(each) for each in value]
    if isinstance(value, str) and value.startswith(("/", "~/")):
        return PurePosixPath(value).name or value
    return value


def _opened(sweep: Sweep, trainable: Any, config: Mapping[str, Any], checkpoint: Path) -> tuple[Deployed, Saved]:
    """The model in a checkpoint, and the checkpoint.

    Raises:
        InputError: If it cannot be used elsewhere.
    """
    if not isinstance(trainable, Trainable):
        raise InputError(
            f"{sweep.name} trains a plain Ray function, and only itself can read its checkpoints. Write it as a "
            "Trainable with a `deploy` to export its networks."
        )
    try:
        return trainable.deployed(config, checkpoint), open_checkpoint(checkpoint)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(*str(error).splitlines()) from error


def _contents(subject: Subject) -> dict[str, bytes]:
    """The files by name."""
    import torch
    from safetensors.torch import save

    from experiments._sweep.export.card import about, card
    from experiments._sweep.export.loader import loader_source
    from experiments._sweep.export.network_source import network_source

    source = network_source(subject.deployed.network, about=about(subject), facts=subject.deployed.details)
    copies = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in source.weights.items()}
    weights = save(copies)
    sha256 = hashlib.sha256(weights).hexdigest()
    files = {
        "README.md": card(subject, sha256),
        "load.py": loader_source(source.weights, sha256),
        "network.py": source.code,
        "config.json": json.dumps(subject.config, indent=2) + "\n",
    }
    return {**{name: text.encode() for name, text in files.items()}, "model.safetensors": weights}
