"""The code of Celery and kombu that the worker's own stands in for, so that a release that changes it is noticed."""

import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from celery.app.task import Task
from celery.worker.consumer import Consumer
from celery.worker.consumer.control import Control
from celery.worker.pidbox import Pidbox
from celery.worker.request import Request
from kombu.pidbox import Node
from kombu.transport.redis import Channel

READ: dict[Callable[..., Any], str] = {
    Consumer.on_unknown_task: "a56f85545d1a961b",
    Control.__init__: "2cb38c2fc778809f",
    Pidbox.__init__: "ad82348e16409848",
    Pidbox.start: "5f56036df1e912fe",
    Pidbox.on_message: "891c5057de93df78",
    Node.handle_message: "b2e88e7a182554b1",
    Node.dispatch: "90c267ac06fdea77",
    Request.revoked: "aa868201edaca73f",
    Request.maybe_expire: "fb6e448752a16a67",
    Task.signature_from_request: "c665698a780cc4d3",
    Channel._receive: "dc6955cb1d29d61e",
    Channel._receive_one: "91c1b7e93ac5c03a",
}


def digest(function: Callable[..., Any]) -> str:
    source = textwrap.dedent(inspect.getsource(function))
    return hashlib.sha256(source.encode()).hexdigest()[:16]


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_what_is_overridden_has_not_changed(function: Callable[..., Any]) -> None:
    """If it has: read the new source, see whether the worker's still holds, and write down the new digest."""
    assert READ[function] == digest(function)


def test_of_the_consumers_steps_those_left_out_are_known() -> None:
    """What a later Celery adds is to be looked at: whether it takes messages, and what it does for them."""
    names = [step.rpartition(":")[2] for step in Consumer.Blueprint.default_steps]
    known = ["Connection", "Mingle", "Events", "Gossip", "Heart", "Control", "Tasks", "DelayedDelivery", "Evloop", "Agent"]
    assert names == known
