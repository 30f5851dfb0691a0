"""`rollcall serve`."""

import click


@click.command(
    short_help="Serve viewers, REST and the page on PORT.",
    epilog="""\b
Examples:
  rollcall serve
  PORT=8001 METRICS_PORT=9101 rollcall serve     # another one on the same machine""",
)
def command() -> int:
    """Serve Socket.IO, REST and the page on PORT, until SIGTERM or SIGINT."""
    # Imported here, and the server last: help needs neither, a wrong setting only the first.
    from models.settings import load_settings

    settings = load_settings(tokens=True)
    from realtime.serving import serve_until_stopped

    return serve_until_stopped(settings)
