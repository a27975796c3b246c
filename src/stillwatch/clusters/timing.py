"""Timing: whether the separate owners of a group keep time with each other. A fourth view beside content, identity
and past enforcement.

Three signs, each with a p-value against strangers of the same data: a *smooth sum* of bursty members (load balancing,
Anthropic 2026-02), a *hand-over* (many stop within hours and as many others start: two pools, AA26-251A and Anthropic
2026-09), a *pivot in step* (members take up a new model at the same delay after its release, Anthropic 2026-02).
Innocent twins are one house behind one gateway, a key migration, an evaluation vendor: there one owner keeps time with
itself, so an owner counts once, whatever it has of accounts, and houses are left out. A course, a hackathon or a viral
prompt makes strangers start together or work on the same days: neither is a sign here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse, stats

from stillwatch.clusters.scan import CELLS, scan, scan_null, tail
from stillwatch.domain import ENFORCED
from stillwatch.graph.world import Floats, Ints, compiled
from stillwatch.signals.coordination import WEEK, Activity

SMOOTH, HANDOVER, PIVOT = "smooth_sum", "hand_over", "pivot"
SIGNS = (SMOOTH, HANDOVER, PIVOT)
LEAST = 5
"""Fewest owners that a sign is looked for in."""
_MOST = 400
"""Most owners of a group that are looked at: what is there shows in these, and small odds of large crowds do not."""
_HOUSE = 4
"""Accounts from which an owner is a house."""
_SEED = 20260223


@dataclass(frozen=True)
class Times:
    """When every account was active. Rows are accounts in canonical order, times are days since ``zero``."""

    owner: Ints
    daily: sparse.csr_matrix
    """Accounts x days: requests."""
    first: Floats
    """First request; nan = none."""
    last: Floats
    struck: Floats
    """Day of a ban or suspension; nan = none."""
    delay: Floats
    """Accounts x releases: days from a release to the account's first use; nan where it was not there before, or never
    moved."""
    rank: Floats
    """The same as the share of comparable accounts that moved earlier, 0-1."""
    models: tuple[str, ...]
    """The model of each release."""

    @property
    def days(self) -> int:
        return int(self.daily.shape[1])

    @cached_property
    def everybody(self) -> tuple[Floats, Floats]:
        """When accounts made their first request, in order, and their last one (or were banned)."""
        seen = ~np.isnan(self.first)
        return np.sort(self.first[seen]), np.sort(np.fmin(self.last[seen], self.struck[seen]))


@dataclass(frozen=True)
class Sign:
    """One test of one group."""

    name: str
    observed: float
    expected: float
    p_value: float
    owners: int
    """Owners that the sign was looked for in."""
    words: str

    @property
    def strength(self) -> float:
        """-log10 of the p-value."""
        return float(-np.log10(max(self.p_value, 1e-300)))


@dataclass(frozen=True)
class Timing:
    """What timing says of one group: the signs that could be looked for."""

    signs: tuple[Sign, ...]

    @property
    def p_value(self) -> float:
        """p-value of the best sign, for as many as were looked for (Šidák 1967); 1 when there was nothing to look at.

        A campaign mostly shows one of them, so that the best says more than the sum.
        """
        if not self.signs:
            return 1.0
        return float(-np.expm1(len(self.signs) * np.log1p(-min(1.0 - 1e-16, min(s.p_value for s in self.signs)))))

    @property
    def strength(self) -> float:
        """-log10 of the p-value."""
        return float(-np.log10(max(self.p_value, 1e-300)))

    @property
    def best(self) -> Sign | None:
        return min(self.signs, key=lambda s: s.p_value) if self.signs else None


def times_of(activity: Activity, owner: Ints, accounts: pd.DataFrame) -> Times:
    """``Times`` of all accounts. ``accounts`` is in canonical order (status, status_at); ``activity`` numbers them so.

    Who comes with a new model is compared with users of the same client, where they are many: a tool may change its
    default for everybody.
    """
    n, load, lives = len(owner), activity.load, activity.lives
    zero = int(load["day"].min()) if len(load) else 0
    days = int(load["day"].max()) - zero + 1 if len(load) else 0
    at = load["number"].to_numpy(np.int64), load["day"].to_numpy(np.int64) - zero
    daily = sparse.csr_matrix((load["n"].to_numpy(np.float64), at), shape=(n, days))
    first, last, client = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1, dtype=np.int64)
    row = lives["number"].to_numpy(np.int64)
    first[row], last[row] = (lives[c].to_numpy(np.float64) - zero for c in ("first", "last"))
    client[row] = pd.factorize(lives["client"])[0]
    enforced = accounts["status"].isin(ENFORCED).to_numpy() & accounts["status_at"].notna().to_numpy()
    when = (pd.to_datetime(accounts["status_at"]) - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    struck = np.where(enforced, when.to_numpy(np.float64, na_value=np.nan) - zero, np.nan)
    inside = {m: day - zero for m, day in activity.releases.items() if 1.0 < day - zero < days - 2.0}
    models = tuple(sorted(inside))
    delay = np.column_stack(
        [_delays(activity.uses, m, inside[m], zero, daily, first) for m in models] or [np.zeros((n, 0))]
    )
    volume = np.asarray(daily.sum(axis=1), dtype=np.float64).ravel()
    rank = np.column_stack([_ranks(column, owner, client, volume) for column in delay.T] or [np.zeros((n, 0))])
    return Times(owner, daily, first, last, struck, delay, rank, models)


def _delays(
    uses: pd.DataFrame, model: str, released: float, zero: int, daily: sparse.csr_matrix, first: Floats
) -> Floats:
    """Days from a release to each account's move; nan for who was not there before or did not move.

    Who moves uses the model for half of the week that follows, and had worked in the week before: where a new kind of
    work begins with a new model, as when a prompt goes viral, the work sets the time.
    """
    out = np.full(daily.shape[0], np.nan)
    used = uses[uses["model"] == model]
    row, moment = used["number"].to_numpy(np.int64), used["used"].to_numpy(np.float64) - zero
    day = np.floor(moment).astype(np.int64)
    before, after = np.zeros(len(row)), np.zeros(len(row))
    for begin in range(0, len(row), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        sums = np.pad(np.cumsum(daily[row[some]].toarray(), axis=1), ((0, 0), (1, 0)))
        here, start = np.arange(len(sums)), day[some]
        after[some] = sums[here, np.minimum(start + WEEK, daily.shape[1])] - sums[here, start]
        before[some] = sums[here, start] - sums[here, np.maximum(start - WEEK, 0)]
    moved = (used["week"].to_numpy(np.float64) >= _MOVED * after) & (before >= _WORKED * after)
    moved &= first[row] < released
    out[row[moved]] = moment[moved] - released
    return out


_AT_ONCE = 20_000
_MOVED = 0.5
"""Share of an account's requests in the first week with a model from which it has moved there."""
_WORKED = 0.1
"""Requests of the week before the move, in parts of those of the week after."""
_COMPARABLE = 60
"""Fewest owners that make a class to compare with."""


