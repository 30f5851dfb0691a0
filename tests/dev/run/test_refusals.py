"""A runner that does not start says why."""

import os
import socket
from pathlib import Path

import pytest

from dev.run.refusals import Refusal, check_ports, lock_folder


def test_a_folder_has_one_runner_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "our data"
    with lock_folder(folder), pytest.raises(Refusal):
        lock_folder(folder)
    err = capsys.readouterr().err
    assert f". '{folder}/env'; set +a" in err  # as a shell takes it
    assert f"(process {os.getpid()})" in err
    assert err.count("\n") == 1
    lock_folder(folder).close()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal):
        lock_folder(tmp_path / "file" / "data")
    assert capsys.readouterr().err == (
        f"rollcall: cannot keep anything in {tmp_path}/file/data (Not a directory): "
        "choose another DATA_DIR\n"
    )


def test_every_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port, other_port = one.getsockname()[1], other.getsockname()[1]
        with pytest.raises(Refusal):
            check_ports({"PORT": port, "FLOWER_PORT": other_port})
    err = capsys.readouterr().err
    assert f"another program listens on PORT={port} and FLOWER_PORT={other_port}: " in err
    assert err.count("\n") == 1
    check_ports({"PORT": port})
