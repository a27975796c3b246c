"""Handmade: clusters as detection found them, cut again where a person decided so.

A decision names accounts, so it holds while clusters change: a *split* keeps two sets of accounts apart in whatever
cluster they meet again, a *merge* joins the clusters that hold them. Accounts that are new since go where their rarest
shared values lie. Every piece is tested as any group is; a decision moves borders, it proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stillwatch.clusters.evidence import HARD, SOFT, Evidence, test_group, value_bits
from stillwatch.clusters.judge import Floor, Tier, judge
from stillwatch.clusters.selection import Found
from stillwatch.domain import HandCut
from stillwatch.graph.world import Floats, Ints

LEAST = 2
"""Pieces smaller than this are no clusters."""


def respect(evidence: Evidence, found: Sequence[Found], floor: Floor, cuts: Sequence[HandCut]) -> list[Found]:
    """The same clusters with all standing decisions applied, oldest first; not in queue order any more."""
    out = list(found)
    ids = evidence.accounts["account_id"].to_numpy(dtype=object)
    for cut in cuts:
        moved = np.isin(ids, np.array(sorted(cut.moved), dtype=object))
        stayed = np.isin(ids, np.array(sorted(cut.stayed), dtype=object))
        apply = _split if cut.action == "split" else _joined
        out = apply(evidence, out, floor, moved, stayed)
    return out


def _split(
    evidence: Evidence, found: list[Found], floor: Floor, moved: NDArray[np.bool_], stayed: NDArray[np.bool_]
) -> list[Found]:
    out: list[Found] = []
    for f in found:
        gone, here = moved[f.members], stayed[f.members]
        if not gone.any() or not here.any():
            out.append(f)
            continue
        new = np.flatnonzero(~gone & ~here)
        side = gone.copy()
        if len(new):
            pull = _ties(evidence, f.members[new], f.members[gone]) - _ties(evidence, f.members[new], f.members[here])
            side[new] = np.where(pull == 0, gone.sum() > here.sum(), pull > 0)
        larger = side.sum() > (~side).sum()
        pieces = [
            _piece(evidence, f, side, floor, victims=bool(larger)),
            _piece(evidence, f, ~side, floor, victims=not larger),
        ]
        out += [p for p in pieces if len(p.members) >= LEAST]
    return out


def _ties(evidence: Evidence, who: Ints, side: Ints) -> Floats:
    """Bits of the values that each of ``who`` shares with anybody on a side."""
    total = np.zeros(len(who))
    for source, part in evidence.identity.items():
        if part.evidence in (*HARD, *SOFT) and part.matrix.nnz:
            held = np.asarray(part.matrix[side].sum(axis=0)).ravel() > 0
            total += np.asarray(part.matrix[who] @ (value_bits(evidence, source) * held)).ravel()
    return total


def _piece(evidence: Evidence, f: Found, keep: NDArray[np.bool_], floor: Floor, *, victims: bool) -> Found:
    """A part of a cluster, tested by itself; it can be an alarm only where the whole was."""
    members = f.members[keep]
    tested = test_group(evidence, members, f.tested.origin)
    judged = judge(tested, floor, stability=f.stability)
    if f.judged.tier != Tier.ALARM and judged.tier == Tier.ALARM:
        judged = f.judged
    probability = f.probability.copy()
    probability[f.members[~keep]] = 0.0
    return replace(
        f,
        members=members,
        core=tested.linked & f.core[keep],
        membership=f.membership[keep],
        tested=tested,
        judged=judged,
        probability=probability,
        victims=f.victims if victims else {},
        doubted={k: v for k, v in f.doubted.items() if k in members},
    )


def _joined(
    evidence: Evidence, found: list[Found], floor: Floor, moved: NDArray[np.bool_], stayed: NDArray[np.bool_]
) -> list[Found]:
    """Clusters that hold most of either side, or consist mostly of both, as one."""
    if not found:
        return found
    chosen = {int(np.argmax([side[f.members].sum() for f in found])) for side in (moved, stayed)}
    chosen |= {i for i, f in enumerate(found) if (moved | stayed)[f.members].mean() >= 0.5}
    parts = [found[i] for i in sorted(chosen) if (moved | stayed)[found[i].members].any()]
    if len(parts) < 2:
        return found
    best = max(parts, key=lambda f: (f.judged.tier == Tier.ALARM, f.judged.score))
    members = np.concatenate([f.members for f in parts])
    order = np.argsort(members, kind="stable")
    tested = test_group(evidence, members[order], best.tested.origin)
    again = judge(tested, floor, stability=best.stability)
    strongest = again if again.tier == Tier.ALARM and best.judged.tier == Tier.ALARM else best.judged
    score = max(again.score, best.judged.score) if again.tier == strongest.tier else best.judged.score
    judged = replace(strongest, score=score)
    whole = replace(
        best,
        members=members[order],
        core=np.concatenate([f.core for f in parts])[order],
        membership=np.concatenate([f.membership for f in parts])[order],
        tested=tested,
        judged=judged,
        wording=np.max([f.wording for f in parts], axis=0),
        probability=np.max([f.probability for f in parts], axis=0),
        victims={k: v for f in parts for k, v in f.victims.items()},
        doubted={k: v for f in parts for k, v in f.doubted.items()},
    )
    kept = {id(f) for f in parts}
    out = [f for f in found if id(f) not in kept]
    return [*out, whole]
