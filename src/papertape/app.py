"""The composition root: the only place where rooms are put together.

`up` starts the product: this process becomes the parent of a floor, a server and a follower, each
of them `python -m papertape.app ROLE SETTINGS`. The other functions are one command each.
"""

import asyncio
import dataclasses
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from papertape.config import Settings
from papertape.supervisor import EXIT_FINAL, Child, Supervisor, say_ready, stay_with_parent

if TYPE_CHECKING:
    from papertape.markets.replay import ReplayMarket
    from papertape.markets.scheduled import ScheduledMarket
    from papertape.markets.store import BarStore
    from papertape.markets.ticks import TickStore
    from papertape.server.auth.store import AuthStore, Role
    from papertape.server.mail import Mailer
    from papertape.storage.place import Place, PostgresSchema

MAIN_WORLD: Final = "main"
EXCHANGE: Final = "exchange"
AUTH: Final = "auth"
"""The parts of the product that keep tables: `exchange.db` and `auth.db`, or schemas."""

BACKFILLED_MINUTES: Final = 2 * 24 * 60
FLOOR_SECONDS_MAX: Final = 600.0
"""A floor that loads a long tape is waited for."""

FOLLOWER_WAITS_SECONDS: Final = 10.0

EXIT_USAGE: Final = 2

PAGE_OF_A_CHECKOUT: Final = Path(__file__).parents[2] / "web" / "dist"


# --- papertape up --------------------------------------------------------------------------------


def up(settings: Settings) -> int:
    """Start everything, print the address, stay until told to end; returns the exit code."""
    problem = _refusal(settings)
    if problem:
        return _complain(problem)
    try:
        world = _world(settings)
    except ValueError as error:
        return _complain(str(error))
    try:
        listener = _listen(settings)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        return _complain(f"cannot listen on {place}: {error.strerror}; choose another --port")
    said = [settings.to_json(), world, str(os.getpid()), str(listener.fileno())]
    command = [sys.executable, "-m", "papertape.app"]
    supervisor = Supervisor(
        [
            Child("floor", [*command, "floor", *said]),
            Child("follower", [*command, "follower", *said], awaited=False),
            Child("server", [*command, "server", *said], descriptors=[listener.fileno()]),
        ],
        environment=settings.environment(),
    )
    return supervisor.run(lambda: _announce(settings, listener))


def _refusal(settings: Settings) -> str | None:
    if settings.replay and not settings.replay.is_file():
        return f"--replay: there is no file {settings.replay}"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        return f"--data-dir: cannot make {settings.data_dir}: {error.strerror}"
    return _database_problem(settings)


def _database_problem(settings: Settings) -> str | None:
    """Why the database cannot be reached, before anything is started on it."""
    if settings.database_url is None:
        return None
    from papertape.storage.bodies import unreachable

    place = _place(settings, EXCHANGE)
    problem = unreachable(place)
    return problem and f"--database-url: cannot reach the {place}: {problem}"


def _place(settings: Settings, name: str) -> "Place":
    """Where the tables of a part are: a file of the data folder, or a schema of PostgreSQL."""
    if settings.database_url is None:
        return settings.data_dir / f"{name}.db"
    from papertape.storage.place import PostgresSchema, PostgresUrl

    return PostgresSchema(PostgresUrl.read(settings.database_url), name, settings.data_dir)


def _schemas(settings: Settings) -> "list[PostgresSchema]":
    """The schemas of a product that keeps its tables in PostgreSQL; else none."""
    from papertape.storage.place import PostgresSchema

    places = [_place(settings, name) for name in (EXCHANGE, AUTH)]
    return [place for place in places if isinstance(place, PostgresSchema)]


def _world(settings: Settings) -> str:
    """The one world that this run serves; raises ValueError for a file that cannot be replayed."""
    return _replayed(settings).world if settings.replay else MAIN_WORLD


def _listen(settings: Settings) -> socket.socket:
    """A bound socket: it outlives a server that falls, so that callers wait and are not refused."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(2048)
    return listener


def _announce(settings: Settings, listener: socket.socket) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Papertape is ready at http://{host}:{listener.getsockname()[1]}/")
    also = " and in PostgreSQL" if settings.database_url else ""
    print(f"State is kept in {settings.data_dir}{also}; Ctrl-C stops everything.", flush=True)


# --- the processes of it -------------------------------------------------------------------------


def floor(settings: Settings, world: str) -> int:
    """The floor's process: one writer for the world."""
    from papertape.floor.link.frames import LinkAddresses
    from papertape.floor.process import WorldSpec, run_floor
    from papertape.markets.store import BarStore

    root = settings.data_dir / "bars" / world
    ticks = _ticks(settings, world)
    if settings.replay:
        replay = _replayed(settings)
        bars = BarStore(root, partition=replay.bar_partition)
        spec = WorldSpec(world, replay, bars=bars, ticks=ticks)
    else:
        bars = BarStore(root)
        spec = WorldSpec(world, _simulated(settings, bars), settings.speed, bars, ticks)
    return run_floor(
        data_dir=settings.data_dir,
        worlds=[spec],
        addresses=LinkAddresses.in_folder(settings.data_dir),
        place=_place(settings, EXCHANGE),
        ready=say_ready,
    )


