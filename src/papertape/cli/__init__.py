"""The command line: parses, calls `app`, prints.

Rooms are imported by the command that needs them, so that `papertape --help` answers at once.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from papertape.cli import access, accounts, engine, market, orders

if TYPE_CHECKING:
    from papertape.config import Settings

app = typer.Typer(
    name="papertape",
    help="A stock exchange in a box: paper trading with honest fills.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
user = typer.Typer(help="Users of this installation.", no_args_is_help=True)
app.add_typer(user, name="user")
secrets = typer.Typer(help="Keys that seal what is personal.", no_args_is_help=True)
app.add_typer(secrets, name="secrets")

tape = typer.Typer(help="The record of what happened.", no_args_is_help=True)
app.add_typer(tape, name="tape")

EXIT_USAGE = 2

DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder with all state.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="postgresql://user@host/database: keep tape and users there. With a password, better "
        "the variable PAPERTAPE_DATABASE_URL, which nobody else can read.",
    ),
]


def main() -> None:
    """Entry point of the `papertape` command."""
    app()


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with all state.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulated market.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="World seconds per second; a replay has its own default.")
    ] = None,
    hours: Annotated[
        Literal["open", "real"] | None, typer.Option(help="open: always; real: calendars.")
    ] = None,
    sharing: Annotated[
        Literal["shared", "isolated"] | None,
        typer.Option(help="shared: users trade with each other; isolated: each with the market."),
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, typer.Option(help="How much to log.")
    ] = None,
    log_json: Annotated[bool | None, typer.Option("--log-json", help="Log JSON lines.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Trade against this market file.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Symbol of the --replay FILE.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Start the product and stay until SIGTERM or Ctrl-C."""
    settings = _settings(locals())
    from papertape import app as composition

    sys.exit(composition.up(settings))


@app.command()
def verify(data_dir: DataDir = Path("data"), database_url: DatabaseUrl = None) -> None:
    """Check the tape, its hashes and every read model of a stopped product.

    Exit code 0: clean. 1: findings, a line each with world, seq and table. 2: cannot check.
    """
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.verify(settings))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A folder that is new or empty.")],
    data_dir: DataDir = Path("data"),
    database_url: DatabaseUrl = None,
) -> None:
    """Copy what a product keeps, in its data folder and in PostgreSQL; it may run meanwhile."""
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.backup(settings, target))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `papertape backup` made.")],
    data_dir: DataDir = Path("data"),
    database_url: DatabaseUrl = None,
) -> None:
    """Make a data folder, which is new or empty, from a backup, and verify it.

    What was in PostgreSQL is loaded into a database that has no product yet.

    Exit code 0: as it was. 1: findings of `verify`. 2: refused, and nothing was changed.
    """
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.restore(settings, source))


@tape.command("archive")
def tape_archive(data_dir: DataDir = Path("data"), database_url: DatabaseUrl = None) -> None:
    """Move old turns of a stopped product into sealed, compressed segments.

    What was held and traded stays as it is; `verify` reads through the segments.
    """
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.tape_archive(settings))


@app.command()
def backtest(
    strategy: Annotated[str, typer.Argument(metavar="FILE.py:Class")],
    data: Annotated[Path, typer.Option(help="Market file: .csv, .csv.gz or .parquet.")],
    symbol: Annotated[str | None, typer.Option(help="Symbol; else from the file name.")] = None,
    cash: Annotated[str, typer.Option(help="Starting cash.")] = "100000",
    fee: Annotated[str, typer.Option(help="Fee as a share of the traded value.")] = "0.001",
    fill_on: Annotated[str, typer.Option(help="next_open or close.")] = "next_open",
    parameters: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, a parameter of the strategy.")
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file.")
    ] = None,
) -> None:
    """Run a strategy over the bars of a file and print what came of it."""
    from papertape.backtest.command import run_command

    sys.exit(
        run_command(
            strategy,
            data=data,
            symbol=symbol,
            cash=cash,
            fee=fee,
            fill_on=fill_on,
            settings=parameters or [],
            json_path=json_path,
        )
    )


Password = Annotated[
    str | None, typer.Option(help="The password; without it one is made and printed once.")
]


@user.command("create")
def user_create(
    username: str,
    role: Annotated[str, typer.Option(help="user, instructor or admin.")] = "user",
    password: Password = None,
    data_dir: DataDir = Path("data"),
    database_url: DatabaseUrl = None,
) -> None:
    """Create a user."""
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.user_create(settings, username, role, password))


@user.command("set-role")
def user_set_role(
    username: str,
    role: str,
    data_dir: DataDir = Path("data"),
    database_url: DatabaseUrl = None,
) -> None:
    """Give a user the role user, instructor or admin."""
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.user_set_role(settings, username, role))


@user.command("reset-password")
def user_reset_password(
    username: str,
    password: Password = None,
    data_dir: DataDir = Path("data"),
    database_url: DatabaseUrl = None,
) -> None:
    """Give a user a new password; the old one stops working at once."""
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.user_reset_password(settings, username, password))


@user.command("reset-token")
def user_reset_token(username: str, data_dir: DataDir = Path("data")) -> None:
    """Print a token with which a user sets a new password, once and within an hour."""
    from papertape import app as composition

    sys.exit(composition.user_reset_token(_settings({"data_dir": data_dir}), username))


@user.command("two-factor-off")
def user_two_factor_off(username: str, data_dir: DataDir = Path("data")) -> None:
    """Switch off the second factor of a user who lost the app and the recovery codes."""
    from papertape import app as composition

    sys.exit(composition.user_two_factor_off(_settings({"data_dir": data_dir}), username))


@secrets.command("rotate")
def secrets_rotate(data_dir: DataDir = Path("data"), database_url: DatabaseUrl = None) -> None:
    """Make a new key and seal all users' keys with it; a product that runs goes on.

    The key before stays in secrets/personal.key until the next rotation.
    """
    settings = _settings({"data_dir": data_dir, "database_url": database_url})
    from papertape import app as composition

    sys.exit(composition.secrets_rotate(settings))


# --- over the API: a running product, here or elsewhere -------------------------------------------

app.add_typer(orders.order, name="order", rich_help_panel="Trading")
app.add_typer(accounts.account_app, name="account", rich_help_panel="Trading")
app.add_typer(access.keys, name="keys", rich_help_panel="Access")
app.add_typer(engine.engine, name="engine", rich_help_panel="Operation")
for panel, commands in {
    "Trading": (orders.positions, orders.close, accounts.accounts),
    "Market": (market.quote, market.book, market.bars, market.instruments, market.watch),
    "Access": (access.login, access.logout, access.whoami),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def _settings(given: dict[str, object]) -> "Settings":
    """Read the settings, or say in a line each what is wrong with them and exit.

    What is None was not given.
    """
    from papertape.config.reading import SettingsError, read_settings

    try:
        return read_settings({name: value for name, value in given.items() if value is not None})
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"papertape: {problem}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
