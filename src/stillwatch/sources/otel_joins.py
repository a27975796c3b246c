"""Joins of an OTLP read: which rows tell of one request, and what its surroundings add. Nothing is run here."""

from __future__ import annotations

import ibis

from stillwatch.domain import UNKNOWN_MODEL
from stillwatch.sources.joins import agreed, attributed_expr, settled
from stillwatch.sources.otel_rows import WHO_COLUMNS

_WHO = tuple(WHO_COLUMNS)
_COUNTED = ("call_id", "response_id", "email", "input_tokens", "output_tokens", "tool_count", "system_hash", "prompt")


def requests_expr(
    calls: ibis.Table, context: ibis.Table | None, texts: ibis.Table | None, *, events: bool, doors: bool
) -> ibis.Table:
    """All requests of a read: calls, and refusals at the door of a gateway, with whatever their traces tell.

    Columns: those of ``requests`` in the contract, ``email``, ``door`` (a refusal), ``_file``, ``_row``.

    Args:
        calls: spans that are calls, and details events of calls.
        context: other spans that say something of a request, if there are any.
        texts: messages in log records, if there are any.
        events: whether any call is a details event.
        doors: whether any span of the context is a door.
    """
    good = calls.filter(calls._bad.isnull())
    asked = _merged_expr(_keyed_expr(good, events=events))
    if texts is not None:
        asked = _texts_expr(asked, texts)
    if context is None:
        return attributed_expr(asked.mutate(door=False, model=asked.model.fill_null(UNKNOWN_MODEL)))
    # A span that was delivered twice counts once.
    around = context.semi_join(context.group_by("trace_id", "span_id").agg(n=lambda t: t.n.min()), "n")
    around = settled(around)
    every = _surrounded_expr(asked, around)
    if doors:
        refused = _doors_expr(around, good)
        columns = [c for c in every.columns if c in refused.columns]
        every = every.select(*columns).union(refused.select(*columns))
    return attributed_expr(every, context)


def _span_name(t: ibis.Table) -> ibis.Value:
    return t.trace_id.fill_null("") + "-" + t.span_id.fill_null("")


def _keyed_expr(calls: ibis.Table, *, events: bool) -> ibis.Table:
    """With ``key``, the same for all rows that tell of one request, and ``named_id``.

    That is LiteLLM's call id, else the response id where it stands in one trace only; a request without is known by
    its trace and span.
    """
    answered = calls.filter(calls.response_id.notnull()).group_by("response_id")
    repeated = answered.agg(low=lambda t: t.trace_id.min(), high=lambda t: t.trace_id.max())
    repeated = repeated.filter(repeated.low != repeated.high).select(again="response_id")
    t = calls.left_join(repeated, [("response_id", "again")])
    t = t.mutate(
        named_id=ibis.coalesce(t.call_id, ibis.ifelse(t.again.isnull(), t.response_id, ibis.null("string"))),
        key=ibis.coalesce(t.call_id, t.trace_id + "/" + t.response_id, _span_name(t)),
    ).drop("again")
    t = settled(t)
    spans = _nested_expr(t.filter(~t.event))
    return _with_events_expr(spans, t.filter(t.event)) if events else spans


def _nested_expr(spans: ibis.Table) -> ibis.Table:
    """A call span that is the only call inside another call span tells of the same request (two instrumentations)."""
    outer = spans.group_by(outer_trace="trace_id", outer_span="span_id").agg(
        outer_key=lambda t: t.key.min(), outer_response=lambda t: t.response_id.min()
    )
    inner = spans.group_by(inner_trace="trace_id", inner_parent="parent_id").agg(
        alone=lambda t: t.span_id.nunique() == 1
    )
    t = spans.left_join(outer, [("trace_id", "outer_trace"), ("parent_id", "outer_span")])
    t = t.left_join(inner, [("trace_id", "inner_trace"), ("parent_id", "inner_parent")])
    other_answer = (t.response_id != t.outer_response).fill_null(False)
    same = t.outer_key.notnull() & t.alone.fill_null(False) & ~other_answer & t.call_id.isnull()
    return settled(t.select(*(c for c in spans.columns if c != "key"), key=ibis.ifelse(same, t.outer_key, t.key)))


def _with_events_expr(spans: ibis.Table, events: ibis.Table) -> ibis.Table:
    """The details event of a span tells of the span's request; one without its span stands for itself."""
    named = spans.group_by(its_trace="trace_id", its_span="span_id").agg(its_key=lambda t: t.key.min())
    t = events.left_join(named, [("trace_id", "its_trace"), ("span_id", "its_span")])
    t = settled(t.mutate(key=ibis.coalesce(t.its_key, t.key)))
    return spans.union(t.select(*spans.columns))


def _merged_expr(keyed: ibis.Table) -> ibis.Table:
    """One row a request: spans before events, rows with tokens before rows without; gaps filled from the last row."""
    poor = keyed.event.ifelse(2, 0) + keyed.input_tokens.isnull().ifelse(1, 0)
    keyed = settled(keyed.mutate(order=poor * 2**40 + keyed.n))
    pairs = keyed.group_by("key").agg(first=lambda t: t.n.argmin(t.order), other=lambda t: t.n.argmax(t.order))
    first = keyed.semi_join(pairs, [("n", "first")])
    other = keyed.semi_join(pairs.filter(pairs["first"] != pairs.other), [("n", "other")])
    both = first.left_join(other, "key", rname="{name}_other")
    merged = both.select(
        *("trace_id", "span_id", "parent_id", "ts", "status", "_file", "_row"),
        other_parent=both.parent_id_other,
        request_id=ibis.coalesce(both.named_id, both.named_id_other, _span_name(both)),
        **{c: ibis.coalesce(both[c], both[f"{c}_other"]) for c in (*_WHO, *_COUNTED)},
    )
    return settled(merged)