def _ranks(delay: Floats, owner: Ints, kind: Ints, volume: Floats) -> Floats:
    """Share of comparable accounts that moved earlier: those of one kind where they are many, else of like volume."""
    out = np.full(len(delay), np.nan)
    moved = np.flatnonzero(~np.isnan(delay))
    if not len(moved):
        return out
    busy = np.searchsorted(np.quantile(volume[moved], (0.25, 0.5, 0.75)), volume[moved])
    alike = kind[moved]
    crowd = pd.DataFrame({"alike": alike, "owner": owner[moved]}).groupby("alike")["owner"].nunique()
    common = (alike >= 0) & (crowd.reindex(alike).to_numpy() >= _COMPARABLE)
    classes = np.where(common, alike + 4, busy)
    _, inverse, size = np.unique(owner[moved], return_inverse=True, return_counts=True)
    weight = 1.0 / size[inverse]
    for c in np.unique(classes):
        inside = classes == c
        at = moved[inside]
        order = np.lexsort((at, delay[at]))
        sums = np.cumsum(weight[inside][order])
        out[at[order]] = (sums - weight[inside][order] / 2.0) / sums[-1]
    return out


def timing_of(times: Times, members: Ints) -> Timing:
    """All signs of one group. Deterministic: what is drawn depends on the members alone."""
    members = np.sort(members)
    rng = np.random.default_rng([_SEED, len(members), int(members.sum()) & 0x7FFFFFFF])
    found = (smooth_sum(times, members, rng), hand_over(times, members, rng), pivot(times, members, rng))
    return Timing(tuple(s for s in found if s is not None))


