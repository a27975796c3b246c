"""Running one page inside the app: header first, errors as words, empty states instead of blank pages."""

from __future__ import annotations

from typing import Any

import streamlit as st

from stillwatch.errors import NothingYet, StillwatchError
from stillwatch.ui import kit, navigation, person


def run(page: Any) -> None:
    """Run the page that ``st.navigation`` chose. An error of ours never leaves a page without header and way on."""
    st.session_state[kit.HEADER_DRAWN] = False
    with navigation.app():
        try:
            page.run()
        except NothingYet as e:
            _bare_header(page)
            kit.nothing_yet(str(e))
        except StillwatchError as e:
            _bare_header(page)
            kit.error(e)


def _bare_header(page: Any) -> None:
    if st.session_state[kit.HEADER_DRAWN]:
        return
    info = next((p for p in navigation.PAGES.values() if p.title == page.title), navigation.PAGES["triage"])
    with kit.header(info.title, symbol=info.symbol, subtitle=info.question):
        person.menu()
