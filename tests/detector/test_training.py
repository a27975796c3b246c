"""From labels to examples to a model: who was meant, what it counts, what is held out, what is learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stillwatch.detector import suggestions, training
from stillwatch.detector.examples import LABELS, MEMBER_LIMIT, as_labels, examples
from stillwatch.detector.features import BASE, features_of
from stillwatch.detector.model import Detector, score_clusters
from stillwatch.errors import NothingYet

NO_LABELS = pd.DataFrame({name: pd.Series(dtype=object) for name in LABELS.names})


def label(number, kind, target, value, members=None, labeler="ana", source="human"):
    return {
        "label_id": f"L-{number:06d}", "target_type": kind, "target_id": target, "value": value, "reason": "r",
        "labeler": labeler, "labeled_at": pd.Timestamp("2026-11-22"), "source": source, "supersedes": None,
        "expires_at": pd.NaT, "run_id": "R-1", "schema_version": 1,
        "members": [target] if kind == "account" else members,
    }  # fmt: skip


def table(*rows):
    return as_labels(pd.DataFrame(rows) if rows else NO_LABELS)


ACCOUNTS = pd.DataFrame({"account_id": ["a", "b", "c", "d", "e"], "cluster_id": ["C-1", "C-1", "C-2", None, None]})


def said(*rows):
    found = examples(table(*rows), ACCOUNTS).labelled
    return dict(zip(found["account_id"], found["target"], strict=True))


def test_a_cluster_label_means_the_accounts_of_its_day():
    found = examples(table(label(1, "cluster", "C-9", "distillation", ["a", "d", "gone"])), ACCOUNTS)
    assert list(found.labelled["account_id"]) == ["a", "d"]
    assert found.unknown == ("gone",)


def test_the_more_specific_word_wins_and_people_beat_rules():
    cluster = label(1, "cluster", "C-1", "distillation", ["a", "b"])
    assert said(cluster, label(2, "account", "a", "benign")) == {"a": 0.0, "b": 1.0}
    assert said(label(1, "campaign", "K-1", "benign", ["a", "b"]), cluster | {"label_id": "L-2"}) == {"a": 1, "b": 1}
    assert said(cluster, label(2, "account", "a", "benign", source="rule")) == {"a": 1.0, "b": 1.0}


def test_votes_are_counted_and_doubt_teaches_nothing():
    one, two, three = (label(i, "account", "a", "benign", labeler=f"p{i}") for i in range(3))
    against = label(9, "account", "a", "distillation", labeler="bo")
    assert said(one, against) == {}
    assert said(one, two, three, against) == {"a": 0.0}
    assert said(label(1, "account", "a", "unsure"), against) == {"a": 1.0}
    assert said(label(1, "account", "a", "other_abuse")) == {"a": 0.0}
    found = examples(table(one, against, label(10, "account", "b", "unsure")), ACCOUNTS)
    assert found.unsure == ("account a", "account b")


def test_a_large_cluster_does_not_count_by_its_size():
    accounts = pd.DataFrame({"account_id": [f"m{i:04d}" for i in range(2_000)], "cluster_id": "C-1"})
    for size in (1, 10, 400):
        found = examples(table(label(1, "cluster", "C-1", "benign", list(accounts["account_id"][:size]))), accounts)
        assert found.labelled["weight"].sum() == pytest.approx(1 + np.log(size))
    found = examples(table(label(1, "cluster", "C-1", "benign", list(accounts["account_id"]))), accounts)
    assert len(found.labelled) == MEMBER_LIMIT


def test_accounts_that_hang_together_are_never_split():
    rows = (
        label(1, "cluster", "C-9", "distillation", ["b", "c"]),  # joins C-1 and C-2
        label(2, "account", "a", "benign"),
        label(3, "account", "d", "benign"),
        label(4, "account", "e", "benign"),
    )
    found = examples(table(*rows), ACCOUNTS).labelled.set_index("account_id")["group"]
    assert found["a"] == found["b"] == found["c"]
    assert len({found["a"], found["d"], found["e"]}) == 3


def labels_of(tiny, count, kinds=("distillation", "benign")):
    frames = tiny.frames()
    members = frames["accounts"].groupby("cluster_id")["account_id"].agg(list)
    rows = []
    for n in range(count):
        for name, value in ((tiny.guilty(n), "distillation"), (tiny.innocent(n), "benign")):
            if value in kinds:
                rows.append(label(len(rows), "cluster", name, value, members[name]))
    return table(*rows)


def trained(tiny, labels, in_use=None, seed=0):
    frames = tiny.frames(seed)
    return training.train(features_of(frames), frames["accounts"], labels, in_use)


def test_held_out_figures_beat_the_base_and_are_honest_about_their_size(tiny):
    candidate = trained(tiny, labels_of(tiny, 3))
    assert candidate.candidate.average_precision > 0.95 > candidate.base.average_precision
    assert candidate.candidate.brier < candidate.base.brier
    assert "3 targets of distillation and 3 others" in candidate.statement
    assert "rough guide" in candidate.statement
    assert candidate.counts["accounts"] == len(candidate.held_out) == 72
    assert candidate.held_out["candidate"].notna().all()


def test_held_out_means_not_seen(tiny):
    """A lying label on one cluster is not believed by the model that did not see it, and is listed as an error."""
    labels = labels_of(tiny, 4).to_pandas()
    lie = labels["target_id"] == tiny.guilty(0)
    labels.loc[lie, "value"] = "benign"
    candidate = trained(tiny, as_labels(labels))
    own = candidate.held_out[candidate.held_out["account_id"].str.startswith(tiny.guilty(0))]
    assert (own["target"] == 0).all()
    assert own["candidate"].mean() > 0.6
    worst = candidate.errors.iloc[0]
    assert (worst["target_id"], worst["value"], worst["accounts"]) == (tiny.guilty(0), "benign", 12)


def test_labels_of_one_sort_train_without_a_figure(tiny):
    candidate = trained(tiny, labels_of(tiny, 2, kinds=("benign",)))
    assert (candidate.candidate, candidate.base) == (None, None)
    assert candidate.statement.startswith("not measurable yet")
    assert "2 more labelled distillation would do" in candidate.statement
    frames = tiny.frames()
    made = features_of(frames)
    after = candidate.model.predict(made)
    before = frames["accounts"].set_index("account_id")["base_score"].reindex(made.index)
    similar = made.index.str.startswith(tiny.innocent(5))
    other = made.index.str.startswith(tiny.guilty(5))
    assert (after[similar] - before[similar]).mean() < -0.2
    assert (after[similar] - before[similar]).mean() < (after[other] - before[other]).mean() - 0.1
    alone = made.index.str.startswith("alone")
    assert (after[alone] - before[alone]).abs().max() < 0.1


def test_no_label_that_speaks_of_the_run(tiny):
    with pytest.raises(NothingYet, match="no labels yet"):
        trained(tiny, table())
    with pytest.raises(NothingYet, match="1 labelled accounts are not in the published run"):
        trained(tiny, table(label(1, "account", "nobody", "benign")))
    with pytest.raises(NothingYet, match="1 targets are unsure or tied"):
        trained(tiny, table(label(1, "account", "alone-001", "unsure")))


def test_the_model_in_use_is_measured_on_the_same_accounts(tiny):
    first = trained(tiny, labels_of(tiny, 1))
    seen = frozenset(first.examples.labelled["account_id"])
    second = trained(tiny, labels_of(tiny, 3), training.InUse(first.model, seen))
    assert second.in_use_seen == 24
    assert second.in_use.brier != second.candidate.brier
    assert second.metrics()["in_use"]["brier"] == second.in_use.brier


def test_clusters_are_compared_with_labelled_campaigns(tiny):
    frames = tiny.frames()
    members = frames["accounts"].groupby("cluster_id")["account_id"].agg(list)
    both = [*members[tiny.guilty(0)], *members[tiny.guilty(1)]]
    candidate = trained(tiny, table(label(1, "campaign", "K-1", "distillation", both)))
    assert (candidate.groups.precision, candidate.groups.recall) == (1.0, 0.5)
    assert trained(tiny, labels_of(tiny, 1)).groups is None


def test_the_order_of_rows_and_the_seed_of_the_hash_change_nothing(tiny):
    labels = labels_of(tiny, 3)
    frames = tiny.frames()
    shuffled = {k: f.sample(frac=1, random_state=1) for k, f in frames.items()}
    one = training.train(features_of(frames), frames["accounts"], labels)
    two = training.train(features_of(shuffled), shuffled["accounts"], labels.take(np.arange(5, -1, -1)))
    assert one.metrics()["counts"] == two.metrics()["counts"]
    np.testing.assert_allclose(one.model.coefficients, two.model.coefficients, atol=1e-8)


def test_nulls_say_nothing_and_are_not_zero(tiny):
    frames = tiny.frames()
    made = features_of(frames)
    assert made["rarely"].isna().sum() == (frames["signals"]["rarely"].isna()).sum()
    assert made.loc[made.index.str.startswith("alone"), "cluster_size"].isna().all()
    model = trained(tiny, labels_of(tiny, 3)).model
    scaled = pd.DataFrame(model.scaler.matrix(made), columns=model.scaler.columns, index=made.index)
    null = made["rarely"].isna()
    assert (scaled.loc[null, "rarely"] == 0).all()
    assert (scaled["rarely_absent"] == null).all()


def test_a_run_that_lacks_features_can_still_be_scored(tiny):
    made = features_of(tiny.frames())
    model = trained(tiny, labels_of(tiny, 3)).model
    poor = model.predict(made[[BASE]])
    assert poor.between(0, 1).all()
    assert poor.notna().all()


def test_contributions_add_up_to_the_move(tiny):
    made = features_of(tiny.frames())
    model = trained(tiny, labels_of(tiny, 3)).model
    odds = made[BASE] + model.contributions(made).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), model.predict(made), atol=1e-9)


def test_country_language_and_plan_are_never_features(tiny):
    names = set(features_of(tiny.frames()).columns)
    assert not names & {"country", "language", "plan", "channel", "org_id", "email_domain", "verification"}


def test_a_cluster_moves_as_its_core_moves(tiny):
    frames = tiny.frames()
    scores = frames["accounts"][["account_id", "base_score"]].rename(columns={"base_score": "score"})
    same = score_clusters(frames, scores).set_index("cluster_id")["score"]
    base = frames["clusters"].set_index("cluster_id")["base_score"]
    np.testing.assert_allclose(same.sort_index(), base.sort_index())
    core = frames["accounts"]["role"] == "core"
    sunk = scores.assign(score=scores["score"].where(~core, 0.01))
    assert (score_clusters(frames, sunk)["score"] < 0.02).all()
    fringe = scores.assign(score=scores["score"].where(core, 0.01))
    np.testing.assert_allclose(score_clusters(frames, fringe)["score"], score_clusters(frames, scores)["score"])


def test_agreement():
    rows = (
        label(1, "account", "a", "benign", labeler="ana"), label(2, "account", "a", "distillation", labeler="bo"),
        label(3, "account", "b", "benign", labeler="ana"), label(4, "account", "b", "benign", labeler="bo"),
        label(5, "account", "c", "benign", labeler="ana"),
    )  # fmt: skip
    found = suggestions.agreement(table(*rows))
    assert (found.twice, found.agreed, found.share) == (2, 1, 0.5)
    assert found.disputed == ("account a: ana benign, bo distillation",)
    assert suggestions.agreement(table()).share is None


def test_the_next_labels_are_the_doubtful_ones(tiny):
    frames = tiny.frames()
    made = features_of(frames)
    clusters = frames["clusters"].copy()
    clusters["score"] = np.where(clusters["cluster_id"] == tiny.guilty(3), 0.5, 0.97)
    labelled = examples(labels_of(tiny, 2), frames["accounts"]).labelled
    asked = suggestions.next_labels(made, frames["accounts"], clusters, labelled)
    assert asked["target_id"].iloc[0] == tiny.guilty(3)
    assert not set(asked["target_id"]) & {f(n) for f in (tiny.guilty, tiny.innocent) for n in (0, 1)}
    assert asked["account_id"].iloc[0].startswith(tiny.guilty(3))
    nothing = examples(table(), frames["accounts"]).labelled
    first = suggestions.next_labels(made, frames["accounts"], frames["clusters"], nothing, limit=3)
    assert list(first["why"].str.contains("nothing is labelled distillation yet")) == [True, True, False]


def test_the_medoid_is_in_the_middle(tiny):
    frames = tiny.frames()
    made = features_of(frames)
    middle = suggestions.medoids(made, frames["accounts"])
    assert list(middle.index) == sorted(frames["clusters"]["cluster_id"])
    odd = made.copy()
    chosen = middle[tiny.guilty(0)]
    odd.loc[chosen, "noise"] = 50.0
    assert suggestions.medoids(odd, frames["accounts"])[tiny.guilty(0)] != chosen


def test_one_detector_is_a_pure_function_of_its_features(tiny):
    model = trained(tiny, labels_of(tiny, 2)).model
    made = features_of(tiny.frames())
    whole = model.predict(made)
    part = Detector(model.scaler, model.coefficients).predict(made.iloc[[5, 3]])
    assert list(part) == [whole.iloc[5], whole.iloc[3]]
