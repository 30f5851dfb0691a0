"""The desk's part of the API's description: alerts and their moves, reviews, silences and windows, precision."""

from collections.abc import Callable
from typing import Any, get_args

from models.alerts.moves import operator_moves
from models.schemas.quiet import Planned, Recurring, Silence
from models.schemas.said import AlertStatus
from models.vocabulary import SEVERITIES, TYPES, VERDICTS
from realtime.http import alerts, precision, quiet

_TEXT = {"type": "string"}
_NULLABLE_TEXT = {"type": ["string", "null"]}
_TIME = {"type": "string", "format": "date-time"}
_NULLABLE_TIME = {"type": ["string", "null"], "format": "date-time"}
_UUID = {"type": "string", "format": "uuid"}
_INTEGER = {"type": "integer"}
_NULLABLE_NUMBER = {"type": ["number", "null"]}
_OBJECT = {"type": "object"}
_TYPE = {"type": "string", "enum": list(TYPES)}
_SEVERITY = {"type": "string", "enum": list(SEVERITIES)}
_IDS = {"type": "array", "items": _INTEGER}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_ALERT = {
    "alert_id": _UUID,
    "status": {"type": "string", "enum": list(get_args(AlertStatus))},
    "severity": _SEVERITY | {"description": "The gravest of its anomalies so far."},
    "anomaly_type": _TYPE,
    "person_id": _INTEGER,
    "person_name": _NULLABLE_TEXT,
    "site_id": _INTEGER,
    "site_name": _NULLABLE_TEXT,
    "count": _INTEGER | {"description": "Anomalies that came to it."},
    "first_seen": _TIME,
    "last_seen": _TIME,
    "assigned_to": _NULLABLE_TEXT,
    "message": _TEXT,
    "timestamp": _TIME | {"description": "When it last changed."},
    "tenant_id": _INTEGER,
    "version": _INTEGER | {"description": "Give it with a move: one that somebody else has changed since is a conflict."},
    "correlation_id": _UUID,
    "escalation_step": _INTEGER,
    "escalated_to": _NULLABLE_TEXT,
    "escalates_at": _NULLABLE_TIME,
    "quiet_reason": _NULLABLE_TEXT,
    "quiet_until": _NULLABLE_TIME,
    "acknowledged_at": _NULLABLE_TIME,
    "resolved_at": _NULLABLE_TIME,
    "seconds_to_acknowledge": _NULLABLE_NUMBER,
    "seconds_to_resolve": _NULLABLE_NUMBER,
}
_TRAIL = {
    "at": _TIME,
    "version": _INTEGER,
    "actor": _TEXT | {"description": "The token's sub, or system."},
    "role": _TEXT,
    "move": _TEXT,
    "from_status": _NULLABLE_TEXT,
    "to_status": _TEXT,
    "note": _NULLABLE_TEXT,
    "assignee": _NULLABLE_TEXT,
    "added": _INTEGER | {"description": "Anomalies that came with this line."},
}
_REVIEW = {
    "at": _TIME,
    "number": _INTEGER,
    "actor": _TEXT | {"description": "The token's sub."},
    "role": _TEXT,
    "verdict": {"type": "string", "enum": list(VERDICTS)},
    "note": _NULLABLE_TEXT,
    "policy_version": _INTEGER | {"description": "Of the policy that found what was reviewed."},
}
_WITHDRAWAL = {
    "at": _TIME,
    "cause": {"type": "string", "enum": ["correction", "void"]},
    "punch_id": _NULLABLE_TEXT | {"description": "The punch that was corrected or voided; null for one at a site outside the token's."},
    "content_hash": _NULLABLE_TEXT | {"description": "Which of its contents: of a void null."},
    "received_at": _TIME | {"description": "When the correction or void came."},
    "submitted_by": _ref("Submitter"),
}
_QUIET = {
    "quiet_id": _UUID,
    "kind": {"type": "string", "enum": list(quiet.KINDS)},
    "state": {"type": "string", "enum": list(quiet.STATES)},
    "reason": _TEXT,
    "author": _TEXT,
    "types": {"type": "array", "items": _TYPE},
    "severities": {"type": "array", "items": _SEVERITY},
    "sites": _IDS,
    "people": _IDS,
    "starts_at": _TEXT | {"description": "Of a recurring window wall time at its sites."},
    "ends_at": _NULLABLE_TIME,
    "duration_minutes": _NULLABLE_NUMBER,
    "rrule": _NULLABLE_TEXT,
    "hid_alerts": _INTEGER,
    "hid_anomalies": _INTEGER,
    "created_at": _TIME,
    "cancelled_at": _NULLABLE_TIME,
    "cancelled_by": _NULLABLE_TEXT,
}
_PRECISION = {
    "anomaly_type": _TYPE,
    "site_id": _INTEGER,
    "policy_version": _INTEGER,
    "confirmed": _INTEGER,
    "false_positive": _INTEGER,
    "precision": {"type": "number"},
}
_MOVE = {"note": _NULLABLE_TEXT, "assignee": _NULLABLE_TEXT}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _in_path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def schemas() -> dict[str, Any]:
    wanted = {model.__name__: model.model_json_schema() for model in (Silence, Planned, Recurring)}
    result = _closed({"alert_id": _UUID, "ok": {"type": "boolean"}})
    result["properties"] |= {"alert": _ref("Alert"), "error": _OBJECT}
    named = {"Alert": _ALERT, "Trail": _TRAIL, "Review": _REVIEW, "Withdrawal": _WITHDRAWAL}
    named |= {"Quiet": _QUIET, "Precision": _PRECISION}
    return {name: _closed(properties) for name, properties in named.items()} | {"MoveResult": result} | wanted


