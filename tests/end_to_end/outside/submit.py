"""An existing app, which knows the contract and the settings in its environment, and nothing else
of Rollcall.

For globex (2) and acme (3), the first person is assigned to site 15 only. Each argument is
`tenant:site`: that person checks in there, which is an anomaly at any other site.
"""

import os
import sys

from celery import Celery

app = Celery(broker=os.environ["CELERY_BROKER_URL"])


def send(task: str, **arguments: object) -> None:
    app.send_task(task, kwargs=arguments, queue="attendance")


def sync_roster(tenant_id: int, name: str) -> None:
    sites = [
        {"site_id": site_id, "name": f"{name} {site_id}", "timezone": "Europe/Oslo"}
        for site_id in range(15, 20)
    ]
    roster = {
        "tenant": {"tenant_id": tenant_id, "name": name},
        "sites": sites,
        "people": [{"person_id": 7, "name": "Ada"}],
        "assignments": [{"person_id": 7, "site_id": 15}],
    }
    send("roster.sync", roster=roster)


def submit(tenant_id: int, site_id: int) -> None:
    punch = {
        "punch_id": f"outside-{site_id}",
        "tenant_id": tenant_id,
        "person_id": 7,
        "site_id": site_id,
        "kind": "check_in",
        "occurred_at": f"2026-11-02T08:{site_id}:00+01:00",
        "latitude": 59.91,
        "longitude": 10.75,
    }
    send("attendance.submit", punch=punch)


if sys.argv[1:] == ["roster"]:
    sync_roster(3, "acme")
    sync_roster(2, "globex")
for argument in sys.argv[1:]:
    if argument != "roster":
        submit(*map(int, argument.split(":")))
