"""The code of the libraries that worker.broker relies on: a release that changes it is noticed."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from celery.worker.consumer import Consumer

import worker.broker
import worker.metrics
import worker.tasks
from tests.sources import digest
from worker.broker import overridden
from worker.broker.overridden import OVERRIDDEN

READ = {
    "celery.worker.consumer.consumer.Consumer.__init__": "10bb9c91aeceb098",
    "celery.worker.consumer.consumer.Consumer.start": "0390ec0479d7849a",
    "celery.worker.consumer.consumer.Consumer.create_task_handler": "3107b2ffefc9347f",
    "celery.worker.consumer.consumer.Consumer.on_unknown_task": "a56f85545d1a961b",
    "celery.worker.components.Consumer.create": "ee0569816b2948ca",
    "celery.worker.consumer.mingle.Mingle.__init__": "9642d44862813271",
    "celery.worker.consumer.events.Events.__init__": "9e2fa921036eba2a",
    "kombu.transport.redis.Channel._brpop_start": "b8c18935c62e35af",
    "kombu.transport.redis.Channel._brpop_read": "f073dbcb18d71759",
    "kombu.transport.redis.Channel._flush_brpop_reauth": "493267fe578f25b3",
    "kombu.transport.redis.Channel._q_for_pri": "b03cd0cf60dd7927",
    "kombu.transport.redis.Channel._do_restore_message": "0f81f342222253c5",
    "kombu.transport.redis.MultiChannelPoller._register_BRPOP": "953b83d16e928e35",
    "kombu.transport.redis.MultiChannelPoller._update_brpop_polling": "2521d16ed35332e8",
    "kombu.transport.redis.MultiChannelPoller.on_readable": "412854aa5482bf1c",
    "kombu.transport.redis.MultiChannelPoller.maybe_check_brpop_health": "8debf3ba9a0a47ac",
    "kombu.transport.redis.MultiChannelPoller.maybe_restore_messages": "ae6f9ac275cae02d",
    "kombu.transport.virtual.base.Channel.basic_consume": "10acbcd002b0b89a",
    "kombu.transport.virtual.base.Transport._deliver": "007e449e8e072a75",
    "kombu.transport.redis.Channel._receive": "dc6955cb1d29d61e",
    "kombu.transport.redis.Channel._receive_one": "91c1b7e93ac5c03a",
    "kombu.transport.redis.Channel._restore": "1b6e9ea7961c283d",
    "kombu.transport.redis.Channel._get": "7fa9795f68f7a2b5",
    "kombu.transport.redis.Channel.close": "8b98e8d4dc50ba00",
    "kombu.transport.virtual.base.Channel.close": "37f40f359cebbd78",
    "kombu.transport.virtual.base.Channel.qos": "bb5e1bb2af31ee17",
    "kombu.transport.virtual.base.Transport.create_channel": "700abbf4bb3c2b9c",
    "kombu.connection.Connection._do_close_transport": "7f364bce2e42e63f",
    "kombu.transport.redis.Channel.__init__": "a511da08a790083b",
    "kombu.utils.scheduling.round_robin_cycle.__init__": "c8e4fcfd8b8283ad",
    "kombu.utils.scheduling.round_robin_cycle.consume": "f6b459b2ae49d1af",
    "kombu.utils.scheduling.round_robin_cycle.rotate": "e35d74f0595a3e4a",
    "kombu.transport.redis.QoS.append": "4b4b426ec8acbe0d",
    "kombu.transport.redis.QoS.ack": "a6a293d96aabf1d5",
    "kombu.transport.redis.QoS.reject": "93af6bf8771827a1",
    "kombu.transport.redis.QoS.pipe_or_acquire": "b3198921f3e2bd87",
    "kombu.transport.redis.QoS._remove_from_indices": "5940a5c23a877463",
    "kombu.transport.redis.QoS.restore_by_tag": "6224c9d1a3093fe9",
    "kombu.transport.redis.QoS.restore_visible": "6da9e6fef02e7b58",
    "kombu.transport.redis.Channel.pool": "21755a780d16f22f",
    "kombu.transport.virtual.base.QoS.append": "465769e97a71c6e1",
    "kombu.transport.virtual.base.QoS.ack": "2ec9d3d075fabb40",
    "kombu.transport.virtual.base.Message.__init__": "8a84e09d585dde57",
    "kombu.utils.json.loads": "40ae6ffb3239b070",
    "kombu.utils.json.dumps": "0d798731359feb4e",
    "kombu.utils.json.object_hook": "23cd7ad1d330a0da",
    "kombu.utils.json.JSONEncoder.default": "817fab82f759ab79",
    "kombu.serialization.SerializerRegistry.register": "a8d15f755d8c6408",
    "kombu.compression.register": "85a8bece69ad40ac",
    "kombu.compression.encoders": "4d0c9b060f1587b1",
    "kombu.compression.get_encoder": "052801c3431e3edd",
    "kombu.compression.decompress": "c29e620e825ad6bf",
    "kombu.message.Message.__init__": "f1ac5fc5e9e85574",
    "celery.worker.strategy.default": "7d90575ada5eb1dc",
    "celery.worker.strategy.proto1_to_proto2": "bd94d28baaa68720",
    "celery.worker.strategy.hybrid_to_proto2": "cead82ed73d8be89",
    "celery.worker.request.Request.__init__": "ba563d6610efd143",
    "celery.worker.request.Request.info": "dceeb423f8489b7c",
    "celery.worker.request.Request.revoked": "aa868201edaca73f",
    "celery.worker.request.Request.maybe_expire": "fb6e448752a16a67",
    "celery.worker.request.Request._announce_revoked": "969cf95308a14191",
    "celery.worker.request.Request._context": "eab319bcaa0d1b61",
    "celery.worker.request.Request.on_accepted": "bf48930b0dc5f277",
    "celery.worker.request.Request.on_success": "ef670ac55bbfdfb5",
    "celery.worker.request.Request.on_failure": "3d0ebddebf9838e6",
    "celery.worker.request.Request._retry_worker_lost": "dc07bb308b603b39",
    "celery.worker.request.Request.execute_using_pool": "b63ef23a1218ae02",
    "celery.worker.request.create_request_cls": "871f30fe1cfee4bf",
    "celery.app.trace.fast_trace_task": "52c76aab90e1656f",
    "celery.app.trace.trace_task_ret": "edf3530c917cd4b6",
    "celery.app.task.Task.__call__": "418138909ea9abb0",
    "celery.app.task.Task.apply_async": "15d38f684796b349",
    "celery.app.task.Task.signature_from_request": "c665698a780cc4d3",
    "celery.app.task.Task.start_strategy": "a62cf0c04f966a2a",
    "celery.app.task.Context.__init__": "02dbd39aa8f24333",
    "celery.app.task.Context.get": "99bee5e00fa8a952",
    "celery.app.trace.build_tracer": "b2945aec38e1872e",
    "celery.app.trace.task_has_custom": "fca9d49416a09b16",
    "celery.app.base.Celery.finalize": "0fe039d75ec3241e",
    "celery.app.registry.TaskRegistry.unregister": "ec2b547e059db0ed",
    "celery.worker.consumer.control.Control.__init__": "2cb38c2fc778809f",
    "celery.worker.pidbox.Pidbox.__init__": "ad82348e16409848",
    "celery.worker.pidbox.Pidbox.start": "5f56036df1e912fe",
    "celery.worker.pidbox.Pidbox.stop": "78642508ded8dd02",
    "celery.worker.pidbox.Pidbox.reset": "2d1add6c990695e4",
    "celery.worker.pidbox.Pidbox.shutdown": "e3a52f43cd8ba769",
    "celery.worker.pidbox.Pidbox.on_message": "891c5057de93df78",
    "kombu.pidbox.Mailbox.__init__": "1aab21b47330d260",
    "kombu.pidbox.Node.Consumer": "c7b3b37bdb9d7159",
    "kombu.pidbox.Node.handle_message": "b2e88e7a182554b1",
    "kombu.pidbox.Node.dispatch": "90c267ac06fdea77",
    "kombu.pidbox.Node.reply": "d6ccfefe9ec1c5f5",
    "celery.worker.control.active": "a62f3e55d6b63246",
    "celery.worker.control.active_queues": "fae5d48a017a9402",
    "celery.worker.control.clock": "9a04d62c4d1132b1",
    "celery.worker.control.conf": "0619f1996d3e5a27",
    "celery.worker.control.enable_events": "bc75fef4d88a52e6",
    "celery.worker.control.heartbeat": "5c38375960b59bdf",
    "celery.worker.control.hello": "53214c2c5982352f",
    "celery.worker.control.ping": "a08a14251c9c8f8e",
    "celery.worker.control.query_task": "cbbee990d57b69cd",
    "celery.worker.control.registered": "5fa3025517969681",
    "celery.worker.control.report": "05881489772dd719",
    "celery.worker.control.reserved": "37295ce2175ca69f",
    "celery.worker.control.revoked": "f9c1e1642bac09f8",
    "celery.worker.control.scheduled": "25ccc19b0043dcbe",
    "celery.worker.control.stats": "b6edf68aeab00975",
    "celery.worker.worker.WorkController.stats": "06aa3c9c8650b2a7",
    "celery.events.dispatcher.EventDispatcher.send": "6390e79ad197479a",
    "celery.events.dispatcher.EventDispatcher.flush": "eb6c1d182faab603",
    "celery.worker.consumer.consumer.Consumer._flush_events": "4211249046784d0c",
    "celery.worker.consumer.consumer.Consumer.on_send_event_buffered": "938167707b72e659",
    "celery.worker.consumer.events.Events.start": "a3ecc36528ef6d11",
    "celery.worker.consumer.events.Events._close": "7a47cdac1cb8cea2",
    "celery.worker.loops.asynloop": "05a53e51998887ca",
    "celery.worker.heartbeat.Heart.start": "737ba979d322ece2",
    "celery.worker.worker.WorkController.should_use_eventloop": "d401164b662212a3",
    "celery.beat.Scheduler.__init__": "ef20054d3c79852d",
    "celery.beat.Scheduler.apply_async": "ef8ee07d3d86c1bf",
    "celery.beat.Scheduler.apply_entry": "71711225ef5e12a5",
    "celery.beat.Scheduler.tick": "e3a73b05258cf1a5",
    "celery.beat.Scheduler._maybe_entry": "51819de129c76e66",
    "celery.beat.Scheduler.close": "a810553f57c65132",
    "celery.beat.Service.start": "716d22dbec398e42",
    "celery.beat.Service.sync": "b466e078a1b5387b",
    "celery.apps.beat.Beat.install_sync_handler": "e234868a1d1d4838",
    "celery.beat.ScheduleEntry.__init__": "e43e744e7cd76191",
    "billiard.pool.Worker._ensure_messages_consumed": "d9644a013245e129",
    "celery.worker.worker.WorkController.setup_instance": "b57f055d07759c08",
    "celery.bin.worker.WorkersPool.convert": "20d3ba1f83b8f2eb",
    "celery.app.log.Logging.setup_logging_subsystem": "63f29ac029aa5814",
    "billiard.pool.Pool._create_worker_process": "5085629c7bf5e009",
}

LIBRARIES = ("celery.", "kombu.", "billiard.")
# The interfaces that Celery gives for steps: to implement one overrides nothing.
INTERFACES = ("celery.bootsteps",)


def name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def our_modules() -> list[ModuleType]:
    """Return the modules that override something, or may."""
    modules = [worker.metrics]
    for package in (worker.broker, worker.tasks):
        infos = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        modules += [importlib.import_module(info.name) for info in infos]
    return [module for module in modules if module is not overridden]


@pytest.mark.parametrize("function", OVERRIDDEN, ids=name_of)
def test_what_is_overridden_has_not_changed(function: Callable[..., Any]) -> None:
    """Where it has: read the new source, see whether ours still holds, and note its digest."""
    assert READ[name_of(function)] == digest(function)


def test_each_is_listed_once_and_nothing_else_was_read() -> None:
    assert [name_of(function) for function in OVERRIDDEN] == list(READ)


def test_no_entry_is_without_use() -> None:
    """Our code names it, or the list itself says what it is there for."""
    text = " ".join([str(overridden.__doc__), *map(inspect.getsource, our_modules())])
    words = set(re.findall(r"\w+", text))
    for function in OVERRIDDEN:
        *_, owner, name = name_of(function).split(".")
        assert (owner if name == "__init__" else name) in words, name_of(function)


def test_every_override_of_the_libraries_is_watched() -> None:
    overrides = set(_overrides())
    assert len(overrides) > 20
    assert overrides - set(OVERRIDDEN) == set()


def _overrides() -> Iterator[Callable[..., Any]]:
    """Yield the libraries' functions that methods of our classes stand in for."""
    for ours in _classes():
        for name in vars(ours):
            overridden = [vars(base)[name] for base in _bases(ours) if name in vars(base)]
            if overridden and inspect.isfunction(overridden[0]):
                yield overridden[0]


