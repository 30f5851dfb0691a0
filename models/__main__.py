"""`python -m models migrate` brings the database up to the newest revision; the `release` line of the Procfile."""

import argparse

from models.migrations.upgrade import migrate, write_revision
from models.misspelt import print_misspelt
from models.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("migrate", help="upgrade the database named by DATABASE_URL; two at once take turns")
    command.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help="how long to wait for Postgres (60)")
    command = commands.add_parser("revision", help="for developers: write a revision for what models.tables has and the database has not")
    command.add_argument("message")
    arguments = parser.parse_args()
    url = load_settings().database_url
    print_misspelt()
    if arguments.command == "revision":
        write_revision(url, arguments.message)
        return
    migrate(url, patience=arguments.patience)
    print("rollcall: the database is up to date")


if __name__ == "__main__":
    main()
