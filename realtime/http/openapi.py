"""GET /api/openapi.json: the REST API, described."""

from typing import Any

import orjson
from aiohttp import web

from models.schemas.punch import Punch
from models.vocabulary import SEVERITIES, TYPES
from realtime.http import anomalies, openapi_desk, rejected
from realtime.http.listing import MAX_LIMIT

_TEXT = {"type": "string"}
_NULLABLE_TEXT = {"type": ["string", "null"]}
_ID = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
_NULLABLE_ID = {"type": ["integer", "null"]}
_TIME = {"type": "string", "format": "date-time"}
_OBJECT = {"type": "object"}
_NULLABLE_OBJECT = {"type": ["object", "null"]}
_FORMATS = {"since": _TIME, "until": _TIME, "site_id": _ID, "person_id": _ID}
_ABOUT = {
    "since": "At or after this moment.",
    "until": "Before this moment.",
    "state": "open (the default): what still needs somebody; resubmitted: taken since, by itself or by somebody.",
}
_REASONS = {
    "type": "array",
    "items": {"type": "object", "properties": {"code": _TEXT, "field": _TEXT, "message": _TEXT}, "required": ["code", "field", "message"]},
}
_ANOMALY = {
    "anomaly_id": {"type": "string", "format": "uuid"},
    "tenant_id": _ID,
    "timestamp": _TIME | {"description": "When it was detected."},
    "updated_at": _TIME,
    "occurred_at": _TIME,
    "anomaly_type": {"type": "string", "enum": list(TYPES)},
    "severity": {"type": "string", "enum": list(SEVERITIES)},
    "status": _TEXT,
    "review": _NULLABLE_TEXT | {"description": "An operator's latest verdict, also while the anomaly does not stand."},
    "reason": _TEXT,
    "explanation": _TEXT,
    "person_id": _ID,
    "person_name": _NULLABLE_TEXT,
    "site_id": _ID,
    "site_name": _NULLABLE_TEXT,
    "punch_id": _NULLABLE_TEXT,
    "shift_id": _NULLABLE_TEXT,
    "fraud_score": {"type": "number", "minimum": 0, "maximum": 1},
    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "policy_version": {"type": "integer"},
    "backfill": {"type": "boolean"},
    "evidence": _OBJECT,
    "private_evidence": _NULLABLE_OBJECT | {"description": "What rests on other sites; null unless the token covers them all."},
}
_SUBMITTER = {
    "type": ["object", "null"],
    "properties": {"door": _TEXT, "name": _TEXT | {"description": "The token's sub, or what the task's producer says of itself."}},
    "required": ["door"],
    "description": "Who handed it in; null for what came before this was kept.",
}
_REJECTED = {
    "rejected_id": {"type": "string", "format": "uuid"},
    "door": _TEXT | {"description": "The task or request it came by."},
    "punch_id": _NULLABLE_TEXT,
    "person_id": _NULLABLE_ID,
    "site_id": _NULLABLE_ID,
    "content": _TEXT | {"description": "As it came."},
    "reasons": _REASONS,
    "waits_for": _NULLABLE_TEXT | {"description": "What a roster.sync has to bring: tenant or site."},
    "times": {"type": "integer"},
    "received_at": _TIME,
    "resubmitted_at": {"type": ["string", "null"], "format": "date-time"},
    "submitted_by": {"$ref": "#/components/schemas/Submitter"},
}
_OUTCOME = {
    "punch_id": _NULLABLE_TEXT,
    "status": {"type": "string", "enum": ["accepted", "rejected"]},
    "applied": {"type": "boolean", "description": "Whether this content stands now: false where a later one of the punch does."},
    "reasons": _REASONS,
}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _errors(*codes: int) -> dict[str, Any]:
    return {str(code): {"$ref": "#/components/responses/Error"} for code in (*codes, 401, 403, 503)}


def _list(summary: str, item: str, filters: dict[str, Any]) -> dict[str, Any]:
    page = _closed({"items": {"type": "array", "items": _schema(item)}, "next": _NULLABLE_TEXT})
    found = _json(page, "A page, newest first. The next one's address stands in the Link header too.")
    found["content"]["text/csv"] = {"schema": _TEXT}
    found["headers"] = {"Link": {"schema": _TEXT}}
    parameters = [_parameter(name) for name in filters] + [
        {"$ref": "#/components/parameters/limit"},
        {"$ref": "#/components/parameters/cursor"},
    ]
    return {"summary": summary, "parameters": parameters, "responses": {"200": found, **_errors(400)}}


