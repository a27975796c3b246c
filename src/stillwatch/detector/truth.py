"""Reading truth: which accounts were really part of a campaign. Only ``evaluate`` opens it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.detector.measures import TAKEN
from stillwatch.errors import InputError, SourceError

_KINDS = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
_NONE = {"", "null", "none", "nan"}


def read_truth(path: Path) -> pd.DataFrame:
    """account_id, campaign (None = not part of any), archetype (None = ordinary), one row per account; taken_requests
    (NaN = not known) where truth tells it.

    ``path`` is a Parquet, CSV or JSONL file (also .gz), or a folder that holds ``truth.*`` or ``truth/*``.
    Raises SourceError when there is none or it cannot be read, InputError for missing columns or contradictions.
    """
    files = _files(path)
    frame = pd.concat([_read(f) for f in files], ignore_index=True)
    name = path.name or str(path)
    lacking = [c for c in ("account_id", "campaign") if c not in frame.columns]
    if lacking:
        raise InputError(f"{name} lacks the column {' and '.join(lacking)}; truth has account_id, campaign, archetype.")
    if "archetype" not in frame.columns:
        frame["archetype"] = None
    taken = [pd.to_numeric(frame[TAKEN], errors="coerce").astype("float64")] if TAKEN in frame.columns else []
    frame = pd.concat([frame[["account_id"]].map(_text), frame[["campaign", "archetype"]].map(_word), *taken], axis=1)
    if frame["account_id"].isna().any():
        row = int(frame["account_id"].isna().to_numpy().argmax()) + 1
        raise InputError(f"{name} row {row}: account_id is empty; every row names an account.")
    frame = frame.drop_duplicates(ignore_index=True)
    double = frame[frame["account_id"].duplicated(keep=False)]
    if len(double):
        account = ascii(double["account_id"].iloc[0][:60])
        raise InputError(
            f"{name} says two things of account {account} (and {double['account_id'].nunique() - 1} others)."
        )
    if not len(frame):
        raise InputError(f"{name} has no rows; truth has one row per account.")
    return frame


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f"there is no file or folder {path}; give the truth table (truth.parquet, .csv or .jsonl).")
    found = [path / f"truth{kind}" for kind in _KINDS if (path / f"truth{kind}").is_file()]
    if len(found) > 1:
        raise SourceError(f"{path} has {' and '.join(f.name for f in found)}; name the one to use.")
    inner = path / "truth" if not found and (path / "truth").is_dir() else None
    if inner is not None:
        found = sorted(f for f in inner.iterdir() if f.name.endswith(_KINDS))
    if not found:
        raise SourceError(
            f"{path} holds no truth.parquet, truth.csv or truth.jsonl; only simulated or judged data has one."
        )
    return found


def _read(file: Path) -> pd.DataFrame:
    name = file.name.lower()
    try:
        if name.endswith(".parquet"):
            table = pq.read_table(file, partitioning=None)
            wanted = [c for c in ("account_id", "campaign", "archetype", TAKEN) if c in table.column_names]
            return pd.DataFrame(table.select(wanted).to_pandas())
        if name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if name.endswith((".jsonl", ".jsonl.gz", ".ndjson")):
            return pd.DataFrame(pd.read_json(file, lines=True, dtype=False, encoding="utf-8"))
    except (OSError, EOFError, ValueError, pa.ArrowException, json.JSONDecodeError) as e:
        said = str(e).strip().splitlines()[0][:200] if str(e).strip() else type(e).__name__
        raise SourceError(
            f"{file.name} cannot be read ({said}); want Parquet, CSV or JSONL with a row per account."
        ) from None
    raise SourceError(f"{file.name} is no Parquet, CSV or JSONL file; truth has account_id, campaign, archetype.")


def _text(value: object) -> str | None:
    """A cell as the text that it holds, whatever it spells: an account may be called NULL. Only empty is None."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return None
    return str(value) or None


def _word(value: object) -> str | None:
    """A cell as text; empty and null spellings are None."""
    text = _text(value)
    return None if text is None or text.strip().lower() in _NONE else text