def _ticks(settings: Settings, world: str) -> "TickStore | None":
    """Where quotes and prints of the past are; None where none shall be kept."""
    from papertape.markets.ticks import TickStore

    root = settings.data_dir / "ticks" / world
    return TickStore(root, settings.ticks_kept) if settings.ticks_kept else None


def _simulated(settings: Settings, bars: "BarStore") -> "ScheduledMarket":
    """The simulated market; at a first start, charts get a history that leads up to it."""
    from papertape.markets.scheduled import ScheduledMarket, always_open, sessions_of_calendar
    from papertape.markets.simulated import SimulatedSource

    source = ScheduledMarket(
        SimulatedSource(seed=settings.seed, world=MAIN_WORLD, sharing=settings.sharing),
        sessions_of_calendar if settings.hours == "real" else always_open,
    )
    if any(bars.is_empty(symbol) for symbol in source.symbols):
        for symbol, history in source.backfill(time.time_ns(), BACKFILLED_MINUTES):
            if bars.is_empty(symbol):
                bars.backfill(symbol, history)
    return source


def _replayed(settings: Settings) -> "ReplayMarket":
    from papertape.markets.replay import ReplayMarket

    assert settings.replay is not None
    return ReplayMarket(
        settings.replay,
        speed=settings.speed,
        symbol=settings.symbol,
        seed=settings.seed,
        sharing=settings.sharing,
    )


def follower(settings: Settings, world: str) -> int:
    """The follower's process: checks the tape behind the floor and takes the snapshots.

    It begins when the others have started, so that it takes nothing from their start.
    """
    time.sleep(FOLLOWER_WAITS_SECONDS)
    from papertape.floor.follower import run_follower

    place = _place(settings, EXCHANGE)
    while isinstance(place, Path) and not place.exists():
        time.sleep(0.2)
    return run_follower(data_dir=settings.data_dir, worlds=[world], place=place, ready=say_ready)


def server(settings: Settings, world: str, listener: socket.socket) -> int:
    """The server's process: HTTP and WebSocket on the parent's socket."""
    import uvloop

    from papertape.server.auth.tables import NewerSchemaError
    from papertape.server.auth.vault import WrongVaultKeyError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(settings, world, listener))
        except (NewerSchemaError, WrongVaultKeyError) as error:
            _complain(str(error))
            return EXIT_FINAL
    return 0


async def _serve(settings: Settings, world: str, listener: socket.socket) -> None:
    from papertape.domain.memory import settle_memory
    from papertape.floor.link.client import FloorClient
    from papertape.floor.link.frames import LinkAddresses
    from papertape.markets.scheduled import always_open, sessions_of_calendar
    from papertape.markets.store import BarStore
    from papertape.server.application import create_app
    from papertape.server.auth.tokens import Tokens, load_key
    from papertape.server.rooms import Rooms
    from papertape.server.runner import server_of
    from papertape.storage.bodies import wait_until_reachable
    from papertape.storage.reads import Reads

    wait_until_reachable(_place(settings, AUTH))
    auth = _auth_store(settings)
    _ensure_admin(auth)
    async with FloorClient(LinkAddresses.in_folder(settings.data_dir)) as client:
        await client.connected(FLOOR_SECONDS_MAX)
        application = create_app(
            Rooms(
                floor=client,
                reads=Reads(_place(settings, EXCHANGE), world),
                auth=auth,
                tokens=Tokens(load_key(settings.data_dir / "secrets" / "jwt.key")),
                bars=BarStore(settings.data_dir / "bars" / world),
                ticks=_ticks(settings, world),
                world=world,
                web_dir=settings.web_dir or PAGE_OF_A_CHECKOUT,
                demo_login=_ensure_demo(auth) if settings.loopback else None,
                attempts_per_minute=settings.login_attempts_per_minute,
                requests_per_second=settings.requests_per_second,
                requests_burst=settings.requests_burst,
                webhook_certificate_header=settings.webhook_certificate_header,
                webhooks_allow_private=settings.webhooks_allow_private,
                sessions_of=sessions_of_calendar if settings.hours == "real" else always_open,
                mailer=_mailer(settings),
            )
        )
        settle_memory()
        say_ready()  # the parent's socket already takes connections; they wait a moment
        serving = server_of(application, listener, trusted_proxies=settings.trusted_proxies)
        await serving.serve(sockets=[listener])


