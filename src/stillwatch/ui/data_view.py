"""The Data page: bring data in, run detection, and see what came, what was set aside and what it cannot tell."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import streamlit as st
from markupsafe import Markup
from streamlit.runtime.uploaded_file_manager import UploadedFile

from stillwatch.config import Settings
from stillwatch.evidence.tables import csv_bytes
from stillwatch.pipeline.ingest import UPLOADS
from stillwatch.sources.registry import READERS
from stillwatch.ui import blocks, kit, session, words
from stillwatch.ui import data_facts as facts
from stillwatch.ui.jobs import Job, Jobs, sample_data
from stillwatch.warehouse import runs
from stillwatch.warehouse.runs import Run
from stillwatch.warehouse.schema import REJECTS
from stillwatch.warehouse.store import Warehouse

_SHOWN_STEPS = 6
_STATE_WORDS = {"running": "running", "done": "done", "failed": "failed", "stopped": "stopped"}
_STATE_TONES = {"running": "info", "done": "good", "failed": "bad", "stopped": "warn"}


@st.cache_resource(show_spinner=False, hash_funcs={Settings: lambda s: str(s.home)})
def jobs(settings: Settings) -> Jobs:
    """Long work of this home; one for the whole process, so that every session sees it."""
    return Jobs(settings)


def holdings() -> facts.Holdings:
    """What the warehouse holds, counted once per published state."""
    warehouse = session.warehouse()
    return _holdings(str(warehouse.settings.home), tuple(sorted(warehouse.versions.items())))


@st.cache_resource(max_entries=8, show_spinner=False)
def _holdings(home: str, versions: tuple[tuple[str, int], ...]) -> facts.Holdings:
    del home, versions  # the cache key
    return facts.holdings(session.warehouse())


def draw_figures(holding: facts.Holdings, run: Run | None) -> None:
    """The strip on top."""
    rows = holding.rows
    last = holding.imports.iloc[0] if len(holding.imports) else None
    kit.figures(
        [
            kit.Figure("Requests", words.number(rows.get("requests", 0)), _span(holding)),
            kit.Figure("Accounts", words.number(rows.get("accounts", 0)), "that were described to us"),
            kit.Figure("Identifiers", words.number(rows.get("identifiers", 0)), "cards, devices, contacts … as tokens"),
            kit.Figure(
                "Set aside",
                words.number(holding.set_aside),
                "rows that could not be read",
                tone="warn" if holding.set_aside else "",
            ),
            kit.Figure(
                "Last import",
                words.day(last["imported_at"]) if last is not None else "–",
                words.plain(last["source"], 40) if last is not None else "nothing yet",
            ),
            kit.Figure(
                "Run shown",
                words.day(facts.moment(run.manifest.get("created_at"))) if run else "–",
                run.run_id if run else "none yet",
                tone="warn" if run and facts.behind(holding, run) else "",
            ),
        ]
    )


def _span(holding: facts.Holdings) -> str:
    if holding.first_request is None:
        return "none"
    return words.span(holding.first_request, holding.last_request)


def draw_job() -> None:
    """The job under way or the last one; refreshes itself while it runs."""
    latest = jobs(session.settings()).latest
    if latest is None or st.session_state.get("job_hidden") == id(latest):
        return
    with st.container(border=True, gap="xsmall"):
        if latest.running:
            _running_job(latest.finished)
        else:
            _job(latest)


@st.fragment(run_every=1.0)
def _running_job(finished: int) -> None:
    latest = jobs(session.settings()).latest
    if latest is None or not latest.running or latest.finished != finished:
        st.rerun()  # a command ended: the whole page shows what came of it
    _job(latest)


def _job(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kit.html(
            Markup('<div class="sw-chips"><b>{}</b>{}<span class="sw-q sw-n">{:.0f} s</span></div>').format(
                words.plain(job.title, 120), kit.chip(_STATE_WORDS[job.state], _STATE_TONES[job.state]), job.elapsed
            )
        )
        if job.running:
            if st.button(
                "Stop", icon=":material/stop_circle:", key="job_stop", help="Like Ctrl-C: what is published stays"
            ):
                jobs(session.settings()).stop()
        elif st.button("Hide", icon=":material/close:", key="job_hide", type="tertiary"):
            st.session_state["job_hidden"] = id(job)
            st.rerun()
    if job.running:
        st.progress(_progress(job), text=words.md(job.steps[-1], 160) if job.steps else "starting …")
    elif job.state == "failed":
        st.error(words.md(job.error, 1500), icon=":material/error:")
    elif job.state == "stopped":
        st.warning(
            "Stopped. What was published before is as it was; the same again takes it up.", icon=":material/info:"
        )
    if job.running:
        rows = Markup("").join(Markup("<li>{}</li>").format(words.plain(t, 240)) for t in job.steps[-_SHOWN_STEPS:-1])
        kit.html(Markup('<ul class="sw-list sw-q sw-n" style="font-size:.95em">{}</ul>').format(rows))
    elif job.words:
        with st.expander("What it said"):
            st.code("\n".join(job.words), language=None, wrap_lines=True)


def _progress(job: Job) -> float:
    """Nobody knows how long it takes; steps done against the usual number of steps, never quite full."""
    usual = 14 * len(job.commands)
    return min(len(job.steps) / usual, 0.95)


def start(title: str, commands: Sequence[Sequence[str]], folder: Path | None = None) -> None:
    """Start a job and draw the page anew; ``folder`` is cleared away when it has ended."""

    def clear() -> None:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    board = jobs(session.settings())
    if kit.attempt(lambda: board.start(title, commands, afterwards=clear), f"{title} started"):
        st.session_state.pop("job_hidden", None)
        st.rerun()
    clear()


def busy() -> bool:
    """Whether a job of this app is running."""
    latest = jobs(session.settings()).latest
    return latest is not None and latest.running


def draw_import(*, first: bool) -> None:
    """Forms to bring data in: from a path on the server, or from uploaded files. ``first``: nothing is there yet."""
    samples = sample_data()
    if first and samples is not None:
        kit.html(
            blocks.note(
                "New here? The sample data is a made-up provider: 3,000 accounts, six weeks of traffic, campaigns and "
                "every innocent look-alike. It takes about half a minute."
            )
        )
        if st.button(
            "Load the sample data and run detection", type="primary", icon=":material/science:", disabled=busy()
        ):
            start("Loading the sample data", [("import", str(samples)), ("detect",)])
    path, upload = st.tabs(["From a path on the server", "Upload files"])
    with path, st.form("import_path", border=False):
        where = st.text_input(
            "File or folder",
            placeholder="/data/export-2026-11",
            help="On the machine that runs Stillwatch, read with its rights: Parquet, CSV or JSONL (also .gz), or a "
            "folder of them",
        )
        left, right = st.columns(2, gap="small")
        reader = left.selectbox("Format", [None, *READERS], format_func=_reader_title)
        mapping = right.text_input(
            "Mapping file", placeholder="only for tables of your own", help="See docs/sources.md"
        )
        also = st.checkbox("Run detection afterwards", value=True, key="import_path_detect")
        sent = st.form_submit_button("Import", type="primary", icon=":material/download:", disabled=busy())
    if sent:
        if not where.strip():
            st.warning("Name a file or a folder first.", icon=":material/info:")
        else:
            command = ["import", *_options(reader, mapping.strip()), "--", where.strip()]
            start(f"Import of {Path(where.strip()).name}", [command, ("detect",)] if also else [command])
    with upload, st.form("import_upload", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "Files",
            accept_multiple_files=True,
            help="Tables of one data set, named as in the telemetry contract; or log files",
        )
        reader = st.selectbox("Format", [None, *READERS], format_func=_reader_title, key="upload_format")
        also = st.checkbox("Run detection afterwards", value=True, key="import_upload_detect")
        sent = st.form_submit_button("Upload and import", type="primary", icon=":material/upload:", disabled=busy())
    if sent:
        if not files:
            st.warning("Choose at least one file first.", icon=":material/info:")
        else:
            folder, source = _keep(files)
            command = ["import", *_options(reader, ""), str(source)]
            start("Import of uploaded files", [command, ("detect",)] if also else [command], folder)


def _reader_title(name: str | None) -> str:
    return "Recognise it" if name is None else f"{name}: {READERS[name].title}"


def _options(reader: str | None, mapping: str) -> list[str]:
    return [*(["--format", reader] if reader else []), *(["--mapping", mapping] if mapping else [])]


def _keep(files: Sequence[UploadedFile]) -> tuple[Path, Path]:
    """Uploaded files in a folder of their own inside the home, and what to import: the one file, or the folder of them.

    Names keep no folders, leading dots, odd characters.
    """
    home = session.settings().home
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=UPLOADS, dir=home))
    place = folder / f"{len(files)} uploaded files"
    place.mkdir()
    for number, file in enumerate(files):
        name = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(file.name).name).lstrip(".")
        target = place / (name[-120:] or f"file-{number}")
        if target.exists():
            target = target.with_name(f"{number}-{target.name}"[-120:])
        with target.open("wb") as out:
            shutil.copyfileobj(file, out)
    return folder, next(place.iterdir()) if len(files) == 1 else place


def draw_imports(holding: facts.Holdings) -> None:
    """Sources and imports; a selected row tells its tables, warnings and examples."""
    event = st.dataframe(
        holding.imports,
        key="data_imports",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content" if len(holding.imports) < 12 else 340,
        on_select="rerun",
        selection_mode="single-row",
        column_order=["imported_at", "source", "format", "rows_in", "rows_new", "known", "set_aside", "seconds"],
        column_config={
            "imported_at": kit.column("When (UTC)", "time", width=132),
            "source": kit.column("Source"),
            "format": kit.column("Reader", width=80),
            "rows_in": kit.column("Rows in", "number", width=76),
            "rows_new": kit.column("New", "number", width=76),
            "known": kit.column("Already known", "number", width=98),
            "set_aside": kit.column("Set aside", "number", width=72),
            "seconds": kit.column("Seconds", "bits", width=66),
        },
    )
    rows = event["selection"]["rows"]
    place = rows[0] if rows and rows[0] < len(holding.imports) else 0
    chosen = holding.imports.iloc[place]
    kit.title(str(chosen["source"]), "the newest import; select another above" if place == 0 else "the one selected")
    report = chosen["report"]
    told = [[name, *(f"{n:,}" for n in numbers)] for name, *numbers in facts.by_table(report)]
    kit.html(blocks.grid(("Table", "Rows in", "New", "Set aside", "Already known"), told))
    for title, lines in (
        ("Warnings", report.get("warnings")),
        ("Set aside, for example", report.get("reject_examples")),
    ):
        if lines:
            kit.title(title)
            kit.html(kit.bullets([str(line) for line in lines]))


def draw_rejected(holding: facts.Holdings) -> None:
    """Rows set aside: why, how many, and the rows themselves."""
    if not holding.set_aside:
        st.caption("No row was set aside: everything that came could be read.")
        return
    st.dataframe(
        holding.reasons.head(200),
        key="data_reject_reasons",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content" if len(holding.reasons) < 8 else 240,
        placeholder="–",
        column_order=["table", "column", "reason", "rows", "imports"],
        column_config={
            "table": kit.column("Table", width=90),
            "column": kit.column("Column", width=110),
            "reason": kit.column("Why"),
            "rows": kit.column("Rows", "number", width=80),
            "imports": kit.column("Imports", "number", width=70),
        },
    )
    st.dataframe(
        _rejected(str(session.settings().home), tuple(sorted(holding.versions.items()))),
        key="data_rejects",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height=300,
        placeholder="–",
        column_order=["table", "file", "row", "column", "value", "reason"],
        column_config={
            "table": kit.column("Table", width=90),
            "file": kit.column("File", width=150),
            "row": kit.column("Row", "number", width=70),
            "column": kit.column("Column", width=110),
            "value": kit.column("Value"),
            "reason": kit.column("Why"),
        },
    )
    more = (
        f"The first {facts.SHOWN_REJECTS:,} of {holding.set_aside:,}. "
        if holding.set_aside > facts.SHOWN_REJECTS
        else ""
    )
    st.caption(f"{more}Mend them at their source and import that file again: rows that are there already add nothing.")
    st.download_button(
        "Download all rows set aside (CSV)",
        partial(_rejects_csv, session.settings()),
        "rows-set-aside.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="data_rejects_csv",
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _rejected(home: str, versions: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    del home, versions  # the cache key
    return facts.rejected(session.warehouse(), facts.SHOWN_REJECTS)


def _rejects_csv(settings: Settings) -> bytes:
    """Made when it is asked for, outside of any session; no cell of it runs as a formula."""
    frame = facts.rejected(Warehouse.open(settings), facts.DOWNLOADED_REJECTS)
    return csv_bytes(pa.Table.from_pandas(frame, schema=REJECTS.schema, preserve_index=False))


def draw_blind(holding: facts.Holdings, run: Run | None) -> None:
    """What the data cannot tell."""
    blind = facts.blind_signals(holding.imports, run)
    if not blind:
        st.caption("Nothing is blind: every kind of evidence that Stillwatch uses has data behind it.")
        return
    kit.html(
        blocks.grid(
            ("What cannot be seen, and why", "In"),
            [(f"{text[:1].upper()}{text[1:]}", Markup('<span class="sw-q">{}</span>').format(", ".join(
                words.plain(s, 40) for s in sources[:4]))) for text, sources in blind],
            left=2,
        )
    )  # fmt: skip
    st.caption("Silence is not evidence of absence: where a signal is blind, its kind of evidence cannot turn up.")


def draw_tables(holding: facts.Holdings) -> None:
    """Tables, their rows and versions."""
    rows = [
        (name, words.full(holding.rows.get(name, 0)), str(version))
        for name, version in sorted(holding.versions.items())
    ]
    kit.html(blocks.grid(("Table", "Rows", "Version"), rows))
    st.caption(
        f"Published {words.when(holding.published_at)}. Runs and evidence bundles name the versions they were made of."
    )


def draw_runs(run: Run | None) -> None:
    """Every published run."""
    table = facts.run_list(runs.all_runs(session.settings().runs), run.run_id if run else None)
    if table.empty:
        st.caption("No detection run yet.")
        return
    st.dataframe(
        table,
        key="data_runs",
        hide_index=True,
        row_height=kit.ROW_HEIGHT,
        height="content" if len(table) < 12 else 340,
        placeholder="–",
        column_config={
            "run_id": kit.column("Run", width=190),
            "shown": kit.column("Shown", "check", width=60),
            "created_at": kit.column("Made (UTC)", "time", width=132),
            "as_of": kit.column("Data up to (UTC)", "time", width=132),
            "clusters": kit.column("Clusters", "number", width=70),
            "alarms": kit.column("Alarms", "number", width=66),
            "accounts": kit.column("Accounts", "number", width=76),
            "requests": kit.column("Requests", "number", width=86),
            "model": kit.column("Model", width=76),
            "seconds": kit.column("Seconds", "bits", width=70),
            "versions": kit.column("Made of table versions"),
        },
    )
