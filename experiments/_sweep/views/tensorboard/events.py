"""Single events of TensorBoard's files, as the bytes that stand there.

Called from one thread only: what it imports takes half a second, and has cycles that two threads must not import.
"""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.views.tensorboard.columns import Column
    from experiments._sweep.views.tensorboard.measures import Measure

_NEEDED = (
    *("tensorboard.compat.proto.event_pb2", "tensorboard.compat.proto.summary_pb2"),
    *("tensorboard.plugins.hparams.plugin_data_pb2", "tensorboard.summary.writer.record_writer"),
)
_SHOWN = 5
"""Hyperparameters that the HParams tab shows unless asked for more."""
_TYPES = {"text": "DATA_TYPE_STRING", "flag": "DATA_TYPE_BOOL", "number": "DATA_TYPE_FLOAT64"}


def load() -> None:
    """Imports all that the others need."""
    for name in _NEEDED:
        importlib.import_module(name)


def beginning(at: float) -> bytes:
    """What a file begins with; what TensorBoard had of the run before is then forgotten, as it stands here again."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    began = Event(wall_time=at, step=0, session_log=SessionLog(status=SessionLog.START))
    return _record(Event(wall_time=at, file_version="brain.Event:2")) + _record(began)


def scalars(values: Mapping[str, float], step: int, at: float) -> bytes:
    """Numbers by tag."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    found = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    return _record(Event(wall_time=at, step=step, summary=Summary(value=found)))


def schema(columns: Sequence[Column], measures: Sequence[Measure], *, name: str, question: str, at: float) -> bytes:
    """What the HParams tab is to have: hyperparameters with their domains, and metrics in their order.

    Args:
        columns: The hyperparameters, the most important first.
        measures: The metrics, the objective first.
        name: What it is called.
        question: What it asks.
        at: When the sweep began.
    """
    from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    infos = []
    for place, column in enumerate(columns):
        info = HParamInfo(
            name=column.name,
            display_name=column.name,
            description=column.description,
            type=_TYPES[column.kind],
            differs=place < _SHOWN,  # those come first, all others by name
        )
        if column.values:
            info.domain_discrete.extend(column.values)
        elif column.lower is not None and column.upper is not None:
            info.domain_interval.min_value, info.domain_interval.max_value = column.lower, column.upper
        infos.append(info)
    metrics = [
        MetricInfo(name=MetricName(tag=each.tag), display_name=each.title, description=each.description)
        for each in measures
    ]
    experiment = Experiment(
        name=name, description=question, time_created_secs=at, hparam_infos=infos, metric_infos=metrics
    )
    return _hparams("experiment", HParamsPluginData(experiment=experiment), at)


def session_started(values: Mapping[str, Any], at: float, title: str = "") -> bytes:
    """A trial begins, with these hyperparameters; the tab calls it by its title, or else by its run."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    info = SessionStartInfo(start_time_secs=at, group_name=title)
    for name, value in values.items():
        if isinstance(value, bool):
            info.hparams[name].bool_value = value
        elif isinstance(value, str):
            info.hparams[name].string_value = value
        else:
            info.hparams[name].number_value = value
    return _hparams("session_start_info", HParamsPluginData(session_start_info=info), at)


def session_ended(*, success: bool, at: float) -> bytes:
    """A trial has ended for good."""
    from tensorboard.plugins.hparams.api_pb2 import Status
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    info = SessionEndInfo(status=Status.Value("STATUS_SUCCESS" if success else "STATUS_FAILURE"), end_time_secs=at)
    return _hparams("session_end_info", HParamsPluginData(session_end_info=info), at)


def _hparams(tag: str, content: Any, at: float) -> bytes:
    """A message of the HParams tab, which stands in the description of a value that is empty."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content.SerializeToString())
    nothing = TensorProto(dtype="DT_FLOAT", tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=0)]))
    value = Summary.Value(tag=f"_hparams_/{tag}", metadata=SummaryMetadata(plugin_data=plugin), tensor=nothing)
    return _record(Event(wall_time=at, summary=Summary(value=[value])))


def _record(event: Any) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString())
    return file.getvalue()
