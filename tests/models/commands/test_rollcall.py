"""`rollcall`: it finds its subcommands by name, each imports its own side, and help is true."""

import json
import os
import re
import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

import models.__main__
import realtime.__main__
import worker.__main__
from dev.run.parts import ROOT
from models.commands.by_name import ByName, Failed, run
from models.commands.rollcall import GROUP, installed_commands, rollcall
from models.migrations.revision import newest_revision
from models.version import rollcall_version
from realtime.commands import serve

CONTEXT = click.Context(rollcall, info_name="rollcall")
NAMES = sorted(installed_commands())
# Packages that take a tenth of a second or more to import.
HEAVY = {
    "aiohttp",
    "alembic",
    "celery",
    "cryptography",
    "jwt",
    "kombu",
    "numpy",
    "psycopg",
    "pydantic",
    "redis",
    "shapely",
    "socketio",
    "sqlalchemy",
    "structlog",
    "uvloop",
}
# Nobody listens there.
SETTINGS = {
    "DATABASE_URL": "postgresql://u:geheim@127.0.0.1:9/x",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "JWT_SECRET": "0123456789abcdef" * 2,
    "LOG_LEVEL": "ERROR",
}
SIDES = {"worker": "realtime", "realtime": "worker", "models": "worker"}


def subcommand(name: str) -> click.Command:
    command = rollcall.get_command(CONTEXT, name)
    assert command is not None
    return command


def imported_by(statement: str, **environ: str) -> set[str]:
    """Return every module that a fresh Python has after `statement`, whatever that wrote."""
    listing = "import json, sys; print(); print(json.dumps(sorted(sys.modules)))"
    script = f"try:\n    {statement}\nexcept SystemExit:\n    pass\n{listing}"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=_without_settings() | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def heavy_of(arguments: list[str], **environ: str) -> set[str]:
    """Return what `rollcall` with these arguments imports of HEAVY."""
    command = "from models.commands.rollcall import rollcall; rollcall.main"
    modules = imported_by(f"{command}({arguments!r})", **environ)
    return {name.partition(".")[0] for name in modules} & HEAVY


