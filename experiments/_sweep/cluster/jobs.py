"""The jobs of a cluster: Ray's own client of its dashboard, which waits for nothing for ever here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.cluster.dashboard import why_not
from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from experiments._sweep.cluster.dashboard import Dashboard

ANSWER_S = (10.0, 60.0)
"""How long a connection and an answer may take."""
UPLOAD_S = (10.0, 600.0)
"""The same where the code is sent."""
STOP_WAIT_S = 45
"""How long `ray job stop` waits: a driver drains within 30 s, and Ray would give it 3."""
INSTALL_S = 1800
"""How long packages may take to be installed."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """What a cluster knows about a job."""

    status: str
    """Ray's word: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
    message: str
    """What Ray says about it."""
    code: int | None
    """The exit code of its driver; None where it has none, for it runs, was stopped or lost."""


class Jobs:
    """The jobs of one cluster."""

    def __init__(self, dashboard: Dashboard) -> None:
        """Asks with the dashboard's token.

        Raises:
            EngineError: If nobody answers.
        """
        from ray.job_submission import JobSubmissionClient

        class Client(JobSubmissionClient):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(dashboard.address)
                self._ssl_context = True  # its None means the same to aiohttp, which will not take that for ever

            def _do_request(self, method: str, endpoint: str, **more: Any) -> Any:
                self._headers = dashboard.headers  # Ray would send a token to a cluster that asks for none
                return super()._do_request(method, endpoint, timeout=UPLOAD_S if method == "PUT" else ANSWER_S, **more)

        logging.getLogger("ray").setLevel(logging.CRITICAL)
        logging.getLogger("ray.dashboard.modules.dashboard_sdk").setLevel(logging.CRITICAL)
        logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.CRITICAL)
        self.address = dashboard.address
        try:
            self._client = Client()
        except (OSError, RuntimeError) as error:
            raise EngineError(f"{dashboard.address} does not answer any more ({why_not(error)}).") from error

    def submit(self, job: str, command: str, code: Path, *, install: list[str]) -> None:
        """Sends the code, and has the command run in it on the head node; Ray installs what is to be installed.

        Raises:
            EngineError: If the cluster does not take it.
        """
        environment: dict[str, Any] = {
            "working_dir": str(code),
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S)},
        }
        if install:
            environment |= {"pip": {"packages": install}, "config": {"setup_timeout_seconds": INSTALL_S}}
        try:
            self._client.submit_job(entrypoint=command, submission_id=job, runtime_env=environment)
        except (OSError, RuntimeError, ValueError) as error:
            if self._has(job):  # it got there, and the answer got lost
                return
            raise EngineError(f"{self.address} did not take the sweep: {why_not(error)}") from error

    def _has(self, job: str) -> bool:
        try:
            return self.info(job) is not None
        except OSError:
            return False

    def info(self, job: str) -> Info | None:
        """What the cluster knows about a job; None where it does not know it.

        Raises:
            OSError: If it does not answer.
        """
        try:
            told = self._client.get_job_info(job)
        except RuntimeError as error:
            if "status code 404" in str(error):
                return None
            raise ConnectionError(str(error)) from error
        return Info(status=told.status.value, message=told.message or "", code=told.driver_exit_code)

    async def lines(self, job: str) -> AsyncGenerator[str, None]:
        """What the job's driver prints, from its beginning, in pieces, until it has ended."""
        async for piece in self._client.tail_job_logs(job):
            yield piece