def _separate(times: Times, members: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, int]:
    """Members of at most ``_MOST`` owners, the owner of each as 0..n-1, and n.

    Houses, owners with ``_HOUSE`` or more of the accounts, are left out; where they have more accounts than everybody
    else, nothing is left: the others are mostly accounts of theirs that were not recognised.
    """
    _, at, size = np.unique(times.owner[members], return_inverse=True, return_counts=True)
    alone = size < _HOUSE
    if size[alone].sum() <= size[~alone].sum():
        return members[:0], at[:0].astype(np.int64), 0
    chosen = np.flatnonzero(alone)
    if len(chosen) > _MOST:
        chosen = rng.choice(chosen, _MOST, replace=False)
    kept = np.isin(at, chosen)
    return members[kept], np.unique(at[kept], return_inverse=True)[1].astype(np.int64), len(chosen)


_DRAWS = 300
_TAILS = 30
"""Degrees of freedom: 300 draws do not show how far a normal tail would reach."""
_DAYS = 4
"""Fewest active days of an owner whose load is looked at."""
_LIFE = 14
"""Shortest life in days; a shorter one has no week of its own to compare with."""


def smooth_sum(times: Times, members: Ints, rng: np.random.Generator) -> Sign | None:
    """Bursty members, smooth sum: the day-to-day variation of the pooled load against that of the same series, each
    turned round inside its own life (so that own volume, bursts and autocorrelation stay).

    Days are compared with days of the same weekday. One day of an owner counts for at most three of its usual ones.
    """
    members, at, n = _separate(times, members, rng)
    if n < LEAST or times.days < _LIFE:
        return None
    pool = sparse.csr_matrix((np.ones(len(at)), (at, np.arange(len(at)))), shape=(n, len(at)))
    load = np.asarray((pool @ times.daily[members]).todense(), dtype=np.float64)
    seen = load > 0
    life = load.shape[1] - seen[:, ::-1].argmax(axis=1) - seen.argmax(axis=1)
    load = load[(seen.sum(axis=1) >= _DAYS) & (life >= _LIFE)]
    if len(load) < LEAST:
        return None
    load = np.minimum(load, 3.0 * (load.sum(axis=1) / (load > 0).sum(axis=1))[:, None])
    days = load.shape[1]
    lives = [(int(np.flatnonzero(row)[0]), int(np.flatnonzero(row)[-1]) + 1) for row in load]
    alive = np.zeros(load.shape)
    for row, (begin, end) in zip(alive, lives, strict=True):
        row[begin:end] = 1.0
    usual = load.sum(axis=1) / alive.sum(axis=1)
    rest = load - alive * _weekly(load, alive, usual)
    sums = np.zeros((_DRAWS + 1, days))
    for row, (begin, end) in zip(rest, lives, strict=True):
        turn = np.concatenate([[0], rng.integers(0, end - begin, _DRAWS)])
        _add_turned(sums, row, begin, end, turn)
    crowd = alive.sum(axis=0)
    sums = sums[:, crowd > 0]
    week = np.flatnonzero(crowd > 0) % 7
    for day in range(7):
        sums[:, week == day] -= sums[:, week == day].mean(axis=1, keepdims=True)
    spread = np.log((sums**2).sum(axis=1) + 1e-9)
    middle, scale = float(spread[1:].mean()), float(spread[1:].std())
    p = float(stats.t.cdf((spread[0] - middle) / max(scale, 1e-6), _TAILS))
    usual_day = float(load.sum()) / sums.shape[1]
    varies, alone = (float(np.sqrt(np.exp(s) / sums.shape[1]) / usual_day) for s in (spread[0], middle))
    words = (
        f"the load of all {len(load)} owners together varies by {varies:.0%} from day to day; "
        f"by {alone:.0%} if each went its own way"
    )
    return Sign(SMOOTH, varies, alone, p, len(load), words)


