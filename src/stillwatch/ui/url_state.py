"""A session's state that is in the URL as well: the mechanism that the pages' filters share.

The URL is the truth where it says something new (a link was opened, the browser went back); a URL that says nothing
keeps the session's state. What a URL says wrongly is named in ``problems``; the page stays usable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import streamlit as st

State = TypeVar("State")
Params = dict[str, list[str]]
"""Query parameters, all values of each."""


class UrlState(Generic[State]):
    """One state of a session. ``name`` is its own; ``to_params`` gives the parameters (of ``params``) that say it."""

    def __init__(
        self, name: str, params: Sequence[str], default: Callable[[], State], to_params: Callable[[State], Params]
    ) -> None:
        self._params, self._default, self._to_params = params, default, to_params
        self._state, self._written, self._problems = f"_{name}", f"_{name}_in_url", f"_{name}_problems"

    def load(self, parse: Callable[[Params], tuple[State, tuple[str, ...]]]) -> State:
        """Once a script run: read the URL where it says something new, else write the session's state into it."""
        url = {name: values for name in self._params if (values := st.query_params.get_all(name))}
        if url and url != st.session_state.get(self._written):
            st.session_state[self._state], st.session_state[self._problems] = parse(url)
            st.session_state[self._written] = url
        else:
            st.session_state[self._problems] = ()
            self.put(self.current())
        return self.current()

    def current(self) -> State:
        """The state of this session."""
        state: State | None = st.session_state.get(self._state)
        return self._default() if state is None else state

    def problems(self) -> tuple[str, ...]:
        """What the URL said wrongly, one sentence each; empty once it was shown and the state moved on."""
        wrong: tuple[str, ...] = st.session_state.get(self._problems, ())
        return wrong

    def put(self, state: State) -> None:
        """Change the state and the URL together."""
        st.session_state[self._state] = state
        want = self._to_params(state)
        for name in self._params:
            if name not in want:
                if name in st.query_params:
                    del st.query_params[name]
            elif st.query_params.get_all(name) != want[name]:
                st.query_params[name] = want[name]
        st.session_state[self._written] = want