def _mailer(settings: Settings) -> "Mailer | None":
    """Who sends mail, where a server for it is named. Without TLS it goes to this machine only."""
    from urllib.parse import unquote, urlsplit

    from papertape.server.mail import Mailer, MailServer

    if settings.smtp_url is None or settings.mail_from is None:
        return None
    parts = urlsplit(settings.smtp_url)
    host, implicit_tls = parts.hostname or "", parts.scheme == "smtps"
    file = settings.smtp_password_file
    server = MailServer(
        host=host,
        port=parts.port or (465 if implicit_tls else 587),
        sender=settings.mail_from,
        implicit_tls=implicit_tls,
        start_tls=host not in {"localhost", "127.0.0.1", "::1"},
        user=unquote(parts.username) if parts.username else None,
        password=file.read_text().strip() if file else "",
    )
    return Mailer(server, settings.public_url or "")


def _ensure_admin(auth: "AuthStore") -> None:
    """Make the admin at the first start, and tell its password; warn where nobody is admin."""
    password = auth.ensure_admin()
    if password:
        print(f"First start: admin login admin / {password} (shown only now)", flush=True)
    elif not auth.has_admin():
        _complain(
            "the user admin is an ordinary one and nobody is admin; "
            "`papertape user set-role NAME admin` makes somebody it"
        )


def _ensure_demo(auth: "AuthStore") -> tuple[str, str] | None:
    """The demo login, told; None, with a warning, where an ordinary user has its name."""
    from papertape.server.auth.store import UsernameTakenError

    try:
        username, password = auth.ensure_demo()
    except UsernameTakenError as error:
        _complain(f"there is no demo login: {error}")
        return None
    print(f"Demo login: {username} / {password}", flush=True)
    return username, password


# --- the other commands --------------------------------------------------------------------------


def verify(settings: Settings) -> int:
    """Check a stopped product; prints a line for each finding. Exit code 0, 1 (findings) or 2."""
    from papertape.domain.errors import DataFolderBusyError
    from papertape.floor.verify import VerifyRefusedError
    from papertape.floor.verify import verify as findings_of

    problem = _database_problem(settings)
    if problem:
        return _complain(problem)
    try:
        findings = findings_of(settings.data_dir, _place(settings, EXCHANGE))
    except (DataFolderBusyError, VerifyRefusedError) as error:
        return _complain(str(error))
    for finding in findings:
        print(finding)
    print(f"papertape verify: {len(findings) or 'no'} finding{'s' * (len(findings) != 1)}")
    return 1 if findings else 0


def backup(settings: Settings, target: Path) -> int:
    """Copy what a product keeps, also while it runs. Exit code 0, or 2 with the reason."""
    from importlib.metadata import version

    from papertape.domain.time_text import time_text
    from papertape.storage.backup import BackupError, back_up

    try:
        manifest = back_up(
            settings.data_dir,
            target,
            release=version("papertape"),
            made_at=time_text(time.time_ns()),
            schemas=_schemas(settings),
        )
    except BackupError as error:
        return _complain(str(error))
    for world, head in manifest.worlds.items():
        print(f"World {world} up to turn {head['seq']}")
    print(f"{len(manifest.files)} files, {manifest.size:,} bytes, are in {target}")
    return 0


def restore(settings: Settings, source: Path) -> int:
    """Make what a product keeps from a backup, and verify it. Exit code 0, 1 (findings) or 2."""
    from papertape.storage.backup import BackupError
    from papertape.storage.backup import restore as restored_from

    try:
        manifest = restored_from(source, settings.data_dir, _schemas(settings))
    except BackupError as error:
        return _complain(str(error))
    print(f"{settings.data_dir} is as it was at {manifest.made_at}")
    if manifest.has_schemas:
        return verify(settings)
    return verify(dataclasses.replace(settings, database_url=None))