@compiled
def _add_turned(sums, row, begin, end, turn):  # type: ignore[no-untyped-def]
    """Adds one series, turned round inside its own life by each of ``turn``, to the rows of ``sums``."""
    for draw in range(len(turn)):
        shift = turn[draw]
        for day in range(begin, end - shift):
            sums[draw, day] += row[day + shift]
        for day in range(end - shift, end):
            sums[draw, day] += row[day + shift - (end - begin)]


def _weekly(load: Floats, alive: Floats, usual: Floats) -> Floats:
    """What each owner would do on each day by its own week, which is drawn to the week of all by two weeks' worth."""
    week = np.arange(load.shape[1]) % 7
    of_day = (week[:, None] == np.arange(7)).astype(np.float64)
    done, there = load @ of_day, (alive @ of_day) * usual[:, None]
    common = done.sum(axis=0) / np.maximum(there.sum(axis=0), 1e-9)
    own = (done + 2.0 * usual[:, None] * common) / (there + 2.0 * usual[:, None])
    return np.asarray(usual[:, None] * own[:, week])


_STOPS, _STARTS = 0.5, 1.0
"""Days before a moment in which owners stop, and after it in which others start."""
_SILENT = 3.0
"""Days of silence until the end of the data from which an owner stopped; and fewest days that it worked before. Who
comes for one event and leaves starts and stops at once."""
_WORKDAYS = 3
"""Fewest active days of who stops or starts."""


def hand_over(times: Times, members: Ints, rng: np.random.Generator) -> Sign | None:
    """Several owners stop or are banned within hours, and several others start within a day.

    Only owners that stay for some days count: a crowd that one event brings and takes replaces nobody. Both have to be
    more than the group's own days of stopping and of starting explain (negative binomial, so that a
    group that signs up in batches is expected to), and more than happens to everybody at that time. Stops and starts
    that are independent give a p-value of the worse of both, squared, times the moments tried.
    """
    members, at, n = _separate(times, members, rng)
    if n < LEAST:
        return None
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    active = np.diff(times.daily[members].indptr).astype(np.float64)
    known = ~np.isnan(times.first[members])
    np.minimum.at(first, at[known], times.first[members[known]])
    np.maximum.at(last, at[known], np.fmin(times.last[members[known]], times.struck[members[known]]))
    struck = np.ones(n, dtype=bool)
    np.logical_and.at(struck, at[known], ~np.isnan(times.struck[members[known]]))
    busy = np.bincount(at, weights=active, minlength=n)
    seen = np.isfinite(first)
    end = float(times.days)
    lasting = seen & (last - first > _SILENT) & (busy >= _WORKDAYS)
    if int(lasting.sum()) < LEAST:
        return None
    pause = np.maximum(_SILENT, 3.0 * (last - first) / np.maximum(busy, 1.0))
    stops = np.sort(last[lasting & (struck | (end - last > pause))])
    starts = np.sort(first[lasting & (first > _SILENT)])
    moments = np.unique(stops)
    stopped = np.searchsorted(stops, moments, "right") - np.searchsorted(stops, moments - _STOPS, "left")
    began = np.searchsorted(starts, moments + _STARTS, "right") - np.searchsorted(starts, moments, "right")
    least = np.minimum(stopped, began)
    if not len(moments) or least.max() < 3:
        return Sign(HANDOVER, float(least.max()) if len(moments) else 0.0, 1.0, 1.0, n, "nobody takes over from others")
    all_starts, all_stops = times.everybody
    odds = np.maximum(
        _crowded(stopped, stops, all_stops, _STOPS, end, moments - _STOPS),
        _crowded(began, starts, all_starts, _STARTS, end, moments),
    )
    best = int(np.argmin(np.where(least >= 3, odds, np.inf)))
    p = float(min(1.0, 2.0 * end * odds[best] ** 2))
    usual = float(len(stops) * _STOPS / end)
    words = (
        f"{int(stopped[best])} owners stopped within {24 * _STOPS:.0f} hours, "
        f"and {int(began[best])} others started within the {24 * _STARTS:.0f} hours after"
    )
    return Sign(HANDOVER, float(least[best]), usual, p, n, words)