def _texts_expr(calls: ibis.Table, texts: ibis.Table) -> ibis.Table:
    """With the texts of messages that log records hold: the last prompt and the first system text of a call."""
    prompts = texts.filter(texts.prompt.notnull())
    last = prompts.group_by("trace_id", "span_id").agg(n=lambda t: t.n.max())
    prompts = prompts.semi_join(last, "n").select(p_trace="trace_id", p_span="span_id", said="prompt")
    systems = texts.filter(texts.system_hash.notnull()).group_by(s_trace="trace_id", s_span="span_id")
    systems = systems.agg(set_up=lambda t: t.system_hash.min())
    t = calls.left_join(prompts, [("trace_id", "p_trace"), ("span_id", "p_span")])
    t = t.left_join(systems, [("trace_id", "s_trace"), ("span_id", "s_span")])
    t = t.mutate(prompt=ibis.coalesce(t.prompt, t.said), system_hash=ibis.coalesce(t.system_hash, t.set_up))
    return settled(t.select(*calls.columns))


def _surrounded_expr(calls: ibis.Table, around: ibis.Table) -> ibis.Table:
    """Calls, what they lack filled from the parent span, else from what all other spans of the trace agree on."""
    t = calls
    for parent in ("parent_id", "other_parent"):
        above = around.select(f_trace="trace_id", f_span="span_id", **{f"f_{c}": around[c] for c in _WHO})
        joined = t.left_join(above, [("trace_id", "f_trace"), (parent, "f_span")])
        t = settled(
            joined.mutate(**{c: ibis.coalesce(joined[c], joined[f"f_{c}"]) for c in _WHO}).select(*calls.columns)
        )
    joined = t.left_join(_agreed_expr(around, f_trace="trace_id"), [("trace_id", "f_trace")])
    filled = {c: ibis.coalesce(joined[c], joined[f"f_{c}"]) for c in _WHO}
    filled["model"] = ibis.coalesce(filled["model"], UNKNOWN_MODEL)
    return settled(joined.mutate(**filled, door=False).select(*calls.columns, "door"))


def _agreed_expr(around: ibis.Table, **group: str) -> ibis.Table:
    return around.group_by(**group).agg(**{f"f_{c}": agreed(around[c]) for c in _WHO})


def _doors_expr(around: ibis.Table, calls: ibis.Table) -> ibis.Table:
    """Server spans of a model route under which no call was made: refused at the door; nothing else tells of them.

    A trace can hold several (a gateway before a gateway, a client that sends one trace id for ever), so a door counts
    only if no call hangs on it, no used door lies inside it, and it lies inside no other unused one. Where calls hang
    deeper in a trace, no door of it can be told to be without one. Windows, not pairs: a trace may be very long.
    """
    doors = around.filter(around.door)
    hung = calls.select(c_trace="trace_id", c_span="parent_id").distinct()
    t = doors.left_join(hung, [("trace_id", "c_trace"), ("span_id", "c_span")])
    t = settled(t.mutate(used=t.c_span.notnull()).drop("c_trace", "c_span"))
    linked = calls.semi_join(doors, [("trace_id", "trace_id"), ("parent_id", "span_id")])
    deeper = calls.anti_join(linked, "n").select(u_trace="trace_id").distinct()

    never = ibis.null("timestamp(6)")
    before = ibis.window(group_by=t.trace_id, order_by=[t.ts, t.span_id], preceding=(None, 1))
    after = ibis.window(group_by=t.trace_id, order_by=[t.ts, t.span_id], following=(1, None))
    t = t.mutate(
        around=ibis.ifelse(t.used, never, t.ended).max().over(before),
        inside=ibis.ifelse(t.used, t.ts, never).min().over(after),
    )
    enclosed = (t.around >= t.ended).fill_null(False)
    hides = (t.inside <= t.ended).fill_null(False)
    refused = t.filter(~t.used & ~enclosed & ~hides).anti_join(deeper, [("trace_id", "u_trace")])

    t = refused
    for group, keys in (({"f_trace": "trace_id", "f_parent": "parent_id"}, True), ({"f_trace": "trace_id"}, False)):
        near = _agreed_expr(around, **group)
        on = [("trace_id", "f_trace")] + ([("span_id", "f_parent")] if keys else [])
        joined = t.left_join(near, on)
        t = joined.mutate(**{c: ibis.coalesce(joined[c], joined[f"f_{c}"]) for c in _WHO})
        t = settled(t.select(*refused.columns))
    unknown = {"system_hash": "string", "prompt": "binary", "email": "binary"} | dict.fromkeys(
        ("input_tokens", "output_tokens", "tool_count"), "int64"
    )
    return t.mutate(
        request_id=_span_name(t),
        model=ibis.coalesce(t.model, UNKNOWN_MODEL),
        **{name: ibis.null(kind) for name, kind in unknown.items()},
    )