def _classes() -> list[type]:
    values = [value for module in our_modules() for value in vars(module).values()]
    classes = [value for value in values if isinstance(value, type)]
    return [kind for kind in classes if kind.__module__.startswith("worker.")]


def _bases(ours: type) -> list[type]:
    """Return the classes of the libraries under a class of ours."""
    bases = [base for base in ours.__mro__ if base.__module__.startswith(LIBRARIES)]
    return [base for base in bases if base.__module__ not in INTERFACES]


def test_every_private_name_of_the_libraries_is_in_something_watched() -> None:
    watched = " ".join(map(inspect.getsource, OVERRIDDEN))
    trees = map(_tree, our_modules())
    of_others = {name for tree in trees for name in _private_names(tree, of_self=False)}
    inherited = {name for ours in _classes() for name in _inherited_names(ours)}
    assert of_others >= {"_flush_events", "_raw"}
    assert inherited >= {"_request_dict"}
    assert [name for name in sorted(of_others | inherited) if not _knows(watched, name)] == []


def _inherited_names(ours: type) -> Iterator[str]:
    """Yield the private names that both our class and the module of a class under it use."""
    text = " ".join(inspect.getsource(sys.modules[base.__module__]) for base in _bases(ours))
    nodes = ast.walk(_tree(sys.modules[ours.__module__]))
    own = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == ours.__name__]
    names = {name for node in own for name in _private_names(node, of_self=True)}
    return (name for name in names if _knows(text, name))


def _private_names(tree: ast.AST, *, of_self: bool) -> set[str]:
    """Return the private attributes that the code reads or sets, on `self` or on others."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    selves = {node: ast.unparse(node.value) in ("self", "super()") for node in attributes}
    names = {node.attr for node in attributes if selves[node] == of_self}
    return {name for name in names if re.fullmatch(r"_[a-z]\w*", name)}


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _knows(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def test_of_the_consumers_steps_those_left_out_are_known() -> None:
    """Where a later Celery adds one: see whether it takes messages, and what for."""
    names = [step.rpartition(":")[2] for step in Consumer.Blueprint.default_steps]
    first = ["Connection", "Mingle", "Events", "Gossip", "Heart", "Control", "Tasks"]
    assert names == [*first, "DelayedDelivery", "Evloop", "Agent"]
