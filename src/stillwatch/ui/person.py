"""Who is asking, which run is shown, and what changed meanwhile: the small menu at the end of each page header."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from stillwatch.errors import StillwatchError
from stillwatch.ui import kit, session, words

KEYS = (
    ("N", "take or open the next"),
    ("O", "open what is chosen"),
    ("A", "assign to me, release"),
    ("Z", "snooze"),
    ("H", "hand over, take over"),
    ("X", "label: distillation"),
    ("B", "label: benign"),
    ("Esc", "drop selection and window"),
    ("U", "take back a step of the view"),
    ("↑ ↓ Enter", "move in the queue, open"),
)


def menu() -> None:
    """Popover with the name, the run and the keys. Drawn by pages as the last of their header actions."""
    with st.popover(words.md(session.who(), 24), icon=":material/account_circle:", help="Who you are, run shown, keys"):
        name = st.text_input(
            "Your name", value=session.who(), key="who_name", help="Goes with every label and decision"
        )
        if name != session.who():
            session.set_who(name)
            st.rerun()
        run = session.run_or_none()
        if run:
            try:
                made = str(run.manifest.get("created_at", "unknown"))[:16].replace("T", " ")
                upto = str(run.manifest.get("as_of", "unknown"))[:16].replace("T", " ")
            except StillwatchError as e:
                kit.error(e)
                return
            kit.html(kit.facts([("Run", run.run_id), ("Data up to", f"{upto} UTC"), ("Made", f"{made} UTC")]))
        rows = Markup("").join(Markup("<dt><b>{}</b></dt><dd>{}</dd>").format(k, what) for k, what in KEYS)
        kit.html(Markup('<dl class="sw-grid">{}</dl>').format(rows))


def notices() -> None:
    """A run published while someone works: told, not thrown out."""
    if session.run_changed():
        st.toast("A new detection run was published; the pages show it now.", icon=":material/update:")