def _crowded(count: Ints, events: Floats, everybody: Floats, width: float, end: float, low: Floats) -> Floats:
    """Per window of this width from ``low``, the chance of so many events, by the group's others and by everybody."""
    tiles = np.histogram(events, bins=np.arange(0.0, end + width, width))[0].astype(np.float64)
    edge = np.arange(len(tiles)) * width
    crowd = np.searchsorted(everybody, low + width, "right") - np.searchsorted(everybody, low, "left")
    means, variances = np.ones(len(count)), np.ones(len(count))
    for i in range(len(count)):
        other = tiles[(edge + width <= low[i]) | (edge >= low[i] + width)]
        mean = (float(other.sum()) + 1.0) / (len(other) + 1.0)
        spread = float(((other - mean) ** 2).mean()) if len(other) else mean
        mean = max(mean, len(events) * float(crowd[i]) / max(len(everybody), 1))
        means[i], variances[i] = mean, max(spread, 1.2 * mean)
    r = means**2 / (variances - means)
    return np.asarray(stats.nbinom.sf(count - 1, r, r / (r + means)))


def pivot(times: Times, members: Ints, rng: np.random.Generator) -> Sign | None:
    """Members take up a new model at one delay after its release: the best window of ranks among comparable accounts,
    for the windows tried (scan statistic, Kulldorff 1997), summed over releases.
    """
    members, at, n = _separate(times, members, rng)
    if n < LEAST:
        return None
    total, sizes, told = 0.0, [], []
    for j in range(len(times.models)):
        rank = times.rank[members, j]
        moved = ~np.isnan(rank)
        _, earliest = np.unique(at[moved], return_index=True)  # an owner moves once
        rank, delay = rank[moved][earliest], times.delay[members, j][moved][earliest]
        if len(rank) < LEAST:
            continue
        cell = np.minimum((rank * CELLS).astype(np.int64), CELLS - 1)
        ratio, low, high = scan(np.bincount(cell, minlength=CELLS)[None, :])
        inside = (cell >= low[0]) & (cell < high[0])
        total += float(ratio[0])
        sizes.append(len(rank))
        told.append(
            (float(ratio[0]), times.models[j], int(inside.sum()), len(rank), (high[0] - low[0]) / CELLS, delay[inside])
        )
    if not sizes:
        return None
    null = np.sort(np.sum([scan_null(s, i) for i, s in enumerate(sizes)], axis=0))
    p = tail(total, null)
    _, model, k, movers, share, delay = max(told, key=lambda t: t[0])
    words = (
        f"{k} of {movers} owners who moved to {model} did so between {max(float(delay.min()), 0.0):.1f} and "
        f"{max(float(delay.max()), 0.0):.1f} days after its release, as {share:.0%} of comparable accounts did"
    )
    return Sign(PIVOT, k / movers, float(share), p, max(sizes), words)
