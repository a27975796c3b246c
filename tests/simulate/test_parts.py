"""The parts against oracles and laws: text composition, tokens, pacing, campaign stories."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from written_world import Written, make

from stillwatch.simulate import authors, calibration, ordinary, pacing
from stillwatch.simulate.campaigns.enrolment import Lives
from stillwatch.simulate.campaigns.habits import WAYS, draw
from stillwatch.simulate.lookalikes import BUILDERS as LOOK_ALIKES
from stillwatch.simulate.run import plan
from stillwatch.simulate.scenarios import SCENARIOS
from stillwatch.simulate.text import TextBook, Unit
from stillwatch.simulate.tokens import Namer
from stillwatch.simulate.world import DAY, World


@pytest.fixture(scope="module")
def world() -> World:
    """A planned world, nothing written."""
    return plan(SCENARIOS["mixed"], 0.2, 8)


def text_book() -> TextBook:
    book = TextBook(("tea", "cars"))
    book.slot("noun", {"tea": ["leaf", "pot"], "cars": ["wheel"]})
    book.slot("number", [str(i) for i in range(100)], flat=True)
    book.klass("ask", ["Wash the <noun>. ", "Count <number>. "])
    return book


def test_composed_text_is_what_the_pattern_says() -> None:
    book = text_book()
    fixed = book.template([Unit(pattern=book.pattern("Do: <noun>|")), Unit(klass=book.class_id("ask"), repeat=2.5)])
    bare = book.template([Unit(pattern=book.pattern("never"), keep=0.0), Unit(pattern=book.pattern("always"))])
    rng = np.random.default_rng(0)
    templates = np.array([fixed, bare] * 300)
    topics = np.array([0, 0, 1, 1] * 150)
    said = book.compose(rng, templates, topics, np.tile([0.0, 1.0], (600, 1))).to_pylist()
    assert set(said[1::2]) == {"always"}
    one = pd.Series(said[0::4])
    assert one.str.fullmatch(r"Do: (leaf|pot)\|(Wash the (leaf|pot)\. |Count \d{1,2}\. )+").all()
    assert pd.Series(said[2::4]).str.fullmatch(r"Do: wheel\|(Wash the wheel\. |Count \d{1,2}\. )+").all()
    sentences = one.str.count(r"\. ")
    assert sentences.min() == 1
    assert 2.2 < sentences.mean() < 2.8


def test_a_window_keeps_a_worker_to_its_shard() -> None:
    book = text_book()
    only = book.template([Unit(pattern=book.pattern("<number>"))])
    window = np.array([[0.0, 0.25]] * 500 + [[0.25, 1.0]] * 500)
    said = book.compose(np.random.default_rng(1), np.full(1000, only), np.zeros(1000, np.int64), window)
    numbers = said.to_numpy(zero_copy_only=False).astype(int)
    assert numbers[:500].max() == 24
    assert numbers[500:].min() == 25


def test_books_are_drawn_by_their_weights() -> None:
    book = text_book()
    a, b = (book.template([Unit(pattern=book.pattern(t))]) for t in "ab")
    first, second = book.book([a, b], [3, 1]), book.book([b])
    drawn = book.pick_templates(np.random.default_rng(2), np.array([first] * 4000 + [second] * 10))
    assert 0.72 < (drawn[:4000] == a).mean() < 0.78
    assert (drawn[4000:] == b).all()


def test_rewordings_keep_the_author_and_change_the_words() -> None:
    book = authors.new_textbook(np.random.default_rng(3))
    author = authors.random_author(np.random.default_rng(4), 0, intents=["reasoning", "grading"], layouts=["plain"])
    wordings = [authors.template(book, author, v) for v in (0, 0, 1, 2, 3)]
    fixed = []
    for template in wordings:
        said = book.compose(np.random.default_rng(5), np.array([template]), np.array([0]), np.array([[0.0, 1.0]]))
        words = said[0].as_py().split()
        fixed.append({" ".join(words[i : i + 3]) for i in range(len(words) - 2)})
    assert fixed[0] == fixed[1]
    assert all(f != fixed[0] for f in fixed[2:])
    assert any(len(f & fixed[0]) >= 3 for f in fixed[2:])


def test_tokens_are_a_keyed_bijection() -> None:
    codes = np.arange(-1000, 200_000)
    names = Namer(1).tokens(codes, "x", 13).to_pandas()
    assert names.is_unique
    assert names.str.fullmatch(r"x_[a-z2-9]{13}").all()
    assert not names.eq(Namer(2).tokens(codes, "x", 13).to_pandas()).any()
    assert Namer(1).tokens(np.array([5, -(1 << 62)]), "x", 8).to_pylist()[1] is None


def test_balanced_load_is_bursty_in_its_members_and_smooth_in_its_sum(world: World) -> None:
    total = np.full(40, 600.0)
    knobs = {"start": 0, "week": "all", "spread": 1.2, "skip": 0.5}
    alone = pacing.daily(world, np.random.default_rng(1), total, **knobs)
    dealt = pacing.daily(world, np.random.default_rng(1), total, **knobs, balance=True)

    def unevenness(x: np.ndarray) -> float:
        return float(x.std() / x.mean())

    assert unevenness(dealt.sum(0)) < 0.5 * unevenness(alone.sum(0))
    assert np.mean([unevenness(row) for row in dealt]) > 0.8
    assert abs(dealt.sum() / total.sum() - 1) < 0.15


def test_nobody_asks_outside_its_days(world: World) -> None:
    start, stop = np.array([3.0, -5.0, 100.0]), np.array([6.0, 2.5, 200.0])
    counts = pacing.daily(world, np.random.default_rng(2), np.full(3, 500.0), start=start, stop=stop, skip=0.0)
    active = [np.flatnonzero(row) for row in counts]
    assert active[0].min() >= 3
    assert active[0].max() <= 5
    assert active[1].max() <= 2
    assert not len(active[2])


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leaves_a_tie_of_identity(world: World, way: str) -> None:
    habits = draw(np.random.default_rng(1), ways=(way,))
    sizes = (habits.per_card, habits.per_device, habits.per_phone, habits.per_address, habits.per_sign_up_ip)
    assert max(sizes) > 1.2 or habits.series > 0.5


def test_a_swept_pool_is_followed_by_the_second(world: World) -> None:
    habits = draw(np.random.default_rng(3), pools=2, banned=0.0)
    lives = Lives.draw(world, np.random.default_rng(3), habits, 200)
    swept = lives.struck_at >= 0
    assert swept[lives.pool == 0].mean() > 0.15
    assert not swept[lives.pool == 1].any()
    day = np.median(lives.struck_at[swept])
    assert (lives.start[lives.pool == 1] >= day - 0.5).all()
    assert (np.abs(lives.stop[lives.pool == 0] - day) < 1).all()


def test_a_banned_account_is_replaced_within_a_day_by_its_heir(world: World) -> None:
    lives = Lives.draw(world, np.random.default_rng(4), draw(np.random.default_rng(4), banned=0.1), 200)
    heirs = np.flatnonzero(lives.heir_of >= 0)
    assert len(heirs) >= 5
    wait = lives.start[heirs] - lives.struck_at[lives.heir_of[heirs]]
    assert (wait >= 0).all()
    assert np.median(wait) < 0.5
    assert (lives.born <= lives.start).all()


def test_campaigns_speak_words_of_their_own_and_innocents_ask_for_reasons_too(mixed: Written) -> None:
    r = mixed.frame("requests").merge(mixed.frame("truth"), on="account_id")
    asks = r["prompt"].str.contains(r"reasoning|step by step|thinking|[Gg]rade|[Ss]core", regex=True, na=False)
    share = asks.groupby(r["archetype"]).mean()
    for innocent in ("bank_explanations", "academic_distillation", "labelling_firm", "evaluation_vendor"):
        assert share[innocent] > 0.1, innocent
    opening = r["prompt"].dropna().str.slice(0, 40)
    busy = pd.DataFrame({"opening": opening, "campaign": r["campaign"]}).dropna()
    per = busy.groupby("opening")["campaign"].nunique()
    assert (per > 1).mean() < 0.05


def test_sweeps_are_refused_and_releases_are_followed(mixed: Written) -> None:
    r = mixed.frame("requests").merge(mixed.frame("truth"), on="account_id")
    each = (r["status"] == "refused").groupby(r["account_id"]).mean()
    refused = each.groupby(r.groupby("account_id")["archetype"].first()).mean()
    assert refused["i_sweep"] > 2 * refused.median()
    assert refused["single"] < 0.06
    released = mixed.frame("models").set_index("model")["released_at"]
    after = r[(r["ts"] > released["aster-4"]) & (r["ts"] < released["aster-4"] + pd.Timedelta(days=2))]
    moved = (after["model"] == "aster-4").groupby(after["archetype"]).mean()
    assert moved["c_release_pivot"] > 0.3
    assert moved["c_release_pivot"] > 1.5 * moved["developer"]


def test_sessions_travel_in_campaigns_and_among_innocents(tmp_path: Path) -> None:
    world = make(tmp_path / "w", "f_session_replay", 0.2, 5)
    r = world.frame("requests").merge(world.frame("truth"), on="account_id")
    shared = r.dropna(subset=["session_id"]).groupby("session_id")["account_id"].nunique()
    travelling = r[r["session_id"].isin(shared[shared > 1].index)]
    assert (travelling["archetype"] == "f_session_replay").any()
    innocent = travelling[travelling["campaign"].isna()].groupby("archetype")["account_id"].nunique()
    assert innocent.sum() > 0.05 * r["account_id"].nunique()  # gateways, teams and builds hand sessions around too
    assert len(set(innocent.index) & set(LOOK_ALIKES)) >= 3


def test_low_and_slow_is_a_small_part_of_each_account() -> None:
    world = plan(SCENARIOS["j_low_and_slow"], 1.0, 3)
    accounts, streams = world.accounts(), world.streams()
    guilty = np.flatnonzero(accounts["campaign"] != "")
    assert len(guilty) == 3 * round(0.002 * world.n_accounts)
    stream, _, count = world.load()
    total = np.bincount(stream, count, minlength=len(streams["account"]))
    own = np.isin(streams["account"], guilty)
    work = total[own & streams["taken"]].sum()
    assert 0.04 < work / total[own].sum() < 0.11
    for kind, (rows, codes) in world.seen_with().items():
        if kind == "payment":
            mine = codes[np.isin(rows, guilty)]
            assert len(np.unique(mine)) == len(mine)


def test_a_fixed_prefix_travels_in_many_frames_around_a_mixed_task_list() -> None:
    world = plan(SCENARIOS["e_fixed_prefix"], 0.4, 9)
    accounts, streams, text = world.accounts(), world.streams(), world.text
    names, size = np.unique(accounts["campaign"][accounts["archetype"] == "e_fixed_prefix"], return_counts=True)
    name = names[size.argmax()]
    own = streams["taken"] & (accounts["campaign"][streams["account"]] == name)
    public = set(ordinary.public_templates(world).tolist())
    users: dict[int, set[int]] = {}
    for account, book in zip(streams["account"][own], streams["book"][own], strict=True):
        for template in set(text.templates_of(int(book))) - public:
            users.setdefault(template, set()).add(int(account))
    assert max(map(len, users.values())) < 0.4 * size.max()  # no frame is everybody's
    classes = {unit.klass for t in users for unit in text.units_of(t) if unit.klass >= 0}
    assert len(classes) >= 3


def test_prompts_are_near_the_public_figures() -> None:
    book = authors.new_textbook(np.random.default_rng(6))
    rng = np.random.default_rng(7)
    lengths = np.exp(np.log(5.5) + 0.6 * rng.standard_normal(40))
    books = [authors.free_writer(book, rng, max(1.0, x)) for x in lengths]
    chosen = book.pick_templates(rng, rng.choice(books, 1500))
    topics = rng.integers(0, len(book.topics), 1500)
    said = book.compose(rng, chosen, topics, np.tile([0.0, 1.0], (1500, 1))).to_pandas()
    words = np.log(said.str.split().str.len())
    mu, sd = calibration.WORDS["chat"]
    assert abs(words.mean() - mu) < 0.35
    assert abs(words.std() - sd) < 0.25
    counts = said.str.lower().str.findall(r"[a-z']+").explode().value_counts().to_numpy(float)
    rank = np.arange(1, len(counts) + 1)
    slope = np.polyfit(np.log(rank[10:2000]), np.log(counts[10:2000]), 1)[0]
    assert abs(slope - calibration.ZIPF_SLOPE) < 0.25


def test_every_day_is_emitted_in_order_and_micros_stay_inside(mixed: Written) -> None:
    r = mixed.frame("requests")
    micros = (r["ts"] - pd.Timestamp("2026-09-02")).to_numpy().astype("timedelta64[us]").astype(np.int64)
    assert (micros >= 0).all()
    assert (micros < 60 * DAY).all()
    hours = r["ts"].dt.hour.value_counts(normalize=True)
    assert hours.min() > 0.01
    assert hours.max() < 0.12