def _parameter(name: str) -> dict[str, Any]:
    about = _ABOUT.get(name, "One value or several, with commas between; any of them matches.")
    return {"name": name, "in": "query", "description": about, "schema": _FORMATS.get(name, _TEXT), "explode": False}


def _punch_schemas() -> dict[str, Any]:
    punch = Punch.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**punch.pop("$defs", {}), "Punch": punch}


def build() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    one_or_many = {"oneOf": [_schema("Punch"), {"type": "array", "minItems": 1, "maxItems": 10_000, "items": _schema("Punch")}]}
    outcomes = {"oneOf": [_schema("Outcome"), {"type": "array", "items": _schema("Outcome")}]}
    submit = {
        "summary": "Submit one punch or up to 10,000 (role admin or scope submit)",
        "requestBody": {"required": True, "content": {"application/json": {"schema": one_or_many}}},
        "responses": {"202": _json(outcomes, "What became of each, in the order given. 403 stores nothing."), **_errors(400, 413)},
    }
    resubmit = {
        "summary": "Submit a rejected punch again, as it was or, with a body, as it was mended (role admin)",
        "parameters": [{"name": "rejected_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}],
        "requestBody": {"required": False, "content": {"application/json": {"schema": _schema("Punch")}}},
        "responses": {"202": _json(_schema("Outcome"), "What became of it."), **_errors(400, 404)},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": "1",
            "description": "Attendance anomalies. The live feed is Socket.IO: see docs/viewing.md.",
        },
        "security": [{"bearer": []}],
        "paths": {
            "/api/v1/punches": {"post": submit},
            "/api/v1/anomalies": {"get": _list("Anomalies of the token's sites", "Anomaly", anomalies.FILTERS)},
            "/api/v1/rejected": {"get": _list("Rejected submissions (role admin)", "Rejected", rejected.FILTERS)},
            "/api/v1/rejected/{rejected_id}/resubmit": {"post": resubmit},
            **openapi_desk.paths(_list, _json, _errors),
            **_open_paths(),
        },
        "components": _components(),
    }


def _open_paths() -> dict[str, Any]:
    status = _json({"type": "object", "properties": {"status": _TEXT}}, "It is.")
    unready = _json(_schema("Unready"), "What is the matter, by name and in sentences.")
    alone = {"name": "self", "in": "query", "description": "Of this server alone.", "schema": _TEXT, "allowEmptyValue": True}
    metrics = {"description": "Prometheus text format.", "content": {"text/plain": {"schema": _TEXT}}}
    return {
        "/healthz": {"get": {"summary": "The server is alive", "security": [], "responses": {"200": status}}},
        "/readyz": {
            "get": {
                "summary": "Punches are judged and told; with self, this server can serve viewers",
                "security": [],
                "parameters": [alone],
                "responses": {"200": status, "503": unready},
            }
        },
        "/metrics": {
            "get": {
                "summary": "Metrics, for the bearer of METRICS_TOKEN",
                "security": [{"metrics": []}],
                "responses": {"200": metrics, **{code: {"$ref": "#/components/responses/Error"} for code in ("401", "404")}},
            }
        },
    }


def _components() -> dict[str, Any]:
    error = _closed({"error": _closed({"code": _TEXT, "message": _TEXT})})
    named = {"failing": {"type": "array", "items": _TEXT}, "problems": {"type": "object", "additionalProperties": _TEXT}}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}
    return {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "metrics": {"type": "http", "scheme": "bearer"},
        },
        "parameters": {
            "limit": {"name": "limit", "in": "query", "schema": limit},
            "cursor": {"name": "cursor", "in": "query", "description": "`next` of the page before.", "schema": _TEXT},
        },
        "responses": {"Error": _json(error, "The code is one of the contract's.")},
        "schemas": {
            "Anomaly": _closed(_ANOMALY),
            "Rejected": _closed(_REJECTED),
            "Outcome": _closed(_OUTCOME),
            "Unready": _closed({**error["properties"], **named}),
            "Submitter": _SUBMITTER,
            **_punch_schemas(),
            **openapi_desk.schemas(),
        },
    }


async def document(_: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(build()), content_type="application/json")
