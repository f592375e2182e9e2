from __future__ import annotations

from pathlib import Path

import pytest

from tests.once import quick_study


@pytest.fixture(scope="session")
def study(own_cache: None, run_folder: Path) -> Path:
    """Give the folder of a quick study of everything, for slow tests."""
    return quick_study(run_folder)