def tape_archive(settings: Settings) -> int:
    """Move old turns of a stopped product into segments. Exit code 0, 1 (broken tape) or 2."""
    from papertape.domain.errors import DataFolderBusyError, TapeBrokenError
    from papertape.floor.archive import ArchiveRefusedError, archive

    problem = _database_problem(settings)
    if problem:
        return _complain(problem)
    try:
        done = archive(settings.data_dir, place=_place(settings, EXCHANGE))
    except TapeBrokenError as error:
        _complain(f"nothing more was moved: {error}; run `papertape verify`")
        return 1
    except (DataFolderBusyError, ArchiveRefusedError) as error:
        return _complain(str(error))
    for one in done:
        print(
            f"World {one.world}: {one.turns} turns moved, files of segments made: {one.segments}; "
            f"the tape goes on at turn {one.next_seq}"
        )
    return 0


def user_create(settings: Settings, username: str, role: str, password: str | None) -> int:
    """Create a user; without a password one is made and printed."""
    from papertape.server.auth.passwords import one_time_password

    chosen = password or one_time_password()

    def create(auth: "AuthStore") -> str:
        user = auth.create_user(username, chosen, role=_role(role))
        return f"Created {user.role} {username}" + (f" / {chosen}" if password is None else "")

    return _change_users(settings, create)


def user_set_role(settings: Settings, username: str, role: str) -> int:
    """Give a user another role."""

    def change(auth: "AuthStore") -> str:
        auth.set_role(username, _role(role))
        return f"{username} is now {role}"

    return _change_users(settings, change)


def user_reset_password(settings: Settings, username: str, password: str | None) -> int:
    """Give a user a new password; without one it is made and printed."""

    def change(auth: "AuthStore") -> str:
        chosen = auth.reset_password(username, password)
        return f"New password of {username}" + (f": {chosen}" if password is None else " is set")

    return _change_users(settings, change)


def user_reset_token(settings: Settings, username: str) -> int:
    """Make a token with which the user sets a new password."""

    def change(auth: "AuthStore") -> str:
        token = auth.reset_token(username)
        return f"Token for a new password of {username}, good once within an hour: {token}"

    return _change_users(settings, change)


def user_two_factor_off(settings: Settings, username: str) -> int:
    """Switch off the second factor of a user who lost it."""

    def change(auth: "AuthStore") -> str:
        was_on = auth.end_two_factor(username)
        return f"The second factor of {username} {'is' if was_on else 'was'} off"

    return _change_users(settings, change)


def secrets_rotate(settings: Settings) -> int:
    """Seal the users' keys anew, with an outer key that is made now."""

    def change(auth: "AuthStore") -> str:
        return f"Sealed the keys of {auth.rotate_personal_key()} users anew"

    return _change_users(settings, change)


def _change_users(settings: Settings, change: "Callable[[AuthStore], str]") -> int:
    from papertape.server.auth.store import DemoRoleError, UnknownUserError, UsernameTakenError
    from papertape.server.auth.vault import WrongVaultKeyError

    if not settings.data_dir.is_dir():
        return _complain(f"--data-dir: there is no folder {settings.data_dir}")
    problem = _database_problem(settings)
    if problem:
        return _complain(problem)
    try:
        print(change(_auth_store(settings)))
    except UsernameTakenError as error:
        return _complain(f"the name {error} is taken; choose another")
    except (UnknownUserError, DemoRoleError, WrongVaultKeyError, ValueError) as error:
        return _complain(str(error))
    return 0


def _role(name: str) -> "Role":
    from papertape.server.auth.store import Role

    try:
        return Role(name)
    except ValueError:
        raise ValueError(f"no role is called {name}; use one of {', '.join(Role)}") from None


def _auth_store(settings: Settings) -> "AuthStore":
    from papertape.server.auth.store import KEY_FILE, AuthStore

    key_file = settings.data_dir / "secrets" / KEY_FILE
    return AuthStore(_place(settings, AUTH), key_file=key_file)


def _complain(problem: str) -> int:
    print(f"papertape: {problem}", file=sys.stderr)
    return EXIT_USAGE


# --- how a child begins --------------------------------------------------------------------------


def _log_to_stderr(settings: Settings, role: str) -> None:
    """One line an entry, of this process and of every library, as text or as JSON."""
    import structlog

    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=["request_id"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, entry: {**entry, "process": role},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    # At DEBUG it writes every frame of a stream, tokens too.
    frames = logging.getLogger("uvicorn.error")
    frames.setLevel(max(logging.INFO, logging.getLogger().level))


def main(role: str, told: str, world: str, parent: str, descriptor: str) -> int:
    """Be a child of the product: `python -m papertape.app ROLE SETTINGS WORLD PARENT FD`."""
    stay_with_parent(int(parent))
    settings = Settings.from_json(told)
    _log_to_stderr(settings, role)
    if role == "server":
        return server(settings, world, socket.socket(fileno=int(descriptor)))
    return {"floor": floor, "follower": follower}[role](settings, world)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
