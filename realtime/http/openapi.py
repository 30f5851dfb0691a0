"""The REST API, described in OpenAPI 3.1 from its endpoints and the types they take and answer."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from realtime.errors import STATUS
from realtime.http.endpoint import Answer, Body, Endpoint, Parameter
from realtime.http.refusals import TOO_LONG, TOO_SLOW, WHY, Refused

Object = dict[str, Any]
Schemas = Mapping[tuple[Any, ...], Object]

_TEMPLATE = "#/components/schemas/{model}"
_REFUSED = ("refused",)
_Described = tuple[Any, Literal["validation", "serialization"], TypeAdapter[Any]]


class _Generator(GenerateJsonSchema):
    """Gives fields no titles, and components short names: AlertItem is Alert, PunchIn is Punch."""

    def field_title_should_be_set(self, _: Any) -> bool:
        return False

    def normalize_name(self, name: str) -> str:
        short = re.sub(r"(?:Item|Line|In)(?=\W|$)", "", name)
        return super().normalize_name(short.rstrip("]"))


def build(endpoints: Sequence[Endpoint]) -> Object:
    """Return the whole document."""
    schemas, components = _schemas(endpoints)
    paths: dict[str, Object] = defaultdict(dict)
    for endpoint in endpoints:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": "1",
            "description": "Attendance anomalies. The live feed is Socket.IO: see docs/viewing.md.",
        },
        "security": [{"bearer": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "metrics": {"type": "http", "scheme": "bearer"},
            },
            "schemas": components,
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[Schemas, Object]:
    """Return the schema of all that is taken or answered, and the components they refer to."""
    types: list[_Described] = [(_REFUSED, "serialization", TypeAdapter(Refused))]
    for endpoint in endpoints:
        if endpoint.takes:
            types.append((_key(endpoint, "takes"), "validation", TypeAdapter(endpoint.takes.type)))
        for status, answer in endpoint.answers.items():
            types.append((_key(endpoint, status), "serialization", TypeAdapter(answer.type)))
    schemas, defined = TypeAdapter.json_schemas(
        types,
        ref_template=_TEMPLATE,
        schema_generator=_Generator,
    )
    components = defined["$defs"]
    for component in components.values():
        component.pop("title", None)  # the name of its class
    return {key: schema for (key, _), schema in schemas.items()}, components


def _key(endpoint: Endpoint, what: object) -> tuple[Any, ...]:
    return endpoint.method, endpoint.path, what


def _operation(endpoint: Endpoint, schemas: Schemas) -> Object:
    answers = _refusals(endpoint, schemas[_REFUSED])
    for status, answer in endpoint.answers.items():
        answers[status] = _answer(answer, schemas[_key(endpoint, status)])
    operation: Object = {
        "summary": endpoint.summary,
        "parameters": [
            *(_in_path(name, endpoint.choices) for name in re.findall(r"{(\w+)}", endpoint.path)),
            *(_in_query(name, parameter) for name, parameter in endpoint.query.items()),
        ],
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if endpoint.security != "bearer":
        operation["security"] = [{endpoint.security: []}] if endpoint.security else []
    if endpoint.takes:
        operation["requestBody"] = _body(endpoint.takes, schemas[_key(endpoint, "takes")])
    return operation


def _refusals(endpoint: Endpoint, schema: Object) -> dict[int, Object]:
    codes: dict[int, list[str]] = defaultdict(list)
    for code in endpoint.refuses:
        codes[STATUS[code]].append(code)
    if endpoint.takes:
        codes[TOO_SLOW] = codes[TOO_LONG] = ["invalid"]
    content = {"application/json": {"schema": schema}}
    answers: dict[int, Object] = {}
    for status, names in codes.items():
        about = f"{WHY[status]} ({', '.join(names)})."
        answers[status] = {"description": about, "content": content}
    return answers


def _answer(answer: Answer, schema: Object) -> Object:
    described: Object = {
        "description": answer.about,
        "content": {answer.media: {"schema": schema}},
    }
    if answer.is_list:
        described["content"]["text/csv"] = {"schema": {"type": "string"}}
        described["headers"] = {"Link": {"schema": {"type": "string"}}}
    return described


def _body(body: Body, schema: Object) -> Object:
    return {"required": body.needed, "content": {"application/json": {"schema": schema}}}


def _in_path(name: str, choices: Mapping[str, Sequence[str]]) -> Object:
    """Describe a part of a path: an id, unless there are choices."""
    schema: Object = {"type": "string"}
    schema |= {"enum": list(choices[name])} if name in choices else {"format": "uuid"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(name: str, parameter: Parameter) -> Object:
    described = {"name": name, "in": "query", "description": parameter.about}
    if parameter.empty:
        return described | {"schema": parameter.schema, "allowEmptyValue": True}
    if not parameter.several:
        return described | {"schema": parameter.schema}
    several = {"type": "array", "items": parameter.schema}
    return described | {"schema": several, "style": "form", "explode": False}
