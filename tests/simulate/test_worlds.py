"""What a written world promises: the contract to the letter, the same bytes again, nothing that gives truth away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from written_world import Written, make

from stillwatch.errors import InputError
from stillwatch.simulate import SCENARIOS, simulate
from stillwatch.simulate.campaigns import BUILDERS as CAMPAIGNS
from stillwatch.simulate.leakage import area
from stillwatch.simulate.lookalikes import BUILDERS as LOOK_ALIKES
from stillwatch.simulate.ordinary import SHARES
from stillwatch.sources.contract import ACCOUNTS, IDENTIFIERS, MODELS, REQUESTS, TRUTH

SAMPLE = Path(__file__).parents[2] / "sample_data"


def bytes_of(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*.parquet"))}


def test_the_same_command_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, again, other = (make(tmp_path / name, "sample", 0.05, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert bytes_of(first.path) == bytes_of(again.path)
    assert set(bytes_of(first.path)) == {
        f"{t}.parquet" for t in ("accounts", "requests", "identifiers", "models", "truth")
    }
    assert bytes_of(first.path)["requests.parquet"] != bytes_of(other.path)["requests.parquet"]


@pytest.mark.parametrize("spec", [ACCOUNTS, REQUESTS, IDENTIFIERS, MODELS, TRUTH], ids=lambda s: s.name)
def test_tables_follow_the_contract_to_the_letter(mixed: Written, spec) -> None:  # type: ignore[no-untyped-def]
    table = mixed.arrow(spec.name)
    assert table.schema.equals(spec.schema)
    for column in spec.columns:
        if column.required:
            assert table[column.name].null_count == 0, column.name
    if spec.key:
        assert not table.select(list(spec.key)).to_pandas().duplicated().any()


def test_rows_belong_together_and_to_their_time(mixed: Written) -> None:
    accounts, requests, identifiers = (mixed.frame(t) for t in ("accounts", "requests", "identifiers"))
    known = set(accounts["account_id"])
    assert set(requests["account_id"]) <= known
    assert set(identifiers["account_id"]) <= known
    assert set(mixed.frame("truth")["account_id"]) == known
    assert not identifiers.duplicated(["account_id", "kind", "value"]).any()
    assert (identifiers["first_seen"] <= identifiers["last_seen"]).all()
    assert requests["ts"].is_monotonic_increasing
    assert requests["ts"].min() >= pd.Timestamp("2026-09-02")
    assert requests["ts"].max() < pd.Timestamp("2026-11-01")
    both = requests.merge(accounts, on="account_id", suffixes=("", "_account"))
    assert (both["ts"] >= both["created_at"] - pd.Timedelta(seconds=1)).all()
    enforced = both[both["status_at"].notna()]
    assert len(enforced)
    assert (enforced["ts"] <= enforced["status_at"] + pd.Timedelta(seconds=1)).all()
    assert set(requests["status"]) == {"ok", "refused", "error", "rate_limited"}
    assert set(requests["model"]) <= set(mixed.frame("models")["model"])
    released = requests.merge(mixed.frame("models"), on="model")
    assert (released["ts"] >= released["released_at"] - pd.Timedelta(days=1)).all()


def test_every_archetype_and_every_look_alike_is_there_and_at_work(mixed: Written) -> None:
    truth, requests = mixed.frame("truth"), mixed.frame("requests")
    active = truth[truth["account_id"].isin(requests["account_id"])]
    assert set(active["archetype"]) == set(CAMPAIGNS) | set(LOOK_ALIKES) | set(SHARES)
    assert len(LOOK_ALIKES) == 14
    assert len(CAMPAIGNS) == 10
    named = truth[truth["campaign"].notna()]
    assert set(named["archetype"]) == set(CAMPAIGNS)
    assert (named.groupby("campaign").size() >= 5).all()
    assert truth[~truth["archetype"].isin(CAMPAIGNS)]["campaign"].isna().all()


def test_truth_tells_how_much_of_an_account_was_a_campaigns_own_work(mixed: Written) -> None:
    truth, requests = mixed.frame("truth").set_index("account_id"), mixed.frame("requests")
    requests["tokens"] = requests["input_tokens"] + requests["output_tokens"]
    made = requests.groupby("account_id").agg(requests=("tokens", "size"), tokens=("tokens", "sum"))
    made = made.reindex(truth.index, fill_value=0)
    assert (truth["taken_requests"] <= made["requests"]).all()
    assert (truth["taken_tokens"] <= made["tokens"]).all()
    assert ((truth["taken_requests"] > 0) == (truth["taken_tokens"] > 0)).all()
    of = truth["archetype"]
    innocent = truth["campaign"].isna()
    assert set(of[innocent & (truth["taken_requests"] > 0)]) <= {"stolen_key"}
    share = truth["taken_requests"].groupby(of).sum() / made["requests"].groupby(of).sum()
    assert share["g_cleaner"] > 0.6  # nearly no cover
    assert 0.2 < share["d_proxy_pool"] < 0.6  # half of it is customers'
    assert share["j_low_and_slow"] < 0.15


def test_blind_spots_enforcement_and_releases_are_there(mixed: Written) -> None:
    accounts, requests, truth = mixed.frame("accounts"), mixed.frame("requests"), mixed.frame("truth")
    status = accounts.merge(truth, on="account_id")
    innocent = status["campaign"].isna()
    assert 0.002 < (status.loc[innocent, "status"] != "active").mean() < 0.05
    assert 0.01 < (status.loc[~innocent, "status"] != "active").mean() < 0.5
    unkept = requests["prompt"].isna()
    assert 0.005 < unkept.mean() < 0.3
    assert requests.loc[~unkept, "prompt_hash"].isna().all()
    assert requests.loc[unkept, "prompt_hash"].notna().any()
    without = ~accounts["account_id"].isin(mixed.frame("identifiers").query("kind == 'payment'")["account_id"])
    assert 0.1 < without.mean() < 0.6
    released = mixed.frame("models")["released_at"]
    assert ((released > pd.Timestamp("2026-09-03")) & (released < pd.Timestamp("2026-10-30"))).sum() >= 2


def test_ids_and_the_order_of_rows_tell_nothing(mixed: Written) -> None:
    truth = mixed.frame("truth")
    guilty = truth["campaign"].notna().to_numpy()
    bound = 4 * np.sqrt(1 / (12 * guilty.sum()))  # four standard deviations of the AUC of noise
    for score in (
        np.arange(len(truth)),
        truth["account_id"].rank().to_numpy(),
        truth["account_id"].str[::-1].rank().to_numpy(),
    ):
        assert abs(area(score, guilty) - 0.5) < bound
    identifiers = mixed.frame("identifiers").merge(truth, on="account_id")
    for score in (np.arange(len(identifiers)), identifiers["value"].str[4:].rank().to_numpy()):
        assert abs(area(score, identifiers["campaign"].notna().to_numpy()) - 0.5) < bound
    assert mixed.frame("accounts")["account_id"].tolist() == truth["account_id"].tolist()
    assert truth["account_id"].str.fullmatch(r"acct_[a-z2-9]{12}").all()
    assert mixed.frame("requests")["request_id"].str.fullmatch(r"req_[a-z2-9]{13}").all()


def test_no_single_column_gives_the_answer_away(mixed: Written) -> None:
    assert len(mixed.report.features) >= 40
    name, auc = mixed.report.best_feature or ("", 1.0)
    assert auc < 0.85, name


def test_the_committed_sample_is_small_and_gives_nothing_away(tmp_path: Path) -> None:
    report = simulate("sample", seed=1, out=tmp_path / "sample")
    name, auc = report.best_feature or ("", 1.0)
    assert auc < 0.85, name
    assert sum(p.stat().st_size for p in SAMPLE.iterdir()) <= 5_000_000
    assert 2_900 <= report.rows["accounts"] <= 3_100
    assert 100_000 <= report.rows["requests"] <= 130_000
    assert len(report.campaigns) >= 3
    assert set(LOOK_ALIKES) <= set(report.archetypes)
    for table in ("accounts", "requests", "identifiers", "models", "truth"):
        assert pq.read_table(SAMPLE / f"{table}.parquet").equals(
            pq.read_table(tmp_path / "sample" / f"{table}.parquet")
        )


def test_scale_sets_the_number_of_accounts(tmp_path: Path) -> None:
    small, large = make(tmp_path / "s", "none", 0.05, 1), make(tmp_path / "l", "none", 0.15, 1)
    assert small.report.rows["accounts"] == 250
    assert large.report.rows["accounts"] == 750
    assert 1.5 < large.report.rows["requests"] / small.report.rows["requests"] < 6
    assert small.report.campaigns == {}
    assert small.report.features == {}
    assert small.frame("truth")["campaign"].isna().all()


def test_bad_requests_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no scenario 'nope'.*a_small_balanced.*incident"):
        simulate("nope", out=tmp_path / "x")
    for scale in (0, -1, 1000, float("nan")):
        with pytest.raises(InputError, match="the scale is"):
            simulate("sample", scale=scale, out=tmp_path / "x")
    with pytest.raises(InputError, match="the seed is -1"):
        simulate("sample", seed=-1, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="already holds something else"):
        simulate("sample", out=tmp_path / "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        simulate("sample", out=tmp_path / "file")


def test_scenarios_cover_every_archetype_and_every_hard_case() -> None:
    assert set(CAMPAIGNS) <= set(SCENARIOS)
    assert {"sample", "mixed", "none", "incident"} <= set(SCENARIOS)
    for name in CAMPAIGNS:
        shares = {a: sum(s for kind, s in SCENARIOS[name].campaigns if kind == a) for a, _ in SCENARIOS[name].campaigns}
        assert max(shares, key=lambda a: shares[a]) == name
    assert all(s.description.endswith(".") and ". " not in s.description for s in SCENARIOS.values())


def test_what_a_hard_case_lacks_is_gone(tmp_path: Path) -> None:
    def world(name: str) -> Written:
        return make(tmp_path / name, name, 0.03, 2)

    assert not (world("no_identifiers").path / "identifiers.parquet").exists()
    silent = world("no_prompts").frame("requests")
    assert silent["prompt"].isna().all()
    assert silent["prompt_hash"].isna().all()
    nat = world("one_nat")
    assert nat.frame("requests")["ip"].nunique() == 1
    assert nat.frame("identifiers").query("kind == 'signup_ip'")["value"].nunique() == 1
    template = world("one_template").frame("requests")["prompt"].dropna()
    assert template.str.slice(0, 12).value_counts(normalize=True).iloc[0] > 0.9
    single = world("single_requests")
    assert single.frame("requests")["account_id"].is_unique
    skewed = world("clock_skew")
    before = skewed.frame("requests").merge(skewed.frame("accounts"), on="account_id")
    assert (before["ts"] < before["created_at"]).any()
