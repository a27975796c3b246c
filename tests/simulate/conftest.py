"""Worlds that several tests look at, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from written_world import Written, make


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Every archetype and every look-alike, 1,000 accounts."""
    return make(tmp_path_factory.mktemp("mixed"), "mixed", 0.2, 5)