def _without_settings() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def call(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = [str(Path(sys.executable).with_name("rollcall")), *arguments]
    return subprocess.run(
        program,
        env=_without_settings() | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_subcommands_are_those_of_setup_cfg_and_each_is_there() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"][GROUP].strip().splitlines()
    assert installed_commands() == dict(re.split(r"\s*=\s*", line) for line in lines)
    assert all(isinstance(subcommand(name), click.Command) for name in NAMES)


@pytest.mark.parametrize(
    "group",
    [models.__main__.models, worker.__main__.worker, realtime.__main__.realtime],
)
def test_python_m_runs_the_very_same_commands(group: ByName) -> None:
    installed = installed_commands()
    same = {name: place for name, place in group.places.items() if name != "revision"}
    assert same == {name: installed[name] for name in same}
    assert serve.command is subcommand("serve")


@pytest.mark.process
def test_help_and_completion_import_nothing_heavy() -> None:
    for arguments in (["--help"], ["token", "--help"], ["explain"], ["nothing"]):
        assert heavy_of(arguments) == set()


@pytest.mark.process
@pytest.mark.parametrize("name", ["migrate", "serve", "worker", "beat", "token --tenant 1"])
def test_a_wrong_setting_costs_reading_the_settings_and_no_more(name: str) -> None:
    assert heavy_of(name.split(), **SETTINGS | {"PORT": "eighty"}) == {"pydantic"}


@pytest.mark.process
def test_a_token_costs_no_server() -> None:
    assert heavy_of(["token", "--tenant", "1"], **SETTINGS) == {"cryptography", "jwt", "pydantic"}


@pytest.mark.process
def test_what_reads_the_database_costs_no_celery_no_redis_and_no_orm() -> None:
    command = "from models.commands.rollcall import rollcall; rollcall.main"
    modules = imported_by(f"{command}({['explain', 'p', '--tenant', '1']!r})", **SETTINGS)
    assert {"celery", "kombu", "redis", "socketio", "aiohttp", "alembic"} & modules == set()
    assert "sqlalchemy.orm" not in modules and "sqlalchemy" in modules


@pytest.mark.process
@pytest.mark.parametrize("name", NAMES)
def test_a_subcommand_imports_its_own_side_only(name: str) -> None:
    place = installed_commands()[name]
    side = place.partition(".")[0]
    modules = imported_by(f"import pkgutil; pkgutil.resolve_name({place!r})")
    assert not [module for module in modules if module.partition(".")[0] == SIDES[side]]


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_the_help_can_be_typed(name: str) -> None:
    command = subcommand(name)
    assert command.epilog and command.short_help
    examples = re.findall(rf"rollcall {name}\b([^\n&|)]*)", command.epilog)
    assert examples
    for example in examples:
        arguments = shlex.split(example, comments=True)
        command.make_context(name, arguments, parent=CONTEXT)


@pytest.mark.process
def test_it_says_which_it_is() -> None:
    process = call("--version")
    assert (process.returncode, process.stdout) == (
        0,
        f"rollcall {rollcall_version()}, schema revision {newest_revision()}\n",
    )


WRONG = {
    (): "Commands:",
    ("explian",): "No such command 'explian'",
    ("explain", "p"): "Missing option '--tenant'",
    ("explain", "--tenant", "1"): "Missing argument 'PUNCH_ID'",
    ("token", "--tenant", "0"): "'0' is no id: an integer from 1 to 2^53 - 1, or a string",
    ("token", "--tenant", "1", "--sites", "15,x"): "'x' is no id",
    (
        "token",
        "--tenant",
        "1",
        "--role",
        "owner",
    ): "'owner' is not one of 'viewer', 'operator', 'admin'",
    ("resubmit", "7"): "'7' is not a valid UUID",
    ("migrate", "--patient", "3"): "No such option '--patient'. Did you mean '--patience'?",
    (
        "backtest",
        "--tenant",
        "1",
        "--policy",
        "p",
        "--from",
        "yesterday",
    ): "'yesterday' is neither a date nor a moment",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_said_in_a_sentence_with_status_2(
    arguments: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(rollcall, arguments, "rollcall")
    output = capsys.readouterr()
    assert (ended.value.code, output.out) == (2, "")
    assert WRONG[arguments] in output.err


def test_an_expected_failure_is_one_sentence_with_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    def failing() -> None:
        raise Failed("nothing is there")

    with pytest.raises(SystemExit) as ended:
        run(failing, [], "rollcall")
    assert (ended.value.code, capsys.readouterr()) == (1, ("", "rollcall: nothing is there\n"))


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def endless() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run(endless, [], "rollcall")
    assert (ended.value.code, capsys.readouterr().err.strip()) == (130, "")


@pytest.mark.process
def test_shells_complete_subcommands_options_and_values() -> None:
    for line, completed in {
        "rollcall exp": "explain",
        "rollcall token --te": "--tenant",
        "rollcall token --role ad": "admin",
    }.items():
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        process = call(_ROLLCALL_COMPLETE="bash_complete", **words)
        assert process.stdout.split() == [f"plain,{completed}"]


@pytest.mark.process
@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["serve"],
        ["worker"],
        ["beat"],
        ["token", "--tenant", "1"],
        ["explain", "p", "--tenant", "1"],
        ["rejected"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_wrong_settings_are_told_before_anything_else_is_imported(arguments: list[str]) -> None:
    process = call(*arguments, DATABASE_URL="mysql://x/", PORT="eighty")
    assert (process.returncode, process.stdout) == (2, "")
    assert all(name in process.stderr for name in ("DATABASE_URL", "REDIS_URL", "PORT"))
    assert "Traceback" not in process.stderr
    assert process.stderr.count("rollcall:") == 1


@pytest.mark.process
@pytest.mark.parametrize(
    "name",
    ["explain p --tenant 1", "rejected", "backtest --tenant 1 --policy {policy} --from 2026-01-01"],
)
def test_a_postgres_that_is_away_is_one_sentence(name: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text("{}")
    process = call(*name.format(policy=policy).split(), **SETTINGS)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("rollcall: Postgres does not answer: ")
    assert process.stderr.count("\n") == 1
    assert "geheim" not in process.stderr


def test_a_database_that_was_never_migrated_is_one_sentence(
    bare_database: str,
    redis_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", bare_database)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setattr("worker.commands.installation.start_logs", lambda _level: None)
    with pytest.raises(SystemExit) as ended:
        run(rollcall, ["rejected"], "rollcall")
    assert ended.value.code == 1
    assert "`rollcall migrate` brings it there" in capsys.readouterr().err
