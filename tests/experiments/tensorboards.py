"""TensorBoard's own reading of a folder, without its page: its curves, and what its HParams tab gets."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.data.provider import ListHyperparametersResult
from tensorboard.plugins.hparams.api_pb2 import ListSessionGroupsRequest, Status
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


@dataclass
class Row:
    """One row of the HParams table."""

    title: str
    run: str
    status: str
    values: dict[str, Any]
    """Hyperparameter to what stands in its cell."""
    metrics: dict[str, float]
    """Tag to its last value."""
    started: float
    ended: float


class Tab:
    """The HParams tab of a folder; it is read again each time, as TensorBoard does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events = EventMultiplexer()
        self._context = Context(SimpleNamespace(data_provider=MultiplexerDataProvider(self._events, str(folder))))

    def read(self) -> tuple[Any, list[Row]]:
        """Give the columns and the rows by title."""
        with contextlib.redirect_stderr(io.StringIO()):
            self._events.AddRunsFromDirectory(str(self._folder))
            self._events.Reload()
        asked, found = RequestContext(), self._context.hparams_metadata(RequestContext(), "")
        nothing = ListHyperparametersResult(hyperparameters=[], session_groups=[])
        experiment = self._context.experiment_from_metadata(asked, "", True, found, nothing)
        request = ListSessionGroupsRequest(
            start_index=0, slice_size=10_000, allowed_statuses=[number for _, number in Status.items()]
        )
        groups = Handler(asked, self._context, "", request).run().session_groups
        return experiment, sorted(map(_row, groups), key=lambda row: row.title)

    def curve(self, run: str, tag: str) -> list[tuple[int, float]]:
        """Give the steps and values of one curve."""
        return [(each.step, each.tensor_proto.float_val[0]) for each in self._events.Tensors(run, tag)]


def _row(group: Any) -> Row:
    [session] = group.sessions
    return Row(
        title=group.name,
        run=session.name,
        status=Status.Name(session.status).removeprefix("STATUS_").lower(),
        values={name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()},
        metrics={each.name.tag: each.value for each in session.metric_values},
        started=session.start_time_secs,
        ended=session.end_time_secs,
    )


def events_of(file: Path) -> Iterator[str]:
    """Give what stands in a file, in its order: `scalars`, or the part of the HParams tab that it is."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            content = value.metadata.plugin_data
            if content.plugin_name == "hparams":
                yield HParamsPluginData.FromString(content.content).WhichOneof("data")
            else:
                yield value.tag


def curves(folder: Path) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Give run and metric to steps and values; file by file, so that none hides another."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for file in sorted(folder.glob("[0-9]*/events*")):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            if not tag.startswith("trial/"):
                steps = [(each.step, each.value) for each in events.Scalars(tag)]
                found.setdefault((file.parent.name, tag), []).extend(steps)
    return found
