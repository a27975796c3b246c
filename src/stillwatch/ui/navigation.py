"""The pages: their files, titles and icons, and how to go from one to another with the filter state kept."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from stillwatch import __version__
from stillwatch.ui import state


@dataclass(frozen=True)
class PageInfo:
    """One page of the app."""

    name: str
    title: str
    icon: str
    question: str
    """What the page answers."""

    @property
    def symbol(self) -> str:
        """Name of the icon without Streamlit's marks."""
        return self.icon.removeprefix(":material/").removesuffix(":")

    @property
    def file(self) -> str:
        return f"pages/{self.name}.py"


PAGES: dict[str, PageInfo] = {
    p.name: p
    for p in (
        PageInfo("triage", "Triage", ":material/checklist:", "What should I look at next?"),
        PageInfo("cluster", "Cluster", ":material/hub:", "Why do these accounts belong together, and is it innocent?"),
        PageInfo("account", "Account", ":material/person_search:", "What does this account do, and who is near it?"),
        PageInfo("hunt", "Hunt", ":material/travel_explore:", "Who has this, and what else do they have in common?"),
        PageInfo("campaigns", "Campaigns", ":material/folder_special:", "What do we know of each campaign?"),
        PageInfo("summary", "Summary", ":material/monitoring:", "How are we doing, in figures a manager reads?"),
        PageInfo(
            "detector", "Detector", ":material/model_training:", "How good is the detector, what would improve it?"
        ),
        PageInfo("evidence", "Evidence", ":material/inventory_2:", "What was handed out, and does it still verify?"),
        PageInfo("data", "Data", ":material/database:", "What was imported, and what can it not tell?"),
        PageInfo("audit", "Audit", ":material/policy:", "Who did what, when and why, and is the record whole?"),
    )
}


_INSIDE: ContextVar[bool] = ContextVar("inside_app", default=False)
_ROOT = Path(__file__).resolve().parents[3]
_ICON = _ROOT / "static" / "icon.png"


def configure() -> None:
    """Page settings. The icon is a local file: a Material symbol here would be fetched from another host."""
    st.set_page_config(
        page_title="Stillwatch",
        page_icon=str(_ICON),
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={
            "About": f"Stillwatch {__version__}. Scores are leads, not findings: a person decides, with a reason."
        },
    )


def open_pages() -> Any:
    """The page that the URL asks for; app.py runs it."""
    return st.navigation(pages(), position="top")


@contextmanager
def app() -> Iterator[None]:
    """Mark that app.py is running the page."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def inside_app() -> None:
    """First line of every page: make sure that app.py runs around it.

    The first visit to a fresh server by a deep link finds a folder ``pages`` and runs the page file alone (Streamlit's
    older multipage mode) until ``st.navigation`` was called once in the process.
    """
    if not _INSIDE.get():
        runpy.run_path(str(_ROOT / "app.py"))
        st.stop()


def pages() -> list[Any]:
    """Pages for ``st.navigation``. The first opens at ``/``; a hidden twin answers to its name as the others do."""
    first, *others = PAGES.values()
    return [
        st.Page(first.file, title=first.title, icon=first.icon, default=True, url_path="queue"),
        *(st.Page(p.file, title=p.title, icon=p.icon, url_path=p.name) for p in others),
        st.Page(first.file, title=first.title, icon=first.icon, url_path=first.name, visibility="hidden"),
    ]


def go(page: str, **changes: Any) -> NoReturn:
    """Open a page with the filter state, changed as given (see ``state.Filters``)."""
    filters = state.update(**changes)
    st.switch_page(PAGES[page].file, query_params=state.to_params(filters))
