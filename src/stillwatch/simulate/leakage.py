"""How much one simple column gives away: AUC of every single feature, campaign accounts against all others.

A benchmark that one column can solve proves nothing (field notes, section 3). The features here are those that an
impatient analyst would sort by: counts, hours, tokens, focus, sharing of each kind of identifier, sign-up columns.
Computed on at most ``MOST`` campaign accounts and as many others, so that memory stays bounded at any scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.simulate.world import DAY, World

Array = npt.NDArray[Any]
MOST = (3_000, 8_000)
_WORDS = {
    "asks for reasons": r"reason|step by step|thinking|why you|grounds|justification",
    "asks for grades": r"[Ss]core|[Gg]rade|[Rr]ubric|criteria|[Cc]ompare",
    "asks for code": r"function|code|script|test",
}


@dataclass
class Watch:
    """Collects what the features need while days are written."""

    world: World
    _parts: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        guilty = self.world.accounts()["campaign"] != ""
        rng = np.random.default_rng([self.world.seed, 50])
        self.watched = np.zeros(len(guilty), bool)
        for group, most in ((guilty, MOST[0]), (~guilty, MOST[1])):
            at = np.flatnonzero(group)
            self.watched[rng.permutation(at)[:most]] = True
        self.guilty = guilty

    def see(self, day: int, account: Array, ts: Array, ip: Array, table: pa.Table) -> None:
        """One chunk of requests: row numbers of accounts, microseconds of the day, addresses, the rows."""
        at = np.flatnonzero(self.watched[account])
        if not len(at):
            return
        some = table.take(pa.array(at))
        frame = pd.DataFrame(
            {
                "account": account[at],
                "ts": day * int(DAY) + ts[at],
                "ip": ip[at],
                "in": some["input_tokens"].to_numpy(),
                "out": some["output_tokens"].to_numpy(),
                "tools": some["tool_count"].to_numpy(),
            }
        )
        for name in ("asn", "client", "model", "session_id", "system_hash", "status"):
            frame[name] = some[name].to_pandas() if name == "status" else _hash(some[name])
        prompt = some["prompt"]
        opening = pc.replace_substring_regex(pc.utf8_slice_codeunits(prompt, 0, 28), r"[0-9]+", "#")
        frame["opening"] = _hash(opening)
        frame["length"] = pc.fill_null(pc.utf8_length(prompt), -1).to_numpy()
        for name, pattern in _WORDS.items():
            frame[name] = pc.fill_null(pc.match_substring_regex(prompt, pattern), False).to_numpy()
        self._parts.append(frame)

    def features(self) -> pd.DataFrame:
        """One row per watched account; missing values are -1, so that missing itself is tested."""
        accounts = self.world.accounts()
        index = np.flatnonzero(self.watched)
        out = pd.DataFrame(index=index)
        rng = np.random.default_rng([self.world.seed, 51])
        out["sign-up time"] = accounts["created"][index]
        for name in ("plan", "channel", "domain", "country", "verification"):
            out[name] = _rate(accounts[name][index], self.guilty[index], rng)
        out["has an organisation"] = (accounts["org"][index] >= 0).astype(float)
        out["enforced"] = (accounts["status"][index] != "active").astype(float)
        for kind, (rows, codes) in self.world.seen_with().items():
            pair = pd.DataFrame({"account": rows, "code": codes})
            pair["degree"] = pair.groupby("code")["account"].transform("size")
            grouped = pair.groupby("account")["degree"]
            out[f"{kind}: accounts sharing it"] = grouped.max().reindex(index)
            out[f"{kind}: how many"] = grouped.size().reindex(index)
        if self._parts:
            out = out.join(_traffic(pd.concat(self._parts, ignore_index=True), accounts["created"]))
        return out.astype(float).fillna(-1.0)

    def auc(self) -> dict[str, float]:
        """Feature -> AUC, turned so that it is at least 0.5; best first. Empty without a campaign."""
        table = self.features()
        guilty = self.guilty[table.index]
        if not guilty.any() or guilty.all():
            return {}
        found = {str(name): area(table[name].to_numpy(), guilty) for name in table}
        return dict(sorted(((k, max(v, 1 - v)) for k, v in found.items()), key=lambda kv: -kv[1]))


def area(score: Array, positive: Array) -> float:
    """Area under the ROC curve, ties counted half."""
    rank = pd.Series(score).rank().to_numpy()
    n = int(positive.sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def _rate(values: Array, positive: Array, rng: np.random.Generator) -> Array:
    """Share of campaign accounts among those with the same value, counted in the other half of the accounts."""
    _, code = np.unique(values, return_inverse=True)
    half = rng.random(len(values)) < 0.5
    out = np.zeros(len(values))
    for mine in (half, ~half):
        hits = np.bincount(code[~mine], positive[~mine].astype(float), minlength=code.max() + 1)
        size = np.bincount(code[~mine], minlength=code.max() + 1)
        out[mine] = ((hits + 5 * positive.mean()) / (size + 5))[code[mine]]
    return out


def _hash(column: pa.ChunkedArray) -> Array:
    """Stable numbers for strings; -1 for null."""
    frame = column.to_pandas()
    out = pd.util.hash_array(frame.fillna("").to_numpy(dtype=object)).view(np.int64)
    return np.where(frame.isna(), -1, out)


def _traffic(r: pd.DataFrame, created: Array) -> pd.DataFrame:
    """Features of requests, per account."""
    day = int(DAY)
    r = r.sort_values(["account", "ts"], kind="stable")
    r["day"] = r["ts"] // day
    r["hour"] = r["ts"] % day // (day // 24)
    by = r.groupby("account")
    n = by.size()
    f = pd.DataFrame({"requests": n})
    f["active days"] = by["day"].nunique()
    f["requests per active day"] = n / f["active days"]
    f["busiest day's share"] = r.groupby(["account", "day"]).size().groupby("account").max() / n
    f["days in use"] = by["day"].max() - by["day"].min() + 1
    f["last day"] = by["day"].max()
    f["first day after sign-up"] = by["ts"].min() / day - pd.Series(created[f.index] / day, f.index)
    f["first week's share"] = (r["day"] < r["account"].map(by["day"].min()) + 7).groupby(r["account"]).mean()
    f["hours of the day"] = by["hour"].nunique()
    f["night share"] = (r["hour"] < 6).groupby(r["account"]).mean()
    f["weekend share"] = ((r["day"] % 7).isin([2, 3])).groupby(r["account"]).mean()
    gap = r["ts"].diff().where(r["account"].eq(r["account"].shift()))
    f["median gap"] = gap.groupby(r["account"]).median()
    f["gap spread"] = np.log1p(gap.clip(lower=0)).groupby(r["account"]).std()
    f["longest gap"] = gap.groupby(r["account"]).max()
    for name in ("ip", "asn", "client", "model", "session_id", "opening", "system_hash"):
        f[f"{name}: distinct"] = by[name].nunique()
        degree = r.drop_duplicates(["account", name]).groupby(name)["account"].size()
        degree = degree.where(degree.index != -1, 0)  # not known is not shared
        f[f"{name}: accounts sharing it"] = r[name].map(degree).groupby(r["account"]).max()
        f[f"{name}: mean sharing"] = r[name].map(degree).groupby(r["account"]).mean()
    top = r[r["opening"] != -1].groupby(["account", "opening"]).size().groupby("account").max()
    f["most common opening's share"] = top / n
    f["openings per request"] = f["opening: distinct"] / n
    f["requests per session"] = n / f["session_id: distinct"]
    f["requests per address"] = n / f["ip: distinct"]
    for name in ("in", "out"):
        log = np.log1p(r[name])
        f[f"tokens {name}"] = log.groupby(r["account"]).mean()
        f[f"tokens {name} spread"] = log.groupby(r["account"]).std()
    for status in ("refused", "error", "rate_limited"):
        f[status] = (r["status"] == status).groupby(r["account"]).mean()
    f["tools offered"] = by["tools"].mean()
    f["system prompt known"] = (r["system_hash"] != -1).groupby(r["account"]).mean()
    f["session known"] = (r["session_id"] != -1).groupby(r["account"]).mean()
    f["prompt length"] = by["length"].mean()
    f["prompt length spread"] = by["length"].std()
    for name in _WORDS:
        f[name] = by[name].mean()
    return f
