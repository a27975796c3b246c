"""What was taken: requests and tokens of a cluster that belong to the extraction, not to its cover traffic.

A request is seen to be extraction when it carries phrases that are the cluster's own. Some never do (reworded, or the
text was not kept), so the members are cut into two halves, each half names its own phrases, and the two are taken as
two counts of one population (capture and recapture; Chapman 1951): what each half misses of the other's tells what
both miss. The interval is the wider of Seber's (1970) and a jackknife over accounts of what was missed, since requests
of one account stand or fall together, and wider by the doubt whether each account is a member at all. Operators' halves
are alike, so the estimate errs on the low side; a public template among the phrases would make it err on the high side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stillwatch.clusters.evidence import Evidence
from stillwatch.clusters.selection import Found
from stillwatch.clusters.takeover import own_tokens
from stillwatch.graph.world import Ints
from stillwatch.signals.extraction import SIDES

Count = Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]
"""(members: account_id, cluster; tokens: cluster, token, side) -> the two tables of ``signals.extraction``."""
COLUMNS = ["cluster_id", "capability", "accounts", "carried", "requests", "low", "high", "tokens"]
_LEAST = 8
"""Members below which there are no two halves to speak of."""


def halves(evidence: Evidence, members: Ints) -> tuple[Ints, Ints]:
    """Members in two halves by turns, accounts of one owner together."""
    _, place = np.unique(evidence.owner[members], return_inverse=True)
    return members[place % 2 == 0], members[place % 2 == 1]


def chapman(a: NDArray[np.float64], b: NDArray[np.float64], both: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimated size of a population from two counts and what they have in common."""
    return np.asarray((a + 1.0) * (b + 1.0) / (both + 1.0) - 1.0)


def estimate(counts: pd.DataFrame) -> tuple[float, float, float]:
    """Estimate and 95 % interval from per-account sums (requests, a, b, both, either) of one cluster and, as ``sure``,
    the probability that the account is a member.
    """
    sums = counts[["a", "b", "both"]].to_numpy(np.float64)
    either = counts["either"].to_numpy(np.float64)
    total, seen, everything = sums.sum(axis=0), float(either.sum()), float(counts["requests"].sum())
    unseen = float(chapman(*total)) - seen
    without = chapman(*(total - sums).T) - (seen - either)
    n = len(counts)
    uneven = (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    a, b, both = total
    chance = (a + 1) * (b + 1) * (a - both) * (b - both) / ((both + 1) ** 2 * (both + 2))  # Seber 1970
    sure = counts["sure"].to_numpy(np.float64)
    doubt = float((sure * (1.0 - sure) * either**2).sum())
    middle = float(np.clip(seen + unseen, seen, everything))
    missed, belongs = 1.96 * float(np.sqrt(max(uneven, chance))), 1.96 * float(np.sqrt(doubt))
    low = max(max(seen + unseen - missed, seen) - belongs, 0.0)
    return middle, min(low, middle), min(max(seen + unseen + missed, seen) + belongs, everything)


def measure(evidence: Evidence, found: list[Found], names: list[str], count: Count) -> pd.DataFrame:
    """Rows of the run's ``taken`` table; clusters without phrases of their own have none."""
    ids = evidence.accounts["account_id"].to_numpy(dtype=object)
    members, tokens = [], []
    for f, name in zip(found, names, strict=True):
        if len(f.members) < _LEAST:
            continue
        marks = [own_tokens(evidence, half) for half in halves(evidence, f.members)]
        if all(len(m) for m in marks):
            members.append(
                pd.DataFrame({"account_id": ids[f.members], "cluster": name, "sure": np.clip(f.membership, 0.0, 1.0)})
            )
            tokens += [
                pd.DataFrame({"cluster": name, "token": evidence.content.tokens[m], "side": side})
                for side, m in zip(SIDES, marks, strict=True)
            ]
    if not members:
        return pd.DataFrame(columns=COLUMNS)
    belongs = pd.concat(members, ignore_index=True)
    accounts, asked = count(belongs[["account_id", "cluster"]], pd.concat(tokens, ignore_index=True))
    accounts = accounts.merge(belongs, on=["account_id", "cluster"])
    rows: list[tuple[object, ...]] = []
    for key, own in accounts.sort_values(["cluster", "account_id"]).groupby("cluster"):
        seen = float(own["either"].sum())
        if seen:
            scale = tuple(value / seen for value in estimate(own))
            mine = asked[asked["cluster"] == key].sort_values(["carried", "capability"], ascending=[False, True])
            parts = [
                (None, seen, float(own["either_tokens"].sum())),
                *mine[["capability", "carried", "tokens"]].itertuples(index=False, name=None),
            ]
            rows += [(str(key), part, len(own), *_scaled(carried, tokens, scale)) for part, carried, tokens in parts]
    return pd.DataFrame(rows, columns=COLUMNS)


def _scaled(carried: float, tokens: float, scale: tuple[float, ...]) -> tuple[int, ...]:
    """carried, requests, low, high, tokens: what was seen, blown up as the whole was."""
    middle, low, high = scale
    return round(carried), round(carried * middle), round(carried * low), round(carried * high), round(tokens * middle)
