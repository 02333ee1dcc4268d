"""Ray started here, quiet, private and loopback only, or a running cluster joined."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.on_ray.entry.admission import is_open
from experiments._sweep.engine.on_ray.entry.loopback import LOOPBACK, is_loopback
from experiments._sweep.engine.on_ray.entry.services import without_services
from experiments._sweep.engine.on_ray.entry.tokens import DISABLED, token_settings, use_token
from experiments._sweep.engine.on_ray.nodes.capacity import shortage, slots_of
from experiments._sweep.engine.on_ray.probing import refuse_without_room
from experiments._sweep.engine.signals import hear_again
from experiments._sweep.errors import EngineError
from experiments._sweep.travelled import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.engine.on_ray.nodes.capacity import Resources

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_AIR_NEW_OUTPUT": "0",  # the only way to silence Tune's own display
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths keep their meaning
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_TQDM_PATCH_PRINT": "0",  # leave builtins.print alone
    "RAY_prestart_worker_first_driver": "0",  # Tune's processes have an environment of their own: these would idle
    "RAY_process_group_cleanup_enabled": "1",  # what a trial's process has started ends with it
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the coming default, said to avoid its warning
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard come from the ledger
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # signals drain the sweep (engine/signals.py)
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # one trial without the metric must not end the sweep
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is not used
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # a traceback is shown once, by us
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "86400",  # checked before anything starts
}


def local_slots(needs: Resources) -> int:
    """How many trials this machine holds at a time, found without starting Ray.

    Args:
        needs: What a trial needs, by Ray's names.

    Raises:
        EngineError: With what a trial needs and what there is.
    """
    from ray._private.accelerators import NvidiaGPUAcceleratorManager
    from ray._private.utils import get_num_cpus

    with_gpus = NvidiaGPUAcceleratorManager.get_current_node_num_accelerators() if "GPU" in needs else 0
    here = {"CPU": get_num_cpus(), "GPU": with_gpus}
    missing = shortage([here], needs)
    if missing:
        raise EngineError(missing)
    return slots_of([here], needs)


@contextlib.contextmanager
def ray_session(
    address: str, *, insecure: bool = False, runtime_env: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """A Ray session for as long as the context lasts.

    A session that is already there is used and left alone.

    Args:
        address: `local` starts one here; `auto` and HOST:PORT join one.
        insecure: Whether a cluster may be joined that asks for no token.
        runtime_env: What Ray gives the processes of a cluster that is joined: the code, above all.

    Raises:
        EngineError: If the cluster cannot be reached or started.
    """
    loopback = is_loopback(address)
    settings = {**SETTINGS, **(LOOPBACK if loopback else {}), **token_settings(address)}
    without_token = DISABLED if insecure and address != "local" and is_open(address) else {}
    with _environment(settings, without_token):
        import ray

        ours = not ray.is_initialized()
        with _silence():
            try:
                if ours:
                    _init(ray, address, loopback=loopback, runtime_env=runtime_env)
                yield
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


def _init(ray: Any, address: str, *, loopback: bool = True, runtime_env: Mapping[str, Any] | None = None) -> None:
    use_token(address)
    options: dict[str, Any] = {"address": address, "logging_level": "ERROR", "log_to_driver": False}
    if address == "local":
        options["include_dashboard"] = False
        from ray._common.utils import get_default_ray_temp_dir

        refuse_without_room(Path(get_default_ray_temp_dir()))
    elif runtime_env:
        options["runtime_env"] = dict(runtime_env)
    # Ray puts the current folder first on the path of its workers; ours must win over a user's `experiments/` there.
    with contextlib.chdir(PACKAGES), private_files(), _loopback_only(loopback=loopback), without_services():
        try:
            ray.init(**options)
        except Exception as error:
            raise EngineError(f"Ray could not be reached or started at {address!r}: {error}") from error
        finally:
            hear_again()


@contextlib.contextmanager
def _environment(settings: Mapping[str, str], forced: Mapping[str, str] | None = None) -> Iterator[None]:
    """Sets what is not set, and `forced` in any case, as long as the context lasts; what Ray sets then goes as well."""
    before = dict(os.environ)
    os.environ.update({**settings, **before, **(forced or {})})
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
def _loopback_only(*, loopback: bool) -> Iterator[None]:
    """A local cluster listens on 127.0.0.1 alone, as Ray has it on macOS and Windows; who joins one does as well.

    Ray reads its switch when it is imported, its workers read it from the environment.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = not loopback
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