def paths(listed: Callable[..., Any], answer: Callable[..., Any], errors: Callable[..., Any]) -> dict[str, Any]:
    moves = operator_moves()
    shown = {
        "alert": _ref("Alert"),
        "trail": {"type": "array", "items": _ref("Trail")},
        "anomalies": {"type": "array", "items": _ref("Anomaly")},
    }
    reviewed = {
        "anomaly": _ref("Anomaly"),
        "reviews": {"type": "array", "items": _ref("Review")},
        "withdrawals": {"type": "array", "items": _ref("Withdrawal")},
    }
    many = {"alert_ids": {"type": "array", "items": _UUID, "minItems": 1, "maxItems": alerts.MOST_AT_ONCE}, "versions": _OBJECT, **_MOVE}
    wanted = {"oneOf": [_ref(model.__name__) for model in (Silence, Planned, Recurring)]}
    results = _closed({"results": {"type": "array", "items": _ref("MoveResult")}})
    return {
        "/api/v1/alerts": {"get": listed("Alerts of the token's sites", "Alert", alerts.FILTERS)},
        "/api/v1/alerts/{alert_id}": {
            "get": {
                "summary": "One alert, its trail and its anomalies",
                "parameters": [_in_path("alert_id", _UUID)],
                "responses": {"200": answer(_closed(shown), "The alert."), **errors(404)},
            }
        },
        "/api/v1/alerts/{alert_id}/{move}": {
            "post": {
                "summary": "Move an alert (role operator)",
                "parameters": [_in_path("alert_id", _UUID), _in_path("move", {"type": "string", "enum": moves})],
                "requestBody": _body({"version": _INTEGER, **_MOVE}),
                "responses": {"200": answer(_closed({"alert": _ref("Alert")}), "The alert as it is now."), **errors(400, 404, 409)},
            }
        },
        **{
            f"/api/v1/alerts/{move}": {
                "post": {
                    "summary": f"The move {move} of up to {alerts.MOST_AT_ONCE} alerts (role operator)",
                    "requestBody": _body(many, "alert_ids"),
                    "responses": {"200": answer(results, "What became of each, in the order given."), **errors(400)},
                }
            }
            for move in moves
        },
        "/api/v1/anomalies/{anomaly_id}": {
            "get": {
                "summary": "One anomaly, its reviews, and the corrections that withdrew it",
                "parameters": [_in_path("anomaly_id", _UUID)],
                "responses": {"200": answer(_closed(reviewed), "The anomaly."), **errors(404)},
            }
        },
        "/api/v1/anomalies/{anomaly_id}/review": {
            "post": {
                "summary": "Review an anomaly (role operator)",
                "parameters": [_in_path("anomaly_id", _UUID)],
                "requestBody": _body({"verdict": {"type": "string", "enum": list(VERDICTS)}, "note": _NULLABLE_TEXT}, "verdict"),
                "responses": {"200": answer(_closed({"anomaly": _OBJECT}), "The anomaly as it is now."), **errors(400, 404)},
            }
        },
        "/api/v1/quiet": {
            "get": listed("Silences and maintenance windows", "Quiet", quiet.FILTERS),
            "post": {
                "summary": "A silence, or a maintenance window (role operator)",
                "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
                "responses": {"201": answer(_ref("Quiet"), "It is in force."), **errors(400)},
            },
        },
        "/api/v1/quiet/{quiet_id}": {
            "delete": {
                "summary": "End a silence or maintenance window now (role operator)",
                "parameters": [_in_path("quiet_id", _UUID)],
                "responses": {"200": answer(_ref("Quiet"), "It is over."), **errors(404, 409)},
            }
        },
        "/api/v1/precision": {"get": _unpaged(listed("Precision, from reviews", "Precision", precision.FILTERS))},
    }


def _unpaged(described: dict[str, Any]) -> dict[str, Any]:
    parameters = [parameter for parameter in described["parameters"] if "$ref" not in parameter]
    return {**described, "parameters": parameters}
