"""The description of the API: whole, in the shape of OpenAPI 3.1, and true of its routes."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from models.alerts.moves import operator_moves
from realtime.errors import STATUS
from realtime.http import openapi
from realtime.http.routes import ENDPOINTS
from tests.realtime.cast import RunningServer
from tests.realtime.http.conftest import Caller
from tests.realtime.http.described import Operation, operations, read_document
from tests.realtime.http.json_schema import KNOWN, flaws, resolved

Schema = dict[str, Any]


class Part(BaseModel):
    """A part of the document: the fields of OpenAPI 3.1 that it uses, and none besides."""

    model_config = ConfigDict(extra="forbid")


class Parameter(Part):
    name: str = Field(min_length=1)
    place: Literal["query", "path"] = Field(alias="in")
    description: str | None = None
    required: bool = False
    style: Literal["form"] = "form"
    explode: bool = True
    may_be_empty: bool = Field(False, alias="allowEmptyValue")
    described: Schema = Field(alias="schema")


class Media(Part):
    described: Schema = Field(alias="schema")


class Header(Part):
    described: Schema = Field(alias="schema")


class Response(Part):
    description: str = Field(min_length=1)
    content: dict[str, Media]
    headers: dict[str, Header] = {}


class Body(Part):
    required: bool
    content: dict[str, Media]


class Says(Part):
    summary: str = Field(min_length=1)
    parameters: list[Parameter]
    responses: dict[str, Response] = Field(min_length=1)
    body: Body | None = Field(None, alias="requestBody")
    security: list[dict[str, list[str]]] | None = None


class Info(Part):
    title: str
    version: str
    description: str


class Components(Part):
    security: dict[str, dict[str, str]] = Field(alias="securitySchemes")
    schemas: dict[str, Schema]


class Document(Part):
    openapi: Literal["3.1.0"]
    info: Info
    security: list[dict[str, list[str]]]
    paths: dict[str, dict[Literal["get", "put", "post", "delete"], Says]]
    components: Components


@pytest.fixture(scope="module")
def document() -> Schema:
    return openapi.build(ENDPOINTS)


async def test_it_is_served_to_everybody(caller: Caller, document: Schema) -> None:
    assert await read_document(caller) == document


def test_it_has_the_shape_of_openapi(document: Schema) -> None:
    read = Document.model_validate(document)
    for operation in operations(document):
        parts = {part[1:-1] for part in operation.path.split("/") if part.startswith("{")}
        assert set(operation.parameters("path")) == parts, operation.name
        assert all(parameter["required"] for parameter in operation.parameters("path").values())
        names = {(parameter["name"], parameter["in"]) for parameter in operation.says["parameters"]}
        assert len(names) == len(operation.says["parameters"]), operation.name
        for requirement in operation.says.get("security", []):
            assert set(requirement) <= set(read.components.security)


def test_every_reference_leads_somewhere_and_every_component_is_used(
    document: Schema,
) -> None:
    references = set(_references(document))
    for reference in references:
        assert isinstance(resolved(document, reference), dict)
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert names == references


def test_its_schemas_use_no_keyword_that_the_tests_do_not_know(document: Schema) -> None:
    for name, schema in document["components"]["schemas"].items():
        for nested in _schemas(schema):
            assert set(nested) <= KNOWN, name


async def test_every_route_is_described_and_every_description_has_its_route(
    document: Schema,
    server: RunningServer,
) -> None:
    described = {(operation.method, operation.path) for operation in operations(document)}
    left_out = {"/", "/dashboard/{name}", "/api/openapi.json", "/socket.io/"}
    routes = server._runner.app.router.routes()
    served = {(route.method, route.resource.canonical) for route in routes if route.resource}
    assert described == {
        route for route in served if route[0] != "HEAD" and route[1] not in left_out
    }


def test_components_keep_the_names_they_were_published_under(document: Schema) -> None:
    """A client that is generated from the document has classes of these names."""
    listed = {"Alert", "Anomaly", "Precision", "Quiet", "Rejected"}
    lines = {"MoveResult", "Review", "Trail", "Withdrawal"}
    taken = {"Biometric", "Outcome", "Planned", "Punch", "Recurring", "Silence", "Submitter"}
    assert listed | lines | taken | {"Unready"} <= set(document["components"]["schemas"])


def test_the_kinds_of_a_punch_are_those_of_the_contract(document: Schema) -> None:
    fields = document["components"]["schemas"]["Punch"]["properties"]
    assert fields["kind"]["enum"] == ["check_in", "check_out", "tap"]
    assert not {"is_check_in", "is_tap"} & set(fields)


def test_codes_and_moves_are_those_of_the_contract(document: Schema) -> None:
    codes = document["components"]["schemas"]["Refusal"]["properties"]["code"]["enum"]
    assert set(codes) == set(STATUS)
    says = document["paths"]["/api/v1/alerts/{alert_id}/{move}"]["post"]
    move = Operation("POST", "", says).parameters("path")["move"]
    assert move["schema"]["enum"] == operator_moves()


@pytest.mark.parametrize(
    ("schema", "value", "is_as_described"),
    [
        ({"type": "integer", "minimum": 1}, 1, True),
        ({"type": "integer", "minimum": 1}, 0, False),
        ({"type": "integer"}, True, False),
        ({"type": "string", "format": "date-time"}, "2026-11-23T08:00:00Z", True),
        ({"type": "string", "format": "date-time"}, "yesterday", False),
        ({"type": "string", "format": "date-time"}, "2026-11-23T08:00:00", False),
        ({"type": "string", "format": "uuid"}, "00000000-0000-0000-0000-000000000001", True),
        ({"type": "string", "format": "uuid"}, "nonsense", False),
        ({"type": "string", "maxLength": 1}, "ab", False),
        ({"type": "string", "enum": ["a"]}, "b", False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, False),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 1, False),
        ({"type": "array", "items": {"type": "null"}}, [None, 1], False),
        ({"type": "object", "properties": {"a": {}}}, {"b": 1}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {}, False),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, False),
        ({"type": "object", "additionalProperties": True}, {"a": 1}, True),
        ({"$ref": "#/components/schemas/A"}, 1, False),
        ({"$ref": "#/components/schemas/A"}, "a", True),
    ],
)
def test_what_holds_answers_against_schemas_finds_flaws(
    schema: Schema,
    value: object,
    is_as_described: bool,
) -> None:
    document = {"components": {"schemas": {"A": {"type": "string"}}}}
    assert (flaws(document, schema, value) == []) is is_as_described


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for nested in part:
            yield from _references(nested)
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for nested in part.values():
            yield from _references(nested)


def _schemas(schema: Schema) -> Iterator[Schema]:
    """A schema and those in it, without what the names of fields stand for."""
    yield schema
    for nested in schema.get("properties", {}).values():
        yield from _schemas(nested)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from _schemas(schema[keyword])
    for keyword in ("anyOf", "oneOf"):
        for nested in schema.get(keyword, []):
            yield from _schemas(nested)
