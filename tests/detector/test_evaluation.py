"""Evaluation of a run whose figures were worked out by hand; and truth that cannot be read."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from stillwatch.detector.evaluation import compare, evaluate
from stillwatch.detector.truth import read_truth
from stillwatch.errors import InputError, SourceError
from stillwatch.pipeline import learn

# Two campaigns: rose (5 accounts, one of them missing from the run) and iris (3). Cluster A is rose's (4 of 4 known,
# one innocent), B is a classroom, D holds two of iris in review.
ACCOUNTS = [
    ("r1", "A", 0.9), ("r2", "A", 0.9), ("r3", "A", 0.8), ("r4", "A", 0.7), ("i1", "A", 0.6),
    ("c1", "B", 0.65), ("c2", "B", 0.4), ("c3", "B", 0.3),
    ("v1", "D", 0.5), ("v2", "D", 0.45), ("v3", None, 0.1), ("i2", None, 0.05), ("stranger", None, 0.99),
]  # fmt: skip
CLUSTERS = [("A", 1, "alarm"), ("B", 2, "alarm"), ("D", 3, "review")]
TRUTH = [
    *((f"r{n}", "rose", "E") for n in range(1, 6)), *((f"v{n}", "iris", "J") for n in range(1, 4)),
    *((f"c{n}", None, "classroom") for n in range(1, 4)), ("i1", None, None), ("i2", None, None),
]  # fmt: skip


@pytest.fixture
def accounts():
    return pd.DataFrame(ACCOUNTS, columns=["account_id", "cluster_id", "score"])


@pytest.fixture
def clusters():
    return pd.DataFrame(CLUSTERS, columns=["cluster_id", "rank", "tier"])


@pytest.fixture
def truth():
    return pd.DataFrame(TRUTH, columns=["account_id", "campaign", "archetype"])


def test_every_figure_by_hand(accounts, clusters, truth):
    e = compare("R-1", accounts, clusters, truth)
    assert (e.accounts, e.in_campaigns, e.missing, e.unnamed) == (13, 8, 1, 1)
    assert (e.alarm.precision, e.alarm.recall, e.alarm.flagged) == (4 / 8, 4 / 8, 8)
    assert (e.at_half.precision, e.at_half.recall, e.at_half.flagged) == (5 / 7, 5 / 8, 7)
    assert e.at_half.f1 == pytest.approx(2 * 5 / (7 + 8))
    assert e.recall_at_precision_99 == 4 / 8
    assert e.bcubed.precision == pytest.approx((4 * 4 / 5 + 1 / 5 + 3 * 1 / 3 + 2) / 10)
    assert e.bcubed.recall == pytest.approx((4 * 4 / 5 + 1 / 5 + 2 * 2 / 3 + 1 / 3) / 8)
    assert e.bcubed_alarm.recall == pytest.approx((4 * 4 / 5 + 1 / 5 + 3 * 1 / 3) / 8)
    assert (e.alarm_clusters, e.false_clusters, e.false_review_clusters) == (2, 1, 0)
    assert e.campaigns_found == 1
    rose, iris = e.campaigns
    assert (rose.campaign, rose.found, rose.share, rose.purity, rose.queue_position) == ("rose", True, 0.8, 0.8, 1)
    assert rose.mean_score == pytest.approx((0.9 + 0.9 + 0.8 + 0.7) / 4)
    assert (iris.campaign, iris.found, iris.found_in_review, iris.tier) == ("iris", False, True, "review")
    assert (iris.archetype, iris.queue_position) == ("J", 3)
    looks = {look.archetype: (look.accounts, look.alarmed, look.above_half) for look in e.look_alikes}
    assert looks == {"classroom": (3, 1.0, pytest.approx(1 / 3)), "ordinary": (2, 0.5, 0.5)}
    known = truth.merge(accounts, on="account_id", how="left").fillna({"score": 0})
    assert e.average_precision == pytest.approx(average_precision_score(known["campaign"].notna(), known["score"]))
    assert "1 accounts of truth are not in the run (1 of them in campaigns)" in e.notes[0]
    assert "1 accounts of the run are not in truth" in e.notes[1]
    text = str(e)
    assert "campaigns found         1 of 2" in text
    assert "rose (E): 5 accounts, found, place 1 in the queue, best cluster holds 80%" in text
    assert json.loads(json.dumps(e.to_dict()))["campaigns_total"] == 2


def test_the_order_of_rows_does_not_matter(accounts, clusters, truth):
    shuffled = [f.sample(frac=1, random_state=3) for f in (accounts, clusters, truth)]
    assert compare("R-1", *shuffled) == compare("R-1", accounts, clusters, truth)


def test_a_world_without_campaigns(accounts, clusters, truth):
    e = compare("R-1", accounts, clusters, truth.assign(campaign=None))
    assert (e.average_precision, e.alarm.recall, e.recall_at_precision_99, e.bcubed.recall) == (None, None, None, None)
    assert (e.campaigns, e.false_clusters, e.false_review_clusters) == ((), 2, 1)
    assert "truth has no campaign: only false alarms can be counted here" in str(e)


def test_a_run_without_clusters(accounts, clusters, truth):
    e = compare("R-1", accounts.assign(cluster_id=None), clusters.iloc[:0], truth)
    assert (e.alarm.precision, e.alarm.recall, e.bcubed.precision) == (None, 0.0, None)
    assert e.bcubed.recall == pytest.approx((5 / 5 + 3 / 3) / 8)
    assert [c.queue_position for c in e.campaigns] == [None, None]
    assert "nowhere in the queue" in str(e)


def test_truth_of_other_data_is_refused(accounts, clusters, truth):
    with pytest.raises(InputError, match="no account in common"):
        compare("R-1", accounts, clusters, truth.assign(account_id=truth["account_id"] + "x"))


def test_a_published_run_against_a_file(cfg, tiny, tmp_path):
    accounts = tiny.frames()["accounts"]
    bad = accounts["cluster_id"].fillna("").str.startswith("C-bad")
    truth = pd.DataFrame({"account_id": accounts["account_id"], "campaign": accounts["cluster_id"].where(bad)})
    truth.to_csv(tmp_path / "truth.csv", index=False)
    found = learn.evaluate(cfg, tmp_path)
    assert (found.accounts, len(found.campaigns), found.campaigns_found) == (344, 6, 3)
    assert all(c.found or c.found_in_review for c in found.campaigns)
    run = tiny.publish(cfg.runs, run_id="R-20261123-180000-cd34")
    assert evaluate(run, read_truth(tmp_path / "truth.csv")).average_precision == found.average_precision


def packed(tmp_path, name, frame):
    file = tmp_path / name
    if name.endswith(".parquet"):
        frame.to_parquet(file)
    elif ".jsonl" in name:
        text = frame.to_json(orient="records", lines=True)
        file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    else:
        frame.to_csv(file, index=False)
    return file


@pytest.mark.parametrize("name", ["truth.parquet", "truth.csv", "truth.csv.gz", "truth.jsonl", "truth.jsonl.gz"])
def test_truth_in_every_format_and_from_its_folder(tmp_path, truth, name):
    truth = pd.concat([truth, pd.DataFrame([("007", "rose", "<b>")], columns=truth.columns)], ignore_index=True)
    file = packed(tmp_path, name, truth)
    want = truth.astype(object).where(truth.notna(), None)
    for place in (file, tmp_path):
        found = read_truth(place)
        assert found.astype(object).where(found.notna(), None).values.tolist() == want.values.tolist()


@pytest.mark.parametrize("name", ["truth.parquet", "truth.csv", "truth.csv.gz", "truth.jsonl", "truth.jsonl.gz"])
def test_an_account_may_be_called_null(tmp_path, name):
    ids = ["NULL", "null", "NA", "N/A", "nan", "None", " a ", "1e5", "0x10", "007", "true", "1.0"]
    file = packed(tmp_path, name, pd.DataFrame({"account_id": ids, "campaign": ["rose"] * 11 + ["NULL"]}))
    found = read_truth(file)
    assert found["account_id"].tolist() == ids
    assert found["campaign"].isna().tolist() == [False] * 11 + [True]


def test_truth_in_parts(tmp_path, truth):
    (tmp_path / "truth").mkdir()
    truth.iloc[:5].to_parquet(tmp_path / "truth" / "a.parquet")
    truth.iloc[4:].to_parquet(tmp_path / "truth" / "b.parquet")
    assert len(read_truth(tmp_path)) == len(truth)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("truth.csv", b"account,campaign\na,b\n", "lacks the column account_id"),
        ("truth.csv", b"account_id,campaign\na,x\na,y\n", "says two things of account 'a'"),
        ("truth.csv", b"account_id,campaign\n", "has no rows"),
        ("truth.csv", b"", "cannot be read"),
        ("truth.csv", b"account_id,campaign\na,x\n,y\n", "row 2: account_id is empty"),
        ("truth.parquet", b"PAR1 cut off", "cannot be read"),
        ("truth.jsonl", b"{not json", "cannot be read"),
        ("truth.csv.gz", b"not gzip", "cannot be read"),
        ("truth.xlsx", b"PK", "is no Parquet, CSV or JSONL"),
    ],
)
def test_truth_that_cannot_be_used(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_truth(tmp_path / name)


def test_truth_that_is_not_there_or_there_twice(tmp_path):
    with pytest.raises(SourceError, match="there is no file or folder"):
        read_truth(tmp_path / "nothing")
    with pytest.raises(SourceError, match="holds no truth"):
        read_truth(tmp_path)
    for name in ("truth.csv", "truth.jsonl"):
        (tmp_path / name).write_text("account_id,campaign\na,b\n")
    with pytest.raises(SourceError, match=r"truth\.csv and truth\.jsonl; name the one"):
        read_truth(tmp_path)


def test_what_was_taken_stands_beside_truth(accounts, clusters, truth):
    truth = truth.assign(taken_requests=[10.0] * 5 + [7.0] * 3 + [0.0] * 5)
    taken = pd.DataFrame(
        [("A", None, 36, 30, 41), ("A", "coding", 36, 30, 41), ("D", None, 9, 8, 10)],
        columns=["cluster_id", "capability", "requests", "low", "high"],
    )
    (a,) = compare("R-1", accounts, clusters, truth, taken).taken  # D is no alarm; r5 is not in the run
    assert (a.cluster_id, a.truth, a.estimate, a.inside) == ("A", 40, 36, True)
    assert compare("R-1", accounts, clusters, truth).taken == ()
    assert compare("R-1", accounts, clusters, truth.drop(columns="taken_requests"), taken).taken == ()
