"""Two levels of redaction, and for each the list of what it leaves out.

``full``          ids as the provider knows them: for the provider's own legal and security people.
``pseudonymous``  ids become pseudonyms made with a key of this audience, and nobody's own words are handed on: for
                  others. The same audience gets the same pseudonyms in every bundle; two audiences cannot join theirs.

No level ever holds prompt text, raw addresses, card numbers or contact details: Stillwatch turns them into keyed
tokens at import. (EDPB Guidelines 01/2025: pseudonymised data stays personal data; treat both levels as such.)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import InputError, StoreError
from stillwatch.evidence.casefile import Campaign, CaseFile

NEVER = (
    "prompt and answer text (never part of a bundle)",
    "addresses, card numbers, contact details (Stillwatch keeps keyed tokens only)",
    "country and other self-declared personal facts",
)
LEVELS: dict[str, tuple[str, ...]] = {
    "full": NEVER,
    "pseudonymous": (
        *NEVER,
        "account, organisation and owner ids: replaced by pseudonyms made for this audience",
        "shared values (card, device, address, template tokens): replaced by pseudonyms made for this audience",
        "names of the provider's people: replaced by pseudonyms made for this audience",
        "name of the campaign, notes, and the reasons that people wrote: left out",
        "sign-up and status times of accounts: cut to the day",
        "names and fingerprints of the source files, path settings of the run: left out",
    ),
}
"""Level -> what it leaves out, as printed in the report."""

KEY_FILE = "audiences.key"
PROGRAM = "stillwatch"
"""Steps of the program itself stand in the custody log under this name and its version; no pseudonym for them."""

_WORD = re.compile(r"[^\s,;()'\"“”‘’<>\[\]{}]+")


def level(text: str) -> str:
    """A redaction level; InputError for any other word."""
    if text not in LEVELS:
        raise InputError(f"{text[:40]!r} is no redaction level; want one of: {', '.join(LEVELS)}.")
    return text


def audience_key(keys: Path, audience: str) -> bytes:
    """The key of one audience (32 bytes), derived from a secret of this home that is made at first use."""
    path = keys / KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(os.urandom(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its secret holds
        finally:
            draft.unlink(missing_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise StoreError(f"{path} can be read by others; run `chmod 600` on it.")
    secret = path.read_bytes()
    if len(secret) != 32:
        raise StoreError(f"{path} is damaged; restore it from the backup of the keys.")
    return hmac.new(secret, b"audience|v1|" + audience.strip().lower().encode(), hashlib.sha256).digest()


def redacted(case: CaseFile, key: bytes | None) -> CaseFile:
    """The case file at its level. ``key``: of the audience; needed for ``pseudonymous`` only.

    Pseudonyms: ``acct-``, ``org-``, ``val-``, ``person-`` and 12 hex digits of a keyed hash, one context each, so
    that an account and a person of the same name do not meet.
    """
    left_out = LEVELS[case.redaction]
    if case.redaction == "full":
        return replace(case, left_out=left_out)
    if key is None:
        raise ValueError("pseudonyms need the key of an audience")
    return _pseudonymous(replace(case, left_out=left_out), key)


class _Names:
    """Pseudonyms of one audience. The same thing has the same pseudonym in every table."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, kind: str, value: str) -> str:
        digest = hmac.new(self._key, f"{kind}|v1|{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:12]}"

    def column(self, kind: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Each distinct value is hashed once."""
        coded = column.combine_chunks().dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        program = f"{PROGRAM} " if kind == "person" else None
        names = pa.array(
            [v if program and v.startswith(program) else self.make(kind, v) for v in coded.dictionary.to_pylist()],
            pa.string(),
        )
        return pa.chunked_array([pc.take(names, coded.indices)], type=pa.string())


def _pseudonymous(case: CaseFile, key: bytes) -> CaseFile:
    names = _Names(key)
    known = _known_ids(case)
    scrub = _scrubber(known, names)
    tables = dict(case.tables)

    def change(table: str, column: str, how: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> None:
        t = tables[table]
        tables[table] = t.set_column(t.column_names.index(column), t.schema.field(column), how(t[column]))

    def drop(table: str, column: str) -> None:
        change(table, column, lambda c: pa.chunked_array([pa.nulls(len(c), c.type)]))

    for table, column, kind in (
        ("accounts", "account_id", "acct"),
        ("accounts", "org_id", "org"),
        ("accounts", "owner", "org"),
        ("links", "account_id", "acct"),
        ("links", "value", "val"),
        ("templates", "template", "val"),
        ("labels", "labeler", "person"),
        ("decisions", "person", "person"),
        ("custody", "person", "person"),
    ):
        change(table, column, lambda c, kind=kind: names.column(kind, c))  # type: ignore[misc]
    for table, column in (
        ("labels", "reason"), ("decisions", "reason"), ("decisions", "detail"), ("custody", "item"),
        ("custody", "method"), ("custody", "sha256"),
    ):  # fmt: skip
        drop(table, column)
    for column in ("created_at", "status_at"):
        change("accounts", column, lambda c: pc.floor_temporal(c, unit="day").cast(pa.timestamp("us")))
    for table, column in (
        ("accounts", "reasons"), ("accounts", "against"), ("clusters", "reasons"), ("clusters", "against"),
        ("clusters", "title"), ("clusters", "blind"), ("reasons", "text"), ("reasons", "innocent"),
        ("timeline", "lane"), ("markers", "text"), ("hypotheses", "speaks_for"), ("hypotheses", "speaks_against"),
        ("decisions", "target"),
        ("labels", "target_id"), ("custody", "action"),
    ):  # fmt: skip
        change(table, column, lambda c: _texts(c, scrub))

    is_account = [k == "account" for k in case.nodes["kind"].to_pylist()]
    pairs = list(zip(is_account, case.nodes["node_id"].to_pylist(), case.nodes["kind"].to_pylist(), strict=True))
    new_ids = [
        names.make("acct", n) if account else f"{kind}:{names.make('val', n.removeprefix(f'{kind}:'))}"
        for account, n, kind in pairs
    ]
    nodes = case.nodes.set_column(
        case.nodes.column_names.index("node_id"), "node_id", pa.array(new_ids, pa.string())
    ).set_column(
        case.nodes.column_names.index("label"),
        "label",
        pa.array([n.split(":", 1)[-1] for n in new_ids], pa.string()),
    )
    c = case.campaign
    campaign = Campaign(
        campaign_id=c.campaign_id,
        name="(name left out)",
        status=c.status,
        opened_at=c.opened_at,
        opened_by=names.make("person", c.opened_by),
        reason="(left out)",
        cluster_ids=c.cluster_ids,
        account_ids=tuple(names.make("acct", a) for a in c.account_ids),
    )
    manifest = {k: v for k, v in case.provenance.manifest.items() if k != "parameters"}
    manifest["blind"] = [scrub(b) for b in case.provenance.blind]
    sources = tuple(
        replace(s, source="(left out)", fingerprint="", blind=tuple(map(scrub, s.blind)))
        for s in case.provenance.sources
    )
    return replace(
        case,
        by=names.make("person", case.by),
        campaign=campaign,
        provenance=replace(case.provenance, manifest=manifest, sources=sources),
        tables=tables,
        nodes=nodes,
        gaps=tuple(map(scrub, case.gaps)),
    )


def _known_ids(case: CaseFile) -> dict[str, str]:
    """Every id that a text might repeat -> the kind of its pseudonym."""
    known: dict[str, str] = {}
    for table, column, kind in (
        ("links", "value", "val"), ("templates", "template", "val"), ("accounts", "org_id", "org"),
        ("accounts", "owner", "org"), ("labels", "labeler", "person"), ("decisions", "person", "person"),
        ("accounts", "account_id", "acct"),
    ):  # fmt: skip
        for value in pc.unique(case.tables[table][column]).to_pylist():
            if value:
                known[value] = kind
    known.update(dict.fromkeys(case.campaign.account_ids, "acct"))
    labels = case.tables["labels"].select(["target_type", "target_id"]).to_pylist()
    known.update({r["target_id"]: "acct" for r in labels if r["target_type"] == "account"})
    return known


def _scrubber(ids: dict[str, str], names: _Names) -> Callable[[str], str]:
    """Replaces every id that is the whole text or stands in it as a word of its own; odd ids anywhere in it."""
    # "12" in "12 accounts share a card" is a number, not the account of that name.
    known = {v: k for v, k in ids.items() if not (v.isdigit() and len(v) < 6)}
    odd = sorted((v for v in known if not _WORD.fullmatch(v)), key=len, reverse=True)

    def one(match: re.Match[str]) -> str:
        word = match.group()
        for cut in (word, word.rstrip(".:!?"), word.split(":", 1)[-1]):
            if cut in known:
                return word.replace(cut, names.make(known[cut], cut))
        return word

    def scrub(text: str) -> str:
        if text in ids:
            return names.make(ids[text], text)
        for value in odd:
            if value in text:
                text = text.replace(value, names.make(known[value], value))
        return _WORD.sub(one, text)

    return scrub


def _texts(column: pa.ChunkedArray, scrub: Callable[[str], str]) -> pa.ChunkedArray:
    """Scrub a column of texts or of lists of texts; each distinct text once."""
    seen: dict[str, str] = {}

    def once(text: str) -> str:
        if text not in seen:
            seen[text] = scrub(text)
        return seen[text]

    def many(texts: Iterable[str | None] | None) -> list[str | None] | None:
        return None if texts is None else [t if t is None else once(t) for t in texts]

    rows = column.to_pylist()
    new = [many(v) for v in rows] if pa.types.is_list(column.type) else many(rows)
    return pa.chunked_array([pa.array(new, column.type)])
