"""Ray started here, quiet, private and loopback only, or a running cluster joined."""

from __future__ import annotations

import contextlib
import logging
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.on_ray.probing import refuse_without_room
from experiments._sweep.engine.on_ray.tokens import token_settings, use_token
from experiments._sweep.engine.signals import hear_again
from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = Path(__file__).resolve().parents[4]
"""The folder that holds `experiments`, `trainables` and `search_spaces`."""

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_AIR_NEW_OUTPUT": "0",  # the only way to silence Tune's own display
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths keep their meaning
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_TQDM_PATCH_PRINT": "0",  # leave builtins.print alone
    "RAY_process_group_cleanup_enabled": "1",  # what a trial's process has started ends with it
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the coming default, said to avoid its warning
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard come from the ledger
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # signals drain the sweep (engine/signals.py)
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # one trial without the metric must not end the sweep
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is not used
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # a traceback is shown once, by us
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "86400",  # checked before anything starts
}


def local_slots(cpus: float, gpus: float) -> int:
    """How many trials this machine holds at a time, found without starting Ray.

    Raises:
        EngineError: With what a trial needs and what there is.
    """
    from ray._private.accelerators import NvidiaGPUAcceleratorManager
    from ray._private.utils import get_num_cpus

    with_gpus = NvidiaGPUAcceleratorManager.get_current_node_num_accelerators() if gpus else 0
    return _slots([{"CPU": get_num_cpus(), "GPU": with_gpus}], cpus, gpus)


def _slots(nodes: list[dict[str, float]], cpus: float, gpus: float) -> int:
    for kind, needed in (("CPU", cpus), ("GPU", gpus)):
        most = max((node.get(kind, 0) for node in nodes), default=0)
        if needed > most:
            raise EngineError(
                f"a trial needs {needed:g} {kind}{'s' if needed > 1 else ''}; the largest node has {most:g}. "
                f"Ask for less: --{kind.lower()}s-per-trial."
            )
    fits = [
        min(math.floor(node.get(kind, 0) / needed + 1e-9) for kind, needed in (("CPU", cpus), ("GPU", gpus)) if needed)
        for node in nodes
    ]
    if not any(fits):
        raise EngineError(f"no node has {cpus:g} CPUs and {gpus:g} GPUs together, which a trial needs. Ask for less.")
    return sum(fits)


@contextlib.contextmanager
def ray_session(address: str, cpus: float, gpus: float) -> Iterator[int]:
    """A Ray session for as long as the context lasts, and how many trials it holds at a time.

    A session that is already there is used and left alone.

    Raises:
        EngineError: If the cluster cannot be reached or cannot hold a trial.
    """
    loopback = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"} if address == "local" else {}
    with _environment({**SETTINGS, **loopback, **token_settings(address)}):
        import ray

        ours = not ray.is_initialized()
        with _silence():
            try:
                if ours:
                    _init(ray, address)
                nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
                yield _slots(nodes, cpus, gpus)
            finally:
                if ours:
                    ray.shutdown()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Ray's own output: what it means for a sweep is in the ledger, in one line with its reason."""
    import ray._private.utils as ray_utils
    import ray._private.worker as ray_worker

    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray._private")]
    levels = [logger.level for logger in loggers]
    theirs = ray_utils.set_sigterm_handler, ray_worker.print_to_stdstream
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    ray_utils.set_sigterm_handler = _keep_ours  # Ray's would raise SystemExit wherever the driver is
    ray_worker.print_to_stdstream = _to_our_log  # no setting keeps the raylet's messages off the terminal
    try:
        yield
    finally:
        ray_utils.set_sigterm_handler, ray_worker.print_to_stdstream = theirs
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _keep_ours(_: Any) -> None:
    """The signals are heard by engine/signals.py from before Ray starts until it has ended."""


def _to_our_log(data: dict[str, Any], **_: Any) -> None:
    logging.getLogger("raysweeps.ray").debug("%s", "\n".join(data["lines"]))


def _init(ray: Any, address: str) -> None:
    use_token(address)
    options: dict[str, Any] = {"address": address, "logging_level": "ERROR", "log_to_driver": False}
    if address == "local":
        options["include_dashboard"] = False
        from ray._common.utils import get_default_ray_temp_dir

        refuse_without_room(Path(get_default_ray_temp_dir()))
    # Ray puts the current folder first on the path of its workers; ours must win over a user's `experiments/` there.
    with contextlib.chdir(PACKAGES), private_files(), _loopback_only(address):
        try:
            ray.init(**options)
        except Exception as error:
            raise EngineError(f"Ray could not be reached or started at {address!r}: {error}") from error
        finally:
            hear_again()


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Sets what is not set, for as long as the context lasts; what Ray sets in between goes as well."""
    before = dict(os.environ)
    os.environ.update({**settings, **before})
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            if name.startswith(("RAY", "TUNE_")):
                del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """What is made meanwhile, also by processes that are started, is for this user alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def _loopback_only(address: str) -> Iterator[None]:
    """A local cluster listens on 127.0.0.1 alone, as Ray has it on macOS and Windows.

    Ray reads its switch when it is imported, its workers read it from the environment.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = address != "local"
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
