"""The folder of real market data, where there is one."""

import os
from pathlib import Path

import pytest

DATA_FOLDERS = (
    Path(os.environ.get("PAPERTAPE_MARKET_DATA", "")),
    Path(__file__).parents[2] / "shared" / "data",
)


@pytest.fixture
def market_data():
    """Give the path of a real market file; skip, by the file's name, when it is absent."""

    def path_of(name: str) -> Path:
        for folder in DATA_FOLDERS:
            if folder != Path() and (folder / name).is_file():
                return folder / name
        pytest.skip(f"{name} is not on this machine (set PAPERTAPE_MARKET_DATA to its folder)")

    return path_of
