"""What a name means: accounts of the run, accounts that only the warehouse knows, clusters, campaigns."""

from __future__ import annotations

import pytest

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.errors import InputError, UnknownTarget
from stillwatch.pipeline.ingest import import_path
from stillwatch.pipeline.labels import label_file, label_target


@pytest.fixture
def imported(tmp_path):
    """A home with data but without a run; some accounts have names that look like something else."""
    data = tmp_path / "data"
    data.mkdir()
    names = ["plain", "cluster:plain", "K-0001", "=cmd()"]
    (data / "accounts.csv").write_text("account_id,created_at\n" + "".join(f"{n},2026-01-01\n" for n in names))
    (data / "requests.csv").write_text("request_id,account_id,ts,model\nr1,plain,2026-02-01,m\n")
    cfg = settings(tmp_path / "home")
    import_path(cfg, data)
    return cfg


def test_accounts_can_be_labelled_before_the_first_run(imported):
    saved = label_target(imported, "plain", "benign", reason="known", by="ana")
    assert (saved.label.target_type, saved.label.run_id) == ("account", None)
    with pytest.raises(UnknownTarget, match="there is no account, cluster or campaign 'nobody'"):
        label_target(imported, "nobody", "benign", reason="r", by="ana")
    with pytest.raises(UnknownTarget, match="run `stillwatch detect`"):
        label_target(imported, "cluster:C-1", "benign", reason="r", by="ana")


def test_a_prefix_says_which_is_meant(imported):
    assert label_target(imported, "account:plain", "benign", reason="r", by="ana").label.target_id == "plain"
    named = label_target(imported, "account:cluster:plain", "benign", reason="r", by="ana").label
    assert (named.target_type, named.target_id) == ("account", "cluster:plain")
    with pytest.raises(InputError, match="is the name of cluster and account; say which"):
        label_target(imported, "cluster:plain", "benign", reason="r", by="ana")
    assert label_target(imported, "K-0001", "benign", reason="r", by="ana").label.target_type == "account"


def test_a_file_of_labels_twice_adds_nothing(imported, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "target_type,target_id,label,reason,labeler\naccount,'=cmd(),benign,r,ana\naccount,plain,benign,r,\n"
    )
    assert label_file(imported, file, by="bo") == (2, 0)
    assert label_file(imported, file, by="bo") == (0, 2)
    with CaseStore.open(imported) as store:
        assert set(store.labels()["target_id"]) == {"=cmd()", "plain"}
        assert set(store.labels()["labeler"]) == {"ana", "bo"}
