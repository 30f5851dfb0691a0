"""Why a runner does not start."""

import socket
from pathlib import Path

import pytest

from dev.run.refusals import Refusal, check_ports, lock_folder


def test_a_folder_has_one_runner_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "our data"
    with lock_folder(folder), pytest.raises(Refusal):
        lock_folder(folder)
    assert f". '{folder}/env'; set +a" in capsys.readouterr().err  # as a shell takes it
    lock_folder(folder).close()


def test_every_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refusal):
            check_ports({"PORT": port})
    assert f"PORT={port}" in capsys.readouterr().err
    check_ports({"PORT": port})
