"""The floor as a process: put together from values, run until SIGTERM, ended cleanly.

Start, restart after a crash and start after a clean end are the same. What would not get better
by trying again (a broken tape, a folder in use, a newer schema) is said on standard error, and the
exit code `EXIT_FINAL` asks not to be started again.
"""

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertape.domain.errors import (
    DataFolderBusyError,
    FencedError,
    StorageUnavailableError,
    TapeBrokenError,
    WorldDiffersError,
)
from papertape.domain.memory import settle_memory
from papertape.floor.clock import WorldClock
from papertape.floor.disk import DiskRoom
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.link.server import LinkServer
from papertape.floor.loop import FloorLoop
from papertape.floor.market_news import BarKeeper, BarSink, MarketNews
from papertape.floor.ports import Link, MarketSource, Storage
from papertape.floor.queue import Limits
from papertape.floor.tick_keeper import TickKeeper, TickSink
from papertape.floor.world_loop import Rhythm, WorldLoop
from papertape.storage.bodies import open_storage, wait_until_reachable
from papertape.storage.lock import DataFolderLock
from papertape.storage.place import Place
from papertape.storage.schema import SchemaTooNewError
from papertape.storage.snapshots import SnapshotFolder

EXIT_FINAL = 78
EXIT_AGAIN = 75
"""Starting again may help (sysexits.h: EX_TEMPFAIL)."""

DATABASE = "exchange.db"
SNAPSHOTS = "snapshots"
LOCK_PATIENCE_S = 3.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorldSpec:
    """A world to run: where its prices come from, how fast its clock is, who keeps its past."""

    world: str
    source: MarketSource | None
    speed: float = 1.0
    bars: BarSink | None = None
    ticks: TickSink | None = None


def run_floor(
    *,
    data_dir: Path,
    worlds: Sequence[WorldSpec],
    addresses: LinkAddresses,
    place: Place | None = None,
    ready: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
    rhythm: Rhythm | None = None,
) -> int:
    """Run a floor until SIGTERM; returns the exit code. `ready` is called once it answers.

    `place` is where the tape is when it is not in the data folder; it is waited for.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which says SIGTERM
    try:
        with DataFolderLock(data_dir, LOCK_PATIENCE_S):
            _run(data_dir, place or data_dir / DATABASE, worlds, addresses, ready, limits, rhythm)
    except (
        TapeBrokenError,
        WorldDiffersError,
        DataFolderBusyError,
        FencedError,
        SchemaTooNewError,
    ) as error:
        sys.stderr.write(f"papertape floor: {error}\n")
        return EXIT_FINAL
    except StorageUnavailableError as error:
        _log.error("the floor could not start: %s", error)
        return EXIT_AGAIN
    return 0


def _run(
    data_dir: Path,
    place: Place,
    worlds: Sequence[WorldSpec],
    addresses: LinkAddresses,
    ready: Callable[[], None],
    limits: Limits | None,
    rhythm: Rhythm | None,
) -> None:
    wait_until_reachable(place)
    storage = open_storage(place)
    keepers = {spec.world: BarKeeper(spec.bars) for spec in worlds if spec.bars is not None}
    ticks = {spec.world: TickKeeper(spec.ticks) for spec in worlds if spec.ticks is not None}
    try:
        for spec in worlds:
            storage.hold(spec.world, LOCK_PATIENCE_S)
        link = LinkServer(addresses)
        disk = DiskRoom(data_dir)
        loops = [
            open_world(
                spec,
                storage=storage,
                snapshots=SnapshotFolder(data_dir / SNAPSHOTS),
                link=link,
                keeper=keepers.get(spec.world),
                ticks=ticks.get(spec.world),
                limits=limits,
                rhythm=rhythm,
                address=addresses.ask,
                disk=disk,
            )
            for spec in worlds
        ]
        floor = FloorLoop(link, loops)
        signal.signal(signal.SIGTERM, lambda *_: floor.stop())
        settle_memory()
        ready()
        floor.run()
    finally:
        for keeper in keepers.values():
            keeper.close()
        for ticks_keeper in ticks.values():
            ticks_keeper.close()
        storage.close()
    _log.info("the floor has ended")


def open_world(
    spec: WorldSpec,
    *,
    storage: Storage,
    snapshots: SnapshotFolder,
    link: Link,
    keeper: BarKeeper | None = None,
    ticks: TickKeeper | None = None,
    limits: Limits | None = None,
    rhythm: Rhythm | None = None,
    address: str = "",
    disk: DiskRoom | None = None,
) -> WorldLoop:
    """Take over a world, load it and list what its source trades."""
    return WorldLoop(
        world_id=spec.world,
        storage=storage,
        snapshots=snapshots,
        link=link,
        source=spec.source,
        clock=WorldClock(speed=spec.speed, told=getattr(spec.source, "now_ns", None)),
        news=MarketNews(spec.world, keeper, ticks),
        limits=limits,
        rhythm=rhythm,
        address=address,
        disk=disk,
    )
