"""Names that are nearly a setting's are warned of, and names that others set are not."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dev.embedded.ports import free_port
from models.misspelt import misspelt
from models.settings import Settings

ROOT = Path(__file__).parents[2]

NEARLY = {
    "FEED_RETENTON_DAYS": "FEED_RETENTION_DAYS",
    "FEED_RETENTION": "FEED_RETENTION_DAYS",
    "VIEWER_BUFER_BYTES": "VIEWER_BUFFER_BYTES",
    "VIEWER_EVENTS_PER_SEC": "VIEWER_EVENTS_PER_SECOND",
    "JWT_SECRETS": "JWT_SECRET",
    "JWT_JWKS_URI": "JWT_JWKS_URL",
    "JWT_ALGORITHM": "JWT_ALGORITHMS",
    "METRIC_PORT": "METRICS_PORT",
    "METRICS_TOKENS": "METRICS_TOKEN",
    "WORKER_METRIC_PORT": "WORKER_METRICS_PORT",
    "HEART_BEAT_FILE": "HEARTBEAT_FILE",
    "DATABSE_URL": "DATABASE_URL",
    "REDIS_CHANEL": "REDIS_CHANNEL",
    "CELERY_BROKERURL": "CELERY_BROKER_URL",
    "CORS_ORIGIN": "CORS_ORIGINS",
    "BROKER_QUEUETYPE": "BROKER_QUEUE_TYPE",
    "DATA-DIR": "DATA_DIR",
    "feed_retention_days": "FEED_RETENTION_DAYS",
    "Log_Level": "LOG_LEVEL",
    "port": "PORT",
}

MACHINE = """
PATH HOME USER SHELL PWD OLDPWD SHLVL _ LANG LC_ALL LANGUAGE TERM COLORTERM EDITOR PAGER MAIL
LOGNAME HOSTNAME HOST HOSTTYPE TZ TMPDIR DISPLAY SSH_AUTH_SOCK SSH_CONNECTION XDG_DATA_DIRS
XDG_DATA_HOME XDG_RUNTIME_DIR XDG_CONFIG_DIRS DBUS_SESSION_BUS_ADDRESS LS_COLORS http_proxy
https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY VIRTUAL_ENV PYTHONPATH PYTHONUNBUFFERED
PYTHONDONTWRITEBYTECODE PYTHON_VERSION PIP_INDEX_URL NODE_VERSION GPG_KEY DEBIAN_FRONTEND
container INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID NOTIFY_SOCKET LISTEN_FDS MAINPID
CREDENTIALS_DIRECTORY STATE_DIRECTORY LOGS_DIRECTORY MALLOC_ARENA_MAX LD_PRELOAD CI GITHUB_TOKEN
DOCKER_HOST COMPOSE_PROJECT_NAME
"""
PLATFORMS = """
KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS
KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT
KUBERNETES_PORT_443_TCP_PROTO POD_NAME POD_IP NODE_NAME REDIS_PORT REDIS_SERVICE_HOST
REDIS_SERVICE_PORT REDIS_PORT_6379_TCP REDIS_PORT_6379_TCP_ADDR REDIS_HOST REDIS_PASSWORD
REDIS_USERNAME REDIS_DB FLOWER_SERVICE_HOST FLOWER_SERVICE_PORT FLOWER_PORT_5555_TCP
METRICS_SERVICE_HOST METRICS_SERVICE_PORT METRICS_PORT_9090_TCP_PORT WORKER_METRICS_SERVICE_PORT
WORKER_METRICS_PORT_9100_TCP_ADDR REDIS_TLS_URL REDISCLOUD_URL HEROKU_APP_NAME DYNO
WEB_CONCURRENCY AWS_REGION AWS_SECRET_ACCESS_KEY GOOGLE_CLOUD_PROJECT RAILWAY_STATIC_URL
RENDER_SERVICE_NAME FLY_APP_NAME
"""
PROGRAMS = """
DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD PGHOST PGPORT PGUSER
PGPASSWORD PGDATA PGDATABASE POSTGRES_PORT POSTGRES_PASSWORD POSTGRES_DB POSTGRES_HOST
POSTGRES_USER RABBITMQ_PORT RABBITMQ_NODE_PORT RABBITMQ_DEFAULT_PASS SERVER_PORT HTTP_PORT
WEB_PORT APP_PORT ADMIN_PORT METRICS_PATH STATSD_PORT GRAFANA_PORT DB_PORT PORTS SECRET_KEY
JWT_SECRET_KEY JWT_PRIVATE_KEY LOGLEVEL LOG_FORMAT LOG_FILE LOG_DIR CELERY_LOG_LEVEL
CELERY_BROKER_READ_URL CELERY_BROKER_WRITE_URL CELERY_RESULT_BACKEND CELERY_CONFIG_MODULE
CELERY_LOADER C_FORCE_ROOT FLOWER_ADDRESS FLOWER_BASIC_AUTH FLOWER_URL_PREFIX FLOWER_HOST
GUNICORN_CMD_ARGS UVICORN_PORT SENTRY_DSN SQLALCHEMY_DATABASE_URL DATABASE_URL_FILE
OTEL_EXPORTER_OTLP_ENDPOINT DATADIR
"""
OURS = """
DEMO DEMO_SPEED ROLLCALL_FAULTS FAULTS FLIGHTS COMPANY PUNCHES SEEDS PROPERTY_DAYS
HYPOTHESIS_PROFILE PROMETHEUS_MULTIPROC_DIR TEST_DATABASE_URL TEST_REDIS_URL TEST_BROKER_URL
PYTEST_XDIST_WORKER CHROMIUM PYTHON_BASE TOKEN URL
"""


@pytest.mark.parametrize(("given", "meant"), NEARLY.items())
def test_what_is_nearly_a_setting_names_it(given: str, meant: str) -> None:
    assert misspelt({given: "x"}) == {given: meant}


@pytest.mark.parametrize(
    "names", [MACHINE, PLATFORMS, PROGRAMS, OURS], ids=["machine", "platforms", "programs", "ours"]
)
def test_what_others_set_is_no_setting_misspelt(names: str) -> None:
    assert misspelt(dict.fromkeys(names.split(), "x")) == {}


def test_no_setting_is_another_one_misspelt() -> None:
    assert misspelt({name.upper(): "x" for name in Settings.model_fields}) == {}


def test_a_service_of_kubernetes_is_no_setting_misspelt() -> None:
    of_a_service = {
        "METRIC_SERVICE_HOST": "10.0.0.1",
        "METRIC_SERVICE_PORT": "9090",
        "METRIC_PORT": "tcp://10.0.0.1:9090",
    }
    assert misspelt(of_a_service) == {}


def test_one_that_is_empty_is_as_good_as_unset() -> None:
    assert misspelt({"JWT_SECRETS": ""}) == {}


GOOD = {
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "JWT_SECRET": "0123456789abcdef" * 2,
}
VALUE = "not-to-be-shown"


def environment(**other: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | GOOD | other


def said_by(*command: str, **environ: str) -> str:
    """Return the standard error of a process, which may fail for lack of servers."""
    process = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment(**environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert VALUE not in process.stdout + process.stderr
    return process.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    "command",
    [
        ("models", "migrate", "--patience", "0"),
        ("worker", "rejected"),
        ("realtime", "token", "--tenant", "1"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_command_says_it_in_one_line(command: tuple[str, ...]) -> None:
    output = said_by(*command, FEED_RETENTON_DAYS=VALUE)
    assert [
        line
        for line in output.splitlines()
        if "FEED_RETENTON_DAYS" in line and "FEED_RETENTION_DAYS may be meant" in line
    ]
    assert "may be meant" not in said_by(*command)


PROCESSES = {
    "realtime": ("realtime",),
    "worker": ("celery", "-A", "worker", "worker", "--pool", "solo"),
    "beat": ("celery", "-A", "worker", "beat", "--schedule", "{folder}/schedule", "--pidfile="),
}


@pytest.mark.process
@pytest.mark.parametrize("command", PROCESSES.values(), ids=PROCESSES)
def test_a_process_logs_it(command: tuple[str, ...], tmp_path: Path) -> None:
    environ = environment(VIEWER_BUFER_BYTES=VALUE, PORT=str(free_port()))
    arguments = [part.format(folder=tmp_path) for part in command]
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environ, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    ending = threading.Timer(60, process.kill)
    ending.start()
    assert process.stderr
    lines = (json.loads(line) for line in process.stderr if line.startswith("{"))
    warning = next(line for line in lines if line["event"] == "setting_unknown")
    process.kill()
    _, rest = process.communicate()
    ending.cancel()
    assert (warning["given"], warning["meant"], warning["level"]) == (
        "VIEWER_BUFER_BYTES",
        "VIEWER_BUFFER_BYTES",
        "warning",
    )
    assert VALUE not in f"{warning}{rest}"
