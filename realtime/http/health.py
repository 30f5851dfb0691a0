"""/healthz and /readyz, for whoever runs the server."""

from typing import Literal

from aiohttp import web
from typing_extensions import TypedDict

from models.migrations.revision import newest_revision
from models.version import rollcall_version
from realtime.http.endpoint import Answer, Endpoint, Parameter
from realtime.http.readiness import Readiness
from realtime.http.refusals import Refusal, Refused

# Made when the application starts, on its loop.
READINESS = web.AppKey("readiness", Readiness)


class Alive(TypedDict):
    status: Literal["ok"]


class Ready(TypedDict):
    status: Literal["ready"]
    version: str
    revision: str


class Unready(Refused):
    """What is the matter, by name and in sentences."""

    failing: list[str]
    problems: dict[str, str]
    version: str
    revision: str


async def alive(_: web.Request) -> web.Response:
    return web.json_response(Alive(status="ok"))


async def ready(request: web.Request) -> web.Response:
    """Answer 200 when punches are judged and told; with ?self, when this server can serve.

    Otherwise answer 503 with what is the matter. Both tell the server's version, and the revision
    of the schema that its code needs.
    """
    readiness = request.app[READINESS]
    alone = "self" in request.query
    problems = await (readiness.of_server() if alone else readiness.of_installation())
    version, revision = rollcall_version(), newest_revision()
    if not problems:
        return web.json_response(Ready(status="ready", version=version, revision=revision))
    error = Refusal(code="unavailable", message=" ".join(problems.values()))
    unready = Unready(
        error=error,
        failing=list(problems),
        problems=problems,
        version=version,
        revision=revision,
    )
    return web.json_response(unready, status=503)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/healthz",
        alive,
        "The server is alive",
        {200: Answer("It is.", Alive)},
        refuses=(),
        security=None,
    ),
    Endpoint(
        "GET",
        "/readyz",
        ready,
        "Punches are judged and told; with self, this server can serve viewers",
        {200: Answer("It is.", Ready), 503: Answer("It is not.", Unready)},
        refuses=(),
        query={"self": Parameter("Of this server alone.", {"type": "string"}, empty=True)},
        security=None,
    ),
)
