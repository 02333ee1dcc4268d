"""A server on loopback that answers as a Ray dashboard does, and can be told to be an old, a wrong or a failing one."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from aiohttp import web

TOKEN = "the-token-of-this-test"  # noqa: S105 - of no cluster
BEGUN = "Running entrypoint for job x: exec python\n"


class Dashboard:
    """What it says, and what it was given."""

    def __init__(self) -> None:
        self.ray, self.python = ray.__version__, ""
        self.token: str | None = TOKEN
        self.pieces = [BEGUN, "mine: a question\nsweep /s/mine\n", "go on with: sweep resume /s/mine\n"]
        """What the driver prints, as it is sent."""
        self.ends: list[tuple[str, int | None, str]] = [("SUCCEEDED", 0, "")]
        """How each job ends: Ray's status, the exit code, the message."""
        self.cuts: list[int] = []
        """Connections that are lost, one after another, after so many pieces."""
        self.holds = False
        """Whether the last job goes on for ever."""
        self.forgets = False
        self.packages: dict[str, bytes] = {}
        self.jobs: list[dict[str, object]] = []
        self.asked: list[tuple[str, str | None]] = []
        """Paths, and the token that came with them."""
        self.ended: dict[str, tuple[str, int | None, str]] = {}
        self.url = ""

    def application(self) -> web.Application:
        """The server."""
        application = web.Application(middlewares=[self._let_in])
        application.router.add_get("/api/version", self._version)
        application.router.add_get("/api/v0/cluster_metadata", self._metadata)
        application.router.add_get("/api/packages/{protocol}/{name}", self._package)
        application.router.add_put("/api/packages/{protocol}/{name}", self._put)
        application.router.add_post("/api/jobs/", self._submit)
        application.router.add_get("/api/jobs/{job}", self._job)
        application.router.add_get("/api/jobs/{job}/logs/tail", self._tail)
        return application

    @web.middleware
    async def _let_in(self, request: web.Request, handler: object) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        self.asked.append((request.path, given))
        if self.token and given != f"Bearer {self.token}":
            return web.Response(status=403 if given else 401, text="Unauthorized")
        return await handler(request)  # type: ignore[operator, no-any-return]

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "4", "ray_version": self.ray, "ray_commit": "", "session_name": "s"})

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response({"data": {"rayVersion": self.ray, "pythonVersion": self.python}})

    async def _package(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if request.match_info["name"] in self.packages else 404)

    async def _put(self, request: web.Request) -> web.Response:
        self.packages[request.match_info["name"]] = await request.read()
        return web.Response()

    async def _submit(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.jobs.append(told)
        return web.json_response({"job_id": told["submission_id"], "submission_id": told["submission_id"]})

    async def _job(self, request: web.Request) -> web.Response:
        job = request.match_info["job"]
        if self.forgets or all(each["submission_id"] != job for each in self.jobs):
            return web.Response(status=404, text=f"Job {job} does not exist")
        status, code, message = self.ended.get(job, ("RUNNING", None, ""))
        told = {"type": "SUBMISSION", "submission_id": job, "entrypoint": "", "status": status, "message": message}
        return web.json_response({**told, "driver_exit_code": code})

    async def _tail(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        cut = self.cuts.pop(0) if self.cuts else None
        for piece in self.pieces[:cut]:
            await socket.send_str(piece)
        if cut is not None:
            assert request.transport is not None
            request.transport.close()
            return socket
        if self.holds:
            await asyncio.sleep(3600)
        self.ended[request.match_info["job"]] = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        return socket


@contextmanager
def serving(dashboard: Dashboard) -> Iterator[str]:
    """The address of a server, for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(dashboard.application(), shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    dashboard.url = f"http://127.0.0.1:{port}"
    yield dashboard.url
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def sent(dashboard: Dashboard) -> list[dict[str, object]]:
    """The runtime environments of the jobs."""
    return [json.loads(json.dumps(job["runtime_env"])) for job in dashboard.jobs]
