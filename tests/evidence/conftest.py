from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent))
from made_case import MANIFEST, NOW, RUN_ID, case_file, run_tables

from stillwatch.config import Settings, settings
from stillwatch.evidence import bag, seal
from stillwatch.evidence.casefile import CaseFile
from stillwatch.evidence.payload import Sealed, sealed
from stillwatch.evidence.redaction import redacted
from stillwatch.warehouse import runs


@pytest.fixture(scope="session")
def case() -> CaseFile:
    """The full copy."""
    return redacted(case_file(), None)


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


@pytest.fixture(scope="session")
def made(case: CaseFile, key: Ed25519PrivateKey) -> Sealed:
    """The sealed bundle in memory."""
    return sealed(case, key)


@pytest.fixture
def bundle(made: Sealed, tmp_path: Path) -> Path:
    """The sealed bundle as a folder of its own, to be tampered with."""
    folder = tmp_path / "B-0001"
    folder.mkdir()
    bag.write(folder, made.files, NOW)
    return folder


@pytest.fixture(scope="session")
def public(key: Ed25519PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sender's public key, as it came by another way."""
    path = tmp_path_factory.mktemp("key") / "sender.pem"
    path.write_bytes(seal.public_pem(key))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home with one published run."""
    own = settings(tmp_path / "home")
    runs.publish(own.runs, RUN_ID, run_tables(), MANIFEST)
    return own
