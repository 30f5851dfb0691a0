"""What the API's description says of lists: each filter that is described works, and no other."""

from typing import Any
from urllib.parse import quote

from tests.realtime.cast import Feed
from tests.realtime.http.conftest import Caller
from tests.realtime.http.described import ADMIN, Operation, furnish, lists, read_document

# Filters that are not called as the field is that they look at.
FIELDS = {"type": "anomaly_type"}
MOMENTS = {
    "/api/v1/anomalies": "timestamp",
    "/api/v1/alerts": "first_seen",
    "/api/v1/rejected": "received_at",
}


async def items_of(caller: Caller, listing: Operation, query: str = "") -> list[dict[str, Any]]:
    # Of what is rejected a part is shown unless the state is asked for.
    if "/rejected" in listing.path and "state=" not in query:
        query += "&state=open,resubmitted"
    return await caller.items(f"{listing.path}?{query}", **ADMIN)


def value_of(item: dict[str, Any], name: str) -> Any:
    if name == "state" and "resubmitted_at" in item:
        return "resubmitted" if item["resubmitted_at"] else "open"
    return item[FIELDS.get(name, name)]


def wrong_value(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "yesterday"
    return "x" * (int(schema.get("maxLength", 10)) + 1)


async def test_each_filter_narrows_its_list_to_what_it_names(caller: Caller, feed: Feed) -> None:
    await furnish(caller, feed)
    document = await read_document(caller)
    assert len(lists(document)) == 5
    for listing in lists(document):
        everything = await items_of(caller, listing)
        for name in set(listing.filters()) - {"since", "until"}:
            values = {value_of(item, name) for item in everything} - {None}
            assert len(values) >= 2, f"{listing.path} has nothing to tell {name} by"
            for value in values:
                items = await items_of(caller, listing, f"{name}={quote(str(value))}")
                assert items == [item for item in everything if value_of(item, name) == value], name
            both = ",".join(quote(str(value)) for value in values)
            items = await items_of(caller, listing, f"{name}={both}")
            assert items == [item for item in everything if value_of(item, name) in values], name


async def test_since_and_until_bound_a_list_by_its_moment(caller: Caller, feed: Feed) -> None:
    await furnish(caller, feed)
    bounded = [
        listing for listing in lists(await read_document(caller)) if "since" in listing.filters()
    ]
    assert {listing.path for listing in bounded} == set(MOMENTS)
    for listing in bounded:
        everything = await items_of(caller, listing)
        moments = [item[MOMENTS[listing.path]] for item in everything]
        middle = moments[1]
        assert moments[0] > middle > moments[-1]
        since = await items_of(caller, listing, f"since={middle}")
        until = await items_of(caller, listing, f"until={middle}")
        assert (since, until) == (everything[:2], everything[2:])


async def test_what_is_no_value_of_a_filter_is_refused_as_described(caller: Caller) -> None:
    for listing in lists(await read_document(caller)):
        for name, schema in listing.filters().items():
            response = await caller.get(f"{listing.path}?{name}={wrong_value(schema)}", **ADMIN)
            body = await response.json()
            assert (response.status, body["error"]["code"]) == (400, "invalid"), name
            assert body["error"]["message"].startswith(f"{name} "), name
            assert "400" in listing.says["responses"]


async def test_there_is_no_filter_that_is_not_described(caller: Caller) -> None:
    for listing in lists(await read_document(caller)):
        response = await caller.get(f"{listing.path}?colour=red", **ADMIN)
        names = ", ".join(sorted(listing.filters()))
        message = f"There is no filter 'colour'; there are {names}."
        assert (await response.json())["error"] == {"code": "invalid", "message": message}
        assert response.status == 400


async def test_the_longest_and_the_shortest_page_are_as_described(caller: Caller) -> None:
    paged = [
        listing
        for listing in lists(await read_document(caller))
        if "/precision" not in listing.path
    ]
    for listing in paged:
        limit = listing.parameters("query")["limit"]["schema"]
        for number in (limit["minimum"], limit["maximum"]):
            assert (await caller.get(f"{listing.path}?limit={number}", **ADMIN)).status == 200
        for number in (limit["minimum"] - 1, limit["maximum"] + 1):
            assert (await caller.get(f"{listing.path}?limit={number}", **ADMIN)).status == 400


async def test_a_state_given_twice_is_given_once(caller: Caller, feed: Feed) -> None:
    await furnish(caller, feed)
    twice = await caller.items("/api/v1/rejected?state=open,open", **ADMIN)
    assert twice == await caller.items("/api/v1/rejected?state=open", **ADMIN)
