"""The loop: label, train, promote, see the queue re-rank, roll back, rebuild."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from stillwatch.detector import card
from stillwatch.detector import model as models
from stillwatch.detector.features import features
from stillwatch.errors import Busy, NothingYet, RefusedChange, StoreError, UnknownTarget
from stillwatch.pipeline import learn
from stillwatch.warehouse import runs
from stillwatch.warehouse.lock import home_lock


def scores(cfg):
    return runs.current(cfg.runs).frame("clusters").set_index("cluster_id")["score"]


def label_some(store, tiny, count=3):
    for n in range(count):
        store.add_label("cluster", tiny.guilty(n), "distillation", "same cards", "ana")
        store.add_label("cluster", tiny.innocent(n), "benign", "a course", "bo")


def test_a_benign_label_sinks_what_is_like_it(cfg, store, tiny):
    before = scores(cfg)
    store.add_label("cluster", tiny.innocent(0), "benign", "a course", "ana")
    report = learn.train(cfg, promote=True, by="ana")
    after = scores(cfg)
    alike = [tiny.innocent(n) for n in range(1, 6)]
    others = [tiny.guilty(n) for n in range(6)]
    assert (after[alike] < before[alike] - 0.2).all()
    assert after[others].min() > after[alike].max()
    ranked = runs.current(cfg.runs).frame("clusters").sort_values("rank")["cluster_id"]
    assert set(ranked.iloc[:6]) == set(others)
    assert (report.promoted, report.published_run) == (True, runs.current(cfg.runs).run_id)
    assert runs.current(cfg.runs).manifest["model_id"] == report.model_id == "M-0001"


def test_training_alone_changes_nothing_that_people_see(cfg, store, tiny):
    label_some(store, tiny)
    before = runs.current(cfg.runs).run_id
    report = learn.train(cfg)
    assert runs.current(cfg.runs).run_id == before
    assert models.promoted(cfg.models) is None
    assert (report.promoted, report.published_run) == (False, None)
    assert "Not in use yet" in str(report)
    assert "no labels" in str(report)
    recorded = store.models().iloc[0]
    assert recorded["metrics"]["candidate"]["average_precision"] == report.metrics["candidate"]["average_precision"]
    assert json.loads((cfg.models / "M-0001" / "metrics.json").read_text())["counts"] == report.metrics["counts"]


def test_the_same_labels_and_run_give_the_same_model(cfg, store, tiny):
    label_some(store, tiny)
    learn.train(cfg)
    learn.train(cfg)
    one, two = (models.load(cfg.models, m) for m in ("M-0001", "M-0002"))
    made = features(runs.current(cfg.runs))
    assert one.predict(made).equals(two.predict(made))
    snapshots = [(cfg.models / m / "labels.parquet").read_bytes() for m in ("M-0001", "M-0002")]
    assert snapshots[0] == snapshots[1]
    assert store.models()["labels_sha256"].nunique() == 1


def test_a_model_is_rebuilt_from_its_snapshot_whatever_was_said_since(cfg, store, tiny):
    label_some(store, tiny)
    learn.train(cfg, promote=True)
    for n in range(3):
        store.add_label("cluster", tiny.guilty(n), "benign", "changed my mind", "ana")
    again = learn.rebuild(cfg, "M-0001")
    made = features(runs.current(cfg.runs))
    assert again.model.predict(made).equals(models.load(cfg.models, "M-0001").predict(made))


def test_promote_and_roll_back(cfg, store, tiny):
    base = scores(cfg)
    label_some(store, tiny, 1)
    learn.train(cfg)
    label_some(store, tiny, 3)
    learn.train(cfg)
    learn.promote(cfg, "M-0001", "ana", "first try")
    first = scores(cfg)
    with pytest.raises(RefusedChange, match="M-0001 is in use already"):
        learn.promote(cfg, "M-0001", "ana", "again")
    learn.promote(cfg, "M-0002", "ana", "better")
    assert not np.allclose(first.sort_index(), scores(cfg).sort_index())
    learn.rollback(cfg, "bo", "worse on reviews")
    assert models.promoted(cfg.models) == store.model_in_use() == "M-0001"
    np.testing.assert_array_equal(first.sort_index(), scores(cfg).sort_index())
    learn.rollback(cfg, "bo", "still worse")
    assert models.promoted(cfg.models) is None
    np.testing.assert_array_equal(base.sort_index(), scores(cfg).sort_index())
    with pytest.raises(NothingYet, match="no model is in use"):
        learn.rollback(cfg, "bo", "once more")
    assert list(store.promotions()["action"]) == ["promote", "promote", "rollback", "rollback"]
    assert list(store.audit(action="rollback")["reason"]) == ["still worse", "worse on reviews"]
    assert store.verify_chain() == (True, None)


def test_what_cannot_be_promoted(cfg, store, tiny):
    label_some(store, tiny, 1)
    learn.train(cfg)
    with pytest.raises(UnknownTarget, match="there is no model 'M-0007'"):
        learn.promote(cfg, "M-0007", "ana", "r")
    (cfg.models / "M-0001" / "model.skops").write_bytes(b"tampered")
    with pytest.raises(StoreError, match="cannot be read"):
        learn.promote(cfg, "M-0001", "ana", "r")
    assert models.promoted(cfg.models) is None
    assert len(store.promotions()) == 0


def test_a_busy_home_refuses_before_anything_changes(cfg, store, tiny):
    label_some(store, tiny, 1)
    learn.train(cfg)
    with home_lock(cfg, "import"), pytest.raises(Busy):
        learn.promote(cfg, "M-0001", "ana", "r")
    assert models.promoted(cfg.models) is None
    assert len(store.promotions()) == 0


def test_a_promotion_that_was_cut_short_is_finished_by_the_next(cfg, store, tiny):
    label_some(store, tiny, 1)
    learn.train(cfg)
    store.record_promotion("M-0001", "promote", "ana", "the machine stopped here")
    run = learn.promote(cfg, "M-0001", "ana", "once more")
    assert (run.manifest["model_id"], models.promoted(cfg.models)) == ("M-0001", "M-0001")
    assert len(store.promotions()) == 1


def test_without_a_run_or_labels_it_says_what_comes_first(cfg, store, tmp_path):
    with pytest.raises(NothingYet, match="no labels yet"):
        learn.train(cfg)
    with pytest.raises(NothingYet, match="no detection run yet"):
        learn.train(cfg.at(tmp_path / "empty"))
    assert not cfg.models.exists()


def test_a_lost_model_does_not_stop_its_successor(cfg, store, tiny):
    label_some(store, tiny)
    learn.train(cfg, promote=True)
    (cfg.models / "M-0001" / "model.skops").unlink()
    assert learn.train(cfg).metrics["in_use"] is None


_watching: list[list[str]] = []


def _note(event: str, args: tuple[object, ...]) -> None:
    """Python never lets go of an audit hook, so there is one, and tests hand it a list to write to."""
    if event == "open":
        for opened in _watching:
            opened.append(str(args[0]))


sys.addaudithook(_note)


def test_training_never_opens_truth(cfg, store, tiny):
    """Truth lies everywhere it could be found; every file that Python opens is noted, and parsing one would fail."""
    for place in (cfg.home, cfg.runs, runs.current(cfg.runs).folder, cfg.home / "warehouse"):
        place.mkdir(exist_ok=True)
        (place / "truth.parquet").write_bytes(b"x")
        (place / "truth.csv").write_bytes(b"x")
    label_some(store, tiny)
    opened: list[str] = []
    _watching.append(opened)
    try:
        learn.train(cfg, promote=True)
    finally:
        _watching.remove(opened)
    assert any(name.endswith("metrics.json") for name in opened)
    assert not [name for name in opened if "/truth." in name]


HOSTILE = (
    "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.example/a.png) | `code` https://evil.example"
)


def test_the_card_says_what_it_must_and_runs_nothing(cfg, store, tiny):
    label_some(store, tiny, 2)
    store.add_label("cluster", tiny.guilty(3), "benign", HOSTILE, HOSTILE)
    learn.train(cfg, by=HOSTILE)
    text = (cfg.models / "M-0001" / "card.md").read_text()
    for section in (
        "Model description", "Intended uses and limitations", "Training procedure", "Hyperparameters",
        "Evaluation results", "Authors", "Contact", "Citation",
    ):  # fmt: skip
        assert f"# {section}\n" in text
    for words in (
        "Nobody is to be judged by it alone",
        "Class balance",
        "Agreement",
        "Split",
        "5 human",
        "evaluation and",
    ):
        assert words in text
    assert "held out it gets" in text
    assert "<script" not in text
    assert "http://" not in text
    assert "](" not in text
    pq.read_table(cfg.models / "M-0001" / "labels.parquet")


@pytest.mark.parametrize("text", [HOSTILE, "a\nb\r# heading", "- list", "x" * 1_000, "\x1b[31m\u202eevil"])
def test_hostile_words_stay_words_in_markdown(text):
    shown = card.markdown_text(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert len(shown) < 700
    assert not any(ord(c) < 32 or c == "\u202e" for c in shown)
    assert "http://" not in shown
    assert "https://" not in shown
    assert not shown.startswith(("#", "- "))


def test_why_an_account_moved(cfg, store, tiny):
    account = f"{tiny.guilty(0)}-00"
    assert len(learn.why_moved(cfg, account)) == 0
    label_some(store, tiny)
    learn.train(cfg, promote=True)
    why = learn.why_moved(cfg, account)
    assert list(why["log_odds"].abs()) == sorted(why["log_odds"].abs(), reverse=True)
    assert why["log_odds"].sum() > 0
    assert len(learn.why_moved(cfg, "nobody")) == 0
    assert set(learn.next_labels(cfg)["target_type"]) <= {"cluster", "account"}
