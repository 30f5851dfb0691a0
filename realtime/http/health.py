"""/healthz and /readyz, for whoever runs the server."""

from aiohttp import web

from realtime.http.readiness import Readiness

# Made when the application starts, on its loop.
READINESS = web.AppKey("readiness", Readiness)


async def alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """200 when punches are judged and told; with ?self, when this server can serve. Else 503 with what is the matter."""
    readiness = request.app[READINESS]
    alone = "self" in request.query
    problems = await (readiness.of_server() if alone else readiness.of_installation())
    if not problems:
        return web.json_response({"status": "ready"})
    error = {"code": "unavailable", "message": " ".join(problems.values())}
    body = {"error": error, "failing": list(problems), "problems": problems}
    return web.json_response(body, status=503)
