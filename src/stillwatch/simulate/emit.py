"""From the plan to rows: one day after another, every column an array, so memory is one day whatever the scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.simulate.leakage import Watch
from stillwatch.simulate.networks import dotted
from stillwatch.simulate.tokens import Namer
from stillwatch.simulate.world import DAY, World
from stillwatch.sources.contract import REQUESTS

Array = npt.NDArray[Any]
SECOND = 1_000_000
STATUSES = ("ok", "refused", "error", "rate_limited")


class Emitter:
    """Holds the flat arrays that every day needs."""

    def __init__(self, world: World, account_ids: pa.Array, *, compact: bool, chunk: int = 400_000) -> None:
        self.world = world
        self.s = world.streams()
        self.accounts = world.accounts()
        self.account_ids = account_ids
        self.compact = compact
        self.chunk = chunk
        self.stream, day, self.count = world.load()
        self.cut = np.searchsorted(day, np.arange(world.days + 1))
        self.ip, asn = world.networks.table()
        self.asns, self.asn_index = np.unique(asn, return_inverse=True)
        # inverse of every clock, 1,440 steps: u -> microsecond of the local day
        minutes = np.arange(25) * 60.0
        grid = np.linspace(0, 1, 2049)
        self.clock = np.array([np.interp(grid, np.concatenate([[0], np.cumsum(w)]), minutes) for w in world.clocks])
        self.models = [r.name for r in world.releases]
        self.name = Namer(world.seed, compact=compact)
        self.watch = Watch(world)
        self.made = 0
        self.session_base = 0
        self.taken = np.zeros((2, world.n_accounts), np.int64)
        """Requests and tokens (in and out) of each account that were a campaign's own work, as far as emitted."""

    @property
    def total(self) -> int:
        return int(self.count.sum())

    def days(self) -> Iterator[tuple[int, list[pa.Table]]]:
        """(day, its requests in time order, in chunks), for every day that has any."""
        for day in range(self.world.days):
            at = slice(self.cut[day], self.cut[day + 1])
            if self.count[at].any():
                yield day, self._day(day, self.stream[at].astype(np.int64), self.count[at].astype(np.int64))

    def _day(self, day: int, stream: Array, count: Array) -> list[pa.Table]:
        rng = np.random.default_rng([self.world.seed, 7, day])
        rows = np.repeat(np.arange(len(stream)), count)
        st = stream[rows]
        s = self.s
        # sessions: how many a stream has today, which one each request is in
        n_sessions = 1 + rng.binomial(np.maximum(count - 1, 0), 1 / np.maximum(s["session"][stream], 1.0001))
        first = np.concatenate([[0], np.cumsum(n_sessions)])
        session = first[rows] + (rng.random(len(rows)) * n_sessions[rows]).astype(np.int64)
        session = np.sort(session)
        owner = np.repeat(np.arange(len(stream)), n_sessions)
        sst = stream[owner]
        # when: the session starts by the stream's clock, then gaps add up
        grid = rng.random(len(owner)) * 2047.999
        cell = grid.astype(np.int64)
        low, high = self.clock[s["clock"][sst], cell], self.clock[s["clock"][sst], cell + 1]
        minute = (low + (high - low) * (grid - cell) - 60.0 * s["tz"][sst]) % 1440.0
        start = minute * 60 * SECOND
        gap = s["gap"][st] * np.exp(s["gap_sd"][st] * rng.standard_normal(len(rows)))
        new = np.concatenate([[True], session[1:] != session[:-1]]) if len(session) else np.zeros(0, bool)
        gap[new] = 0
        walk = np.cumsum(gap)
        begin = np.flatnonzero(new)
        lengths = np.diff(np.concatenate([begin, [len(rows)]]))
        walk -= np.repeat(walk[begin], lengths)
        ts = (start[session] + walk * SECOND).astype(np.int64)
        ts = np.where(ts >= DAY, ts % DAY, ts)
        last = (self.accounts["status_at"] >= 0)[s["account"][st]]
        gone = last & (day * DAY + ts > self.accounts["status_at"][s["account"][st]])
        fresh = day * DAY + ts < self.accounts["created"][s["account"][st]]
        ts = np.where(
            fresh, np.minimum(self.accounts["created"][s["account"][st]] - day * DAY + ts % (600 * SECOND), DAY - 1), ts
        )
        keep = ~gone & (ts >= 0)
        order = np.argsort(ts, kind="stable")
        order = order[keep[order]]
        # what is drawn once a session: address, client, session id
        pick = (s["addr_n"][sst] * rng.random(len(owner)) ** s["addr_skew"][sst]).astype(np.int64)
        client = s["client"][sst] + (s["client_n"][sst] * rng.random(len(owner)) ** 2.5).astype(np.int64)
        code = self.session_base + np.arange(len(owner), dtype=np.int64)
        self.session_base += len(owner)
        pool = s["replay_pool"][sst].astype(np.int64)
        again = (pool >= 0) & (rng.random(len(owner)) < s["replay"][sst])
        # a handful of artefacts a day, in use for some days
        made_on = np.maximum(day - rng.integers(0, 5, len(owner)), 0)
        artefact = -1 - (pool * 8192 + made_on * 8 + rng.integers(0, 3, len(owner)))
        code = np.where(again, artefact, code)
        tables = []
        for begin_at in range(0, len(order), self.chunk):
            part = order[begin_at : begin_at + self.chunk]
            tables.append(self._rows(day, rng, st[part], session[part], ts[part], pick, client, code))
        return tables

    def _rows(
        self,
        day: int,
        rng: np.random.Generator,
        st: Array,
        session: Array,
        ts: Array,
        pick: Array,
        client: Array,
        code: Array,
    ) -> pa.Table:
        s, n = self.s, len(st)
        account = s["account"][st]
        hop = s["addr_hop"][st]
        slot = np.where(hop, (s["addr_n"][st] * rng.random(n) ** s["addr_skew"][st]).astype(np.int64), pick[session])
        address = s["addr"][st] + np.minimum(slot, s["addr_n"][st] - 1)
        templates = self.world.text.pick_templates(rng, s["book"][st].astype(np.int64))
        topics = s["topic"][st].astype(np.int64)
        topics = np.where(rng.random(n) < s["wander"][st], rng.integers(0, len(self.world.text.topics), n), topics)
        retention = self.accounts["retention"][account]
        prompt = self._prompts(rng, templates, topics, np.stack([s["low"][st], s["high"][st]], 1), retention == 0)
        words_in = np.round(pc.fill_null(pc.utf8_length(prompt), 0).to_numpy(zero_copy_only=False) / 4.2)
        tokens_in = words_in + np.exp(s["in_mu"][st] + s["in_sd"][st] * rng.standard_normal(n))
        tokens_out = np.exp(s["out_mu"][st] + s["out_sd"][st] * rng.standard_normal(n))
        u = rng.random(n)
        edges = np.cumsum([s["refuse"][st], s["error"][st], s["limit"][st]], axis=0)
        status = np.select([u < edges[0], u < edges[1], u < edges[2]], [1, 2, 3], 0)
        tokens_out = np.where(status >= 2, 0, np.where(status == 1, 20 + tokens_out % 60, tokens_out))
        tools = np.where(s["tools"][st] > 0, 1 + (rng.random(n) * s["tools"][st]).astype(np.int64), 0)
        system = np.where((s["system"][st] >= 0) & (rng.random(n) < s["system_keep"][st]), s["system"][st], -1)
        model = self._models(day, rng, st)
        self.made += n
        columns = {
            "request_id": self.name.requests(self.made - n, n, sequential=self.compact),
            "account_id": pc.take(self.account_ids, pa.array(account)),
            "ts": pa.array(self._absolute(day, self._skewed(account, ts)), pa.timestamp("us")),
            "model": pc.take(pa.array(self.models), pa.array(model)),
            "ip": dotted(self.ip[address]),
            "asn": pc.take(pa.array([f"AS{a}" for a in self.asns]), pa.array(self.asn_index[address])),
            "client": pc.take(
                pa.array(self.world.clients), pa.array(np.minimum(client[session], len(self.world.clients) - 1))
            ),
            "session_id": self.name.tokens(np.where(s["sessions_known"][st], code[session], -(1 << 62)), "s", 12),
            "input_tokens": pa.array(np.clip(tokens_in, 1, 190_000).astype(np.int64)),
            "output_tokens": pa.array(np.clip(tokens_out, 0, 32_000).astype(np.int64)),
            "tool_count": pa.array(tools),
            "status": pc.take(pa.array(STATUSES), pa.array(status)),
            "system_hash": self.name.tokens(np.where(system < 0, -(1 << 62), system), "sys", 12),
            "prompt_hash": self.name.tokens(np.where(retention == 1, templates, -(1 << 62)), "tpl", 12),
            "prompt": prompt,
        }
        own = np.flatnonzero(s["taken"][st])
        np.add.at(self.taken[0], account[own], 1)
        both = columns["input_tokens"].to_numpy() + columns["output_tokens"].to_numpy()
        np.add.at(self.taken[1], account[own], both[own])
        table = pa.table([columns[c] for c in REQUESTS.names], schema=REQUESTS.schema)
        self.watch.see(day, account, ts, self.ip[address], table)
        return table

    def _skewed(self, account: Array, ts: Array) -> Array:
        return ts if self.world.skew is None else ts + self.world.skew[account]

    def _absolute(self, day: int, ts: Array) -> Array:
        start = self.world.first_day.astype("datetime64[us]").astype(np.int64)
        step = SECOND if self.compact else 1000
        moment: Array = ((start + day * DAY + ts) // step * step).astype("datetime64[us]")
        return moment

    def _prompts(
        self, rng: np.random.Generator, templates: Array, topics: Array, window: Array, kept: Array
    ) -> pa.Array:
        if kept.all():
            return self.world.text.compose(rng, templates, topics, window)
        at = np.flatnonzero(kept)
        said = self.world.text.compose(rng, templates[at], topics[at], window[at])
        where = np.full(len(kept), -1, np.int64)
        where[at] = np.arange(len(at))
        return pc.take(said, pa.array(where, mask=where < 0))

    def _models(self, day: int, rng: np.random.Generator, st: Array) -> Array:
        s = self.s
        choice = np.full(len(st), -1, np.int64)
        moment = day + rng.random(len(st))
        for i, release in enumerate(self.world.releases):
            if release.flagship:
                lag = s["lag"][st] if release.day > 0 else np.minimum(s["lag"][st], max(-release.day, 0))
                choice = np.where(moment >= release.day + lag, i, choice)
        flagships = [i for i, r in enumerate(self.world.releases) if r.flagship]
        choice = np.where(choice < 0, flagships[0], choice)
        choice = np.where(s["model"][st] >= 0, s["model"][st], choice)
        other = rng.random(len(st)) >= s["follow"][st]
        choice = np.where(other, s["side"][st], choice)
        early = np.array([r.day for r in self.world.releases])[choice] > moment
        out: Array = np.where(early, flagships[0], choice)
        return out
