"""What stands on a page that AppTest ran."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]


def html_of(app: AppTest) -> str:
    """Everything that a page gave to ``st.html``, without the stylesheet."""
    bodies = [str(block.proto.body) for block in app.get("html")]
    return "\n".join(b for b in bodies if not b.startswith("<style>"))


def words_of(app: AppTest) -> str:
    """Every text of a page: HTML, Markdown, messages, labels of buttons."""
    parts = [html_of(app)]
    for kind in ("markdown", "warning", "error", "success", "info", "caption"):
        parts += [str(e.value) for e in getattr(app, kind)]
    parts += [str(b.label) for b in app.button]
    return "\n".join(parts)
