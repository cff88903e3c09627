import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from papertape.domain.errors import DataFolderBusyError
from papertape.storage.lock import DataFolderLock

HOLDER = """
import pathlib, sys, time
from papertape.storage.lock import DataFolderLock
lock = DataFolderLock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with (
        DataFolderLock(tmp_path),
        pytest.raises(DataFolderBusyError, match=f"in use by process {os.getpid()}"),
    ):
        DataFolderLock(tmp_path)
    DataFolderLock(tmp_path).release()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(DataFolderBusyError, match=str(holder.pid)):
        DataFolderLock(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    DataFolderLock(tmp_path).release()


def test_a_lock_may_be_waited_for_while_its_holder_ends(tmp_path: Path) -> None:
    lock = DataFolderLock(tmp_path)
    threading.Timer(0.2, lock.release).start()
    DataFolderLock(tmp_path, patience_s=5).release()
