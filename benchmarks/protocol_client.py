"""A visitor of the app without a browser: speaks Streamlit's protocol over the app's own websocket."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import websockets
from streamlit.components.v2.bidi_component.main import _make_trigger_id as trigger_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

LONG_WORK = re.compile(r"\b(import|detection|detect|train|export|verify|load|roll back|promote)\b", re.IGNORECASE)
"""Labels of buttons that start work which shows its own progress; they are not clicks that must answer at once."""


@dataclass(frozen=True)
class Click:
    """One thing to press: what it is called, and the widget state that pressing it sends."""

    what: str
    kind: str
    state: WidgetState
    fragment: str = ""


class Session:
    """One visitor of the app."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.pages: dict[str, str] = {}
        self.page = ""
        self.query = ""
        self.elements: dict[tuple[int, ...], tuple[Element, str]] = {}
        self.cached: dict[str, ForwardMsg] = {}
        self.errors: list[str] = []

    async def run(
        self, *, page: str | None = None, click: Click | None = None, query: str | None = None, name: str = ""
    ) -> tuple[float, int]:
        """One script run; answers milliseconds until it finished and bytes received.

        ``page``: hash of a page once they are known (``pages``); ``name``: its name in the address, for a first visit.
        """
        back = BackMsg()
        rerun = back.rerun_script
        if name:
            self.query = query or ""
            rerun.page_name = name
        if page is not None:
            self.page, self.query = page, query or ""
            self.elements.clear()
        elif click is not None and not click.fragment:
            self.elements.clear()  # all of it is drawn anew
        rerun.page_script_hash = self.page
        rerun.query_string = self.query
        rerun.cached_message_hashes.extend(self.cached)
        if click is not None:
            rerun.widget_states.widgets.append(click.state)
            rerun.fragment_id = click.fragment
        start = time.perf_counter()
        await self.socket.send(back.SerializeToString())
        received = 0
        while True:
            raw = await asyncio.wait_for(self.socket.recv(), 60)
            assert isinstance(raw, bytes)
            received += len(raw)
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "ref_hash":
                path = list(message.metadata.delta_path)
                message = self.cached[message.ref_hash]
                message.metadata.delta_path[:] = path
                kind = message.WhichOneof("type")
            elif message.hash and message.metadata.cacheable:
                self.cached[message.hash] = message
            if kind == "navigation":
                self.pages = {p.page_name: p.page_script_hash for p in message.navigation.app_pages if not p.is_hidden}
                self.page = message.navigation.page_script_hash or self.page
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "delta":
                self._keep(message)
            elif kind == "script_finished":
                again = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
                if not again:
                    return (time.perf_counter() - start) * 1000, received

    def _keep(self, message: ForwardMsg) -> None:
        path = tuple(message.metadata.delta_path)
        if message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            self.elements[path] = (element, message.delta.fragment_id)
            if element.WhichOneof("type") == "exception":
                self.errors.append(element.exception.message)

    def event(self, key: str, event: str, value: dict[str, object]) -> Click:
        """What a live component (graph, ledger) sends when it is used; ``key`` is its key on the page."""
        widget, fragment = self._widget(key)
        state = WidgetState(id=trigger_id(widget.id, "events"))
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return Click(event, "component", state, fragment)

    def choice(self, key: str, position: int) -> Click:
        """Choosing one option of a segmented control."""
        widget, fragment = self._widget(key)
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(_option_text(widget.options[position]))
        return Click(key, "button_group", state, fragment)

    def button(self, key: str) -> Click:
        """Pressing one button."""
        widget, fragment = self._widget(key)
        return Click(key, "button", WidgetState(id=widget.id, trigger_value=True), fragment)

    def _widget(self, key: str) -> tuple[Any, str]:
        """The widget of a key, newest first: what an earlier run drew may linger below what a later one left out."""
        for element, fragment in reversed(self.elements.values()):
            widget = getattr(element, element.WhichOneof("type") or "", None)
            if str(getattr(widget, "id", "")).endswith(f"-{key}"):
                return widget, fragment
        raise LookupError(f"the page has no {key}")

    def shows(self, click: Click) -> bool:
        """Whether what is to be pressed is still on the page."""
        return any(c.state.id == click.state.id for c in self.clicks())

    def clicks(self) -> Iterator[Click]:
        """Everything on the page that can be pressed."""
        for element, fragment in list(self.elements.values()):
            yield from _clicks_of(element, fragment)


def _clicks_of(element: Element, fragment: str) -> Iterator[Click]:
    kind = element.WhichOneof("type")
    widget = getattr(element, kind) if kind else None
    if widget is None or getattr(widget, "disabled", False) or not getattr(widget, "id", ""):
        return
    label = getattr(widget, "label", "") or kind
    if getattr(widget, "form_id", "") and kind != "button":
        return  # fields of a form reach the server with its button
    if kind == "button" and not LONG_WORK.search(label):
        yield Click(label, kind, WidgetState(id=widget.id, trigger_value=True), fragment)
    elif kind in ("selectbox", "radio"):
        if len(widget.options) > 1:
            other = widget.options[-1]
            state = WidgetState(id=widget.id, string_value=getattr(other, "content", other))
            yield Click(label, kind, state, fragment)
    elif kind == "button_group" and widget.options:
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(_option_text(widget.options[-1]))
        yield Click(label, kind, state, fragment)
    elif kind == "multiselect" and widget.options:
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(widget.options[0])
        yield Click(label, kind, state, fragment)
    elif kind == "checkbox":
        yield Click(label, kind, WidgetState(id=widget.id, bool_value=not widget.default), fragment)
    elif kind == "dataframe" and widget.selection_mode:
        chosen = {"selection": {"rows": [0], "columns": [], "cells": []}}
        yield Click("first row", kind, WidgetState(id=widget.id, string_value=json.dumps(chosen)), fragment)


def _option_text(option: object) -> str:
    return str(getattr(option, "content", option))


@asynccontextmanager
async def visit(url: str) -> AsyncIterator[Session]:
    async with websockets.connect(
        url.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=[websockets.Subprotocol("streamlit")],
        max_size=None,
        origin=websockets.Origin(url),
    ) as socket:
        yield Session(socket)
