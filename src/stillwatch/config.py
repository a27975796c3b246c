"""Settings: the only place that reads the environment."""

from __future__ import annotations

import getpass
import math
import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from stillwatch.errors import InputError

_NO_HOME = re.compile(r"[\[\]^|\\%\x00-\x1f\x7f]")
"""What the Delta library takes for a part of an URL, and then fails on or looks elsewhere."""


@dataclass(frozen=True)
class Settings:
    """Where things lie and how much of the machine may be used. Each field says which variable sets it."""

    home: Path
    """Data folder: warehouse, runs, cases, keys (STILLWATCH_HOME; default ``.stillwatch`` in the working folder)."""
    database_url: str
    """SQLAlchemy URL of the case file (STILLWATCH_DATABASE_URL; default: SQLite inside the home)."""
    user: str
    """Who acts when nobody is named (STILLWATCH_USER; default: the operating system's user name)."""
    keep_prompts: bool
    """Keep prompt text at import (STILLWATCH_KEEP_PROMPTS=1). Off: text becomes fingerprints and is dropped."""
    threads: int
    """Threads of the query engine (STILLWATCH_THREADS; default: the number of cores)."""
    memory_gb: float
    """Memory limit of the query engine in GB (STILLWATCH_MEMORY_GB; default 8)."""
    port: int
    """Port of the web app (STILLWATCH_PORT; default 8501)."""
    organisation: str
    """Who signs evidence bundles (STILLWATCH_ORGANISATION; default "Trust and safety team")."""

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def cache(self) -> Path:
        """What detection counted before; safe to delete at any time."""
        return self.home / "cache"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def bundles(self) -> Path:
        return self.home / "bundles"

    @property
    def keys(self) -> Path:
        """Secrets: the key of the keyed hash and the signing key. Never copied into the warehouse or a bundle."""
        return self.home / "keys"

    def at(self, home: Path | str) -> Settings:
        """The same settings for another home; an explicit database URL stays."""
        home = _place(home)
        own = self.database_url == _default_database(self.home)
        return replace(self, home=home, database_url=_default_database(home) if own else self.database_url)


def _default_database(home: Path) -> str:
    return f"sqlite:///{home / 'cases.db'}"


def is_text(name: str) -> bool:
    """Whether a word or a file name is UTF-8; Python hands other bytes on as half characters that nothing can store."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _place(home: Path | str) -> Path:
    """The data folder in full."""
    return _found(str(home), "" if os.path.isabs(home) else os.getcwd())


@lru_cache(maxsize=64)
def _found(home: str, _working_folder: str) -> Path:
    """It is looked for once: a web app asks at every click."""
    try:
        place = Path(home).expanduser().resolve()
    except (OSError, RuntimeError) as e:  # RuntimeError: ``~name`` of nobody, or links that lead in a circle
        raise InputError(f"the data folder {str(home)[:200]} cannot be found ({e}); choose another with --home.") from e
    if not is_text(str(place)):
        raise InputError(f"the name of the data folder {str(place)!a} is not UTF-8; choose another with --home.")
    odd = _NO_HOME.search(str(place))
    if odd:
        raise InputError(
            f"the data folder {place} has {odd[0]!a} in its path, which Delta tables cannot bear; "
            "choose another with --home."
        )
    return place


def _number(name: str, default: str, kind: type[int] | type[float], below: float = math.inf) -> float:
    text = os.environ.get(name, default)
    try:
        value = kind(text)
    except ValueError:
        raise InputError(f"{name} is {text!r}; want a number above 0.") from None
    if not 0 < value < below:
        raise InputError(
            f"{name} is {text!r}; want a number above 0{'' if below == math.inf else f' and below {below}'}."
        )
    return value


def settings(home: Path | str | None = None) -> Settings:
    """Settings from the environment; ``home`` (the command line's ``--home``) wins over STILLWATCH_HOME."""
    env = os.environ
    place = _place(home or env.get("STILLWATCH_HOME") or ".stillwatch")
    try:
        user = env.get("STILLWATCH_USER") or getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return Settings(
        home=place,
        database_url=env.get("STILLWATCH_DATABASE_URL") or _default_database(place),
        user=user,
        keep_prompts=env.get("STILLWATCH_KEEP_PROMPTS", "") in ("1", "true", "yes"),
        threads=int(_number("STILLWATCH_THREADS", str(os.cpu_count() or 2), int)),
        memory_gb=float(_number("STILLWATCH_MEMORY_GB", "8", float)),
        port=int(_number("STILLWATCH_PORT", "8501", int, below=65_536)),
        organisation=env.get("STILLWATCH_ORGANISATION") or "Trust and safety team",
    )


def child_environment(cfg: Settings) -> dict[str, str]:
    """Environment for a process that this one starts, so that it works on the same home as the same person."""
    return {
        **os.environ,
        "STILLWATCH_HOME": str(cfg.home),
        "STILLWATCH_DATABASE_URL": cfg.database_url,
        "STILLWATCH_USER": cfg.user,
        "STILLWATCH_KEEP_PROMPTS": "1" if cfg.keep_prompts else "0",
    }
