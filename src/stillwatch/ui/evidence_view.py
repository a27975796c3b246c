"""The Evidence page: what a bundle would hold, making one, the ones made, their custody, and checking one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup
from streamlit.runtime.uploaded_file_manager import UploadedFile

from stillwatch.config import Settings
from stillwatch.errors import InputError, StillwatchError, StoreError
from stillwatch.evidence.casefile import TABLES
from stillwatch.evidence.redaction import LEVELS
from stillwatch.evidence.seal import KEY_FILE
from stillwatch.evidence.wording import TLP
from stillwatch.pipeline import bundle
from stillwatch.pipeline.casefile import case_file
from stillwatch.ui import blocks, campaign_facts, kit, session, words

REDACTION_TITLES = {
    "full": "Full: for our own people",
    "pseudonymous": "Pseudonymous: for others",
}
MOST_UPLOAD = 400 << 20
"""Bytes of a bundle that the page takes for checking."""


@dataclass(frozen=True)
class Preview:
    """What a bundle of a campaign would hold now."""

    rows: Mapping[str, int]
    """table -> rows"""
    gaps: tuple[str, ...]
    run_id: str


@st.cache_resource(max_entries=32, show_spinner="Reading the case …", hash_funcs={Settings: repr})
def _preview(settings: Settings, campaign_id: str, run_id: str | None, chain: str) -> Preview:
    del run_id, chain  # the cache key: another run or any change in the case file makes another bundle
    case = case_file(
        settings, session.case_store(), campaign_id, bundle_id="preview", by="preview", at=datetime(2000, 1, 1),
        tlp="amber+strict", redaction="full",
    )  # fmt: skip
    return Preview({n: t.num_rows for n, t in case.tables.items()}, tuple(case.gaps), case.provenance.run_id)


def preview(campaign_id: str) -> Preview:
    """What a bundle of this campaign would hold; counted anew when the run or the case file changed."""
    run = session.run_or_none()
    return _preview(session.settings(), campaign_id, run.run_id if run else None, session.revision())


@dataclass(frozen=True)
class Key:
    """The signing key of this home, as far as the page needs it: empty before the first bundle, or why it is no use."""

    pem: bytes = b""
    fingerprint: str = ""
    trouble: StillwatchError | None = None


def our_key(bundles: pd.DataFrame) -> Key:
    """The key that seals; looking at the page never makes one."""
    settings = session.settings()
    file = settings.keys / KEY_FILE
    try:
        found = file.stat()
        return Key(*_key(settings, (found.st_mtime_ns, found.st_ino, found.st_mode)))
    except FileNotFoundError:
        return Key() if bundles.empty else Key(trouble=_without_key(settings))
    except OSError as e:
        return Key(trouble=StoreError(f"the signing key {file} cannot be read ({e.strerror})."))
    except StillwatchError as e:
        return Key(trouble=e)


@st.cache_data(show_spinner=False, max_entries=8, hash_funcs={Settings: lambda s: str(s.keys)})
def _key(settings: Settings, stamp: tuple[int, int, int]) -> tuple[bytes, str]:
    del stamp  # only a part of the cache's key: a file that was replaced or opened to others is read again
    return bundle.public_key(settings)


def _without_key(settings: Settings) -> StillwatchError | None:
    try:
        bundle.public_key(settings)
    except StillwatchError as e:
        return e
    return None  # it came back meanwhile


def draw_trouble(key: Key) -> None:
    """What is wrong with the signing key, and what goes on without it."""
    if key.trouble is None:
        return
    kit.error(key.trouble)
    st.caption("Until then nothing can be sealed, so Export is off. What was made before stays good: it can be looked "
               "at, downloaded and verified below, with the public key that recipients have.")  # fmt: skip


def spoken(fingerprint: str, groups: int = 64) -> str:
    """A fingerprint in groups of four, as people read it out; ``groups`` cuts it."""
    parts = [fingerprint[i : i + 4] for i in range(0, len(fingerprint), 4)]
    return " ".join(parts[:groups]) + (" …" if len(parts) > groups else "")


def draw_figures(campaigns: pd.DataFrame, bundles: pd.DataFrame, custody: pd.DataFrame, key: Key) -> None:
    """The strip on top."""
    out = custody[custody["action"] == "downloaded"]
    kit.figures(
        [
            kit.Figure("Campaigns", words.full(len(campaigns)), "can be exported"),
            kit.Figure("Bundles", words.full(len(bundles)), "made so far"),
            kit.Figure("Handed out", words.full(len(out)), "downloads, each in the custody log"),
            kit.Figure("Last bundle", words.day(bundles["made_at"].max()) if len(bundles) else "–", "UTC"),
            kit.Figure(
                "Our signing key",
                "not usable" if key.trouble else spoken(key.fingerprint, 3) if key.fingerprint else "–",
                "see above"
                if key.trouble
                else "tell recipients by another way"
                if key.fingerprint
                else "made with the first bundle",
                tone="bad" if key.trouble else "",
            ),
        ]
    )


def draw_export(campaigns: pd.DataFrame, wanted: str | None, key: Key) -> None:
    """Choose a campaign, see what the bundle would hold, choose marking and redaction, make it."""
    order = [*campaign_facts.UPHELD, *campaign_facts.ACTIVE]  # those that were rejected come last
    rank = {str(s): i for i, s in reversed(list(enumerate(order)))}
    campaigns = campaigns.sort_values("status", key=lambda s: s.map(rank).fillna(len(order)), kind="stable")
    names = {
        r["campaign_id"]: f"{r['campaign_id']} · {words.plain(r['name'], 60)}" for r in campaigns.to_dict("records")
    }
    ids = list(names)
    campaign_id = st.selectbox(
        "Campaign",
        ids,
        index=ids.index(wanted) if wanted in names else 0,
        format_func=names.__getitem__,
        key=f"evidence_campaign_{wanted}",
    )
    status = str(campaigns.set_index("campaign_id").loc[campaign_id, "status"])
    if status not in campaign_facts.UPHELD:
        st.caption(
            f"This campaign is {campaign_facts.status_title(status).lower()}: the bundle says so on its first page."
        )
    left, right = st.columns(2, gap="small")
    tlp = left.selectbox(
        "Marking (TLP 2.0)",
        list(TLP),
        index=list(TLP).index("amber+strict"),
        format_func=lambda t: TLP[t][0],
        key="evidence_tlp",
    )
    redaction = right.selectbox(
        "Redaction",
        list(LEVELS),
        format_func=lambda level: REDACTION_TITLES.get(level, level),
        key="evidence_redaction",
    )
    left.caption(TLP[tlp][2])
    right.caption(f"Left out: {'; '.join(words.md(t, 200) for t in LEVELS[redaction][-3:])}.")
    with st.expander("What the bundle will hold", icon=":material/inventory_2:"):
        _contents(preview(campaign_id), redaction)
    with st.form("evidence_export", border=False, clear_on_submit=True):
        audience = ""
        if redaction == "pseudonymous":
            audience = st.text_input(
                "For whom",
                placeholder="e.g. partner-cert",
                help="The same audience gets the same pseudonyms in every bundle; two audiences cannot join theirs",
            )
        reason = st.text_input(
            "Reason", placeholder="Why it is handed out (kept in the custody log)", key="evidence_reason"
        )
        sent = st.form_submit_button(
            "Export", type="primary", icon=":material/inventory_2:", disabled=key.trouble is not None,
            help="The signing key is not usable; see the top of the page" if key.trouble else None,
        )  # fmt: skip
    if sent:
        _export(campaign_id, tlp, redaction, audience.strip(), reason.strip())


def _contents(what: Preview, redaction: str) -> None:
    rows = [(name, TABLES[name].row, words.full(n)) for name, n in what.rows.items()]
    kit.html(
        Markup("{}{}{}").format(
            blocks.grid(("Table", "One row is", "Rows"), rows, left=2),
            blocks.note("Each table as CSV and Parquet; beside them a report to read, the graph as a page that opens "
                        "without Stillwatch, the meaning of every column, how it was made, and the seal."),
            kit.bullets([*what.gaps, *(f"Left out: {t}" for t in LEVELS[redaction])]),
        )
    )  # fmt: skip


def _export(campaign_id: str, tlp: str, redaction: str, audience: str, reason: str) -> None:
    if not reason:
        st.warning("Say why: the reason goes into the custody log.", icon=":material/info:")
        return
    if redaction == "pseudonymous" and not audience:
        st.warning("Say for whom: pseudonyms are made for one audience.", icon=":material/info:")
        return
    bar = st.progress(0.0, text="starting …")

    def progress(what: str, done: float | None = None) -> None:
        bar.progress(done or 0.0, text=words.md(what, 100))

    try:
        made = bundle.export(
            session.settings(), campaign_id, by=session.who(), tlp=tlp, redaction=redaction,
            audience=audience or "recipient", reason=reason, progress=progress,
        )  # fmt: skip
    except StillwatchError as e:
        bar.empty()
        kit.error(e)
        return
    st.session_state["evidence_made"] = made.bundle_id
    st.toast(f"Bundle {made.bundle_id} was written, checked and put on record", icon=":material/check_circle:")
    st.rerun()


def draw_bundles(bundles: pd.DataFrame, custody: pd.DataFrame, key: Key) -> None:
    """Bundles made so far; the one selected (or the newest) with its seal, custody and download."""
    if bundles.empty:
        st.caption(
            "None yet. A bundle is a folder that opens on any machine and proves that nothing in it was changed."
        )
        return
    details = [d or {} for d in bundles["details"]]
    table = bundles.assign(
        marking=[TLP[d["tlp"]][0] if d.get("tlp") in TLP else "–" for d in details],
        redaction=[d.get("redaction", "–") for d in details],
        megabytes=[(d.get("bytes") or 0) / 1e6 for d in details],
    )
    event = st.dataframe(
        table,
        key="evidence_bundles",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content" if len(table) < 8 else 260,
        on_select="rerun",
        selection_mode="single-row",
        column_order=[
            "bundle_id",
            "campaign_id",
            "made_at",
            "made_by",
            "marking",
            "redaction",
            "reason",
            "megabytes",
        ],
        column_config={
            "bundle_id": kit.column("Bundle", width=72),
            "campaign_id": kit.column("Campaign", width=78),
            "made_at": kit.column("Made (UTC)", "time", width=126),
            "made_by": kit.column("By", width=64),
            "marking": kit.column("Marking", width=128),
            "redaction": kit.column("Redaction", width=92),
            "megabytes": kit.column("MB", "bits", width=50),
            "reason": kit.column("Why"),
        },
    )
    rows = event["selection"]["rows"]
    place = rows[0] if rows and rows[0] < len(table) else 0
    _bundle({str(k): v for k, v in table.iloc[place].to_dict().items()}, custody, key)


def _bundle(row: dict[str, Any], custody: pd.DataFrame, key: Key) -> None:
    bundle_id = str(row["bundle_id"])
    settings, who = session.settings(), session.who()
    there = Path(str(row["path"])).exists()
    fresh = st.session_state.get("evidence_made") == bundle_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kit.title(f"Bundle {bundle_id}", "just made" if fresh else str(row["reason"]))
        if there:
            st.download_button(
                "Download .zip",
                lambda: bundle.download(settings, bundle_id, by=who).data,
                f"{bundle_id}.zip",
                "application/zip",
                icon=":material/download:",
                type="primary" if fresh else "secondary",
                key=f"evidence_zip_{bundle_id}",
                help="Checked once more before it is handed out; the download goes into the custody log",
            )
        st.download_button(
            "Public key", key.pem, "stillwatch-public-key.pem", "application/x-pem-file",
            icon=":material/key:", on_click="ignore", key="evidence_key", disabled=not key.pem,
        )  # fmt: skip
    if not there:
        st.warning("Its folder is not where it was written; export the campaign again.", icon=":material/warning:")
    own = custody[custody["bundle_id"] == bundle_id].iloc[::-1].head(20)
    log = [
        f"{words.when(r['at'], seconds=True)} · {words.plain(r['by'], 40)} · {r['action']}"
        + (f" ({words.plain(r['method'], 60)})" if r["method"] else "")
        + (f": {words.plain(r['note'], 160)}" if r["note"] else "")
        for r in own.to_dict("records")
    ]
    kit.html(
        Markup("{}{}").format(
            kit.facts(
                [
                    ("SHA-256 of its seal", Markup('<span class="sw-m">{}</span>').format(row["sha256"])),
                    ("Sealed with key", Markup('<span class="sw-m">{}</span>').format(
                        spoken((row["details"] or {}).get("fingerprint") or "") or "unknown")),
                    ("Lies at", Markup('<span class="sw-m">{}</span>').format(words.plain(row["path"], 300))),
                    ("Check it with", Markup('<span class="sw-m">stillwatch evidence verify {}</span>').format(
                        words.plain(row["path"], 300))),
                ]
            ),
            Markup('<div class="sw-t" style="margin:.7em 0 .3em">Custody</div>{}').format(kit.bullets(log)),
        )
    )  # fmt: skip


def draw_verify(bundles: pd.DataFrame) -> None:
    """Check a bundle that somebody brought: every byte, and who sealed it."""
    with st.form("evidence_verify", border=False):
        left, right = st.columns(2, gap="small")
        file = left.file_uploader("Bundle (.zip)", type=["zip"], key="verify_zip", max_upload_size=MOST_UPLOAD >> 20)
        key = right.file_uploader(
            "Public key (.pem), optional",
            type=["pem"],
            max_upload_size=1,
            key="verify_key",
            help="Obtained by another way than the bundle",
        )
        sent = st.form_submit_button("Verify", icon=":material/verified:")
    if not sent:
        return
    if file is None:
        st.warning("Choose a bundle first.", icon=":material/info:")
        return
    try:
        found = _verify(file, key)
    except StillwatchError as e:
        kit.error(e)
        return
    if found.ok and found.origin_proven:
        st.success(
            "The bundle is whole, and the holder of the key that you gave sealed it.", icon=":material/verified:"
        )
    elif found.ok:
        st.info(
            "The bundle is whole. Who sealed it is not proven until you compare the key's fingerprint with the one "
            "that the sender told you by another way.",
            icon=":material/verified:",
        )
    else:
        st.error("The bundle must not be relied on.", icon=":material/gpp_bad:")
    rows = [
        (
            kit.chip("ok", "good", "check") if c.ok else kit.chip("fails", "bad", "close"),
            c.name,
            words.plain(c.detail, 400),
        )
        for c in found.checks
    ]
    kit.html(blocks.grid(("", "Check", "What was found"), rows, left=3))
    known = bundles[(bundles["bundle_id"] == found.bundle_id) & (bundles["sha256"] == found.sha256)]
    if found.ok and len(known):
        session.case_store().record_custody(
            str(found.bundle_id), "verified", session.who(), method="uploaded to the Evidence page", sha256=found.sha256
        )
        st.caption(f"It is our bundle {found.bundle_id}; the check went into its custody log.")


def _verify(file: UploadedFile, key: UploadedFile | None) -> bundle.Verification:
    """Check an upload; it lies on disk only while it is checked."""
    if file.size > MOST_UPLOAD:
        raise InputError(
            f"the file has {file.size / 1e6:,.0f} MB; check bundles over {MOST_UPLOAD >> 20} MB with "
            "`stillwatch evidence verify`."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        with path.open("wb") as out:
            shutil.copyfileobj(file, out)
        public = None
        if key is not None:
            public = Path(folder) / "public-key.pem"
            public.write_bytes(key.getvalue()[:65536])
        return bundle.verify(path, public)
