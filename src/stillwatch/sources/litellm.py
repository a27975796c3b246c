"""LiteLLM proxy: what its callbacks write (StandardLoggingPayload), its table of spend logs, its tables of accounts.

The same traffic is often in two places, each with something the other lacks: every request arrives once, under
``litellm_call_id`` (upstream ids repeat), with the callback's values and, where those are missing, the table's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from stillwatch.domain import UNATTRIBUTED
from stillwatch.errors import MappingError, SourceError
from stillwatch.sources.contract import ACCOUNTS, IDENTIFIERS, REQUESTS
from stillwatch.sources.files import Bad, Record, columns_of, files_in, kind_of, records
from stillwatch.sources.joins import attributed_expr, batch_schema, emails_expr, places, settled
from stillwatch.sources.litellm_rows import (
    CALL_COLUMNS,
    BadRowError,
    Call,
    from_payload,
    from_spend_log,
)
from stillwatch.sources.source import BatchTable, SourceData
from stillwatch.sources.spool import SEALED, Spool
from stillwatch.sources.values import BadValueError, email, moment, text

_PAYLOAD, _SPEND, _USERS, _KEYS, _TEAMS = "payload", "spend logs", "users", "keys", "teams"
_MARKS = {
    _SPEND: {"request_id", "api_key", "spend", "startTime"},
    _PAYLOAD: {"id", "call_type", "startTime", "metadata", "model_parameters"},
    _KEYS: {"token", "key_name", "user_id", "team_id"},
    _USERS: {"user_id", "user_email", "user_role"},
    _TEAMS: {"team_id", "team_alias", "members_with_roles"},
}
"""What a file is, by columns that it must have; the first match counts."""
_TRANSLATE: dict[str, Callable[[Record], Call]] = {_PAYLOAD: from_payload, _SPEND: from_spend_log}
_EMPTY_BECAUSE: dict[tuple[str, ...], str] = {
    ("tool_count", "system_hash", "prompt"): (
        "what was asked: LiteLLM logged no request bodies (store_prompts_in_spend_logs is off, its default; "
        "StandardLoggingPayload lines hold them)"
    ),
    ("prompt",): "prompt text: LiteLLM's message logging is off, or only request metadata was exported",
}
"""Why columns can be empty, where that is more than an absence; the first that fits is said. What is simply absent is
found and said by the import."""
_MERGED = (
    *(c for c in REQUESTS.names if c in CALL_COLUMNS),
    *("user", "key_hash", "session_given", "email"),
)


class LiteLLM:
    """Reads a file or a folder of LiteLLM's logs. Tables of accounts are also looked for in the folder above."""

    name = "litellm"
    title = "LiteLLM proxy: StandardLoggingPayload lines, SpendLogs with user, key and team tables"

    def recognises(self, path: Path) -> bool:
        """Whether any file is one of LiteLLM's logs, or all are its tables of accounts."""
        try:
            found = {_what(file) for file in files_in(path)}
        except SourceError:
            return False
        return bool(found & _TRANSLATE.keys()) or "" not in found

    def read(self, path: Path, mapping: Path | None = None) -> SourceData:
        """Read everything, join what tells of the same call, and hand on accounts, requests and identifiers.

        Raises:
            SourceError: nothing of LiteLLM there, or a file is broken.
            MappingError: a mapping file was given; LiteLLM's columns are known.
        """
        if mapping is not None:
            raise MappingError("--format litellm takes no mapping file; its columns are known.")
        found = [(file, _what(file)) for file in files_in(path)]
        logs = [(file, what) for file, what in found if what in _TRANSLATE]
        tables = _account_tables(path, found)
        if not logs and not any(what for _, what in found):
            seen = ", ".join(file.name for file, _ in found[:8])
            raise SourceError(
                f"{path}: nothing of LiteLLM among {seen}. Want StandardLoggingPayload JSON lines, or an export of "
                "LiteLLM_SpendLogs or of LiteLLM's tables of accounts (CSV, JSONL or Parquet; .gz allowed)."
            )
        spool = Spool()
        try:
            _read_calls(spool, logs)
            _read_accounts(spool, tables)
            return _hand_on(spool, path, logs, tables, _unread(path, found))
        except BaseException:
            spool.close()
            raise


def _what(file: Path) -> str:
    """Which of LiteLLM's files this is, or ``""``."""
    if kind_of(file) not in ("csv", "jsonl", "json", "parquet"):
        return ""
    columns = set(columns_of(file))
    return next((what for what, marks in _MARKS.items() if marks <= columns), "")


def _account_tables(path: Path, found: list[tuple[Path, str]]) -> dict[str, Path]:
    """The table of each kind that lies nearest: in the folder, else in the one above."""
    near = [file for file, _ in found] if path.is_dir() else files_in(path.parent)
    folder = path if path.is_dir() else path.parent
    above = [p for p in sorted(folder.resolve().parent.glob("LiteLLM_*Table*")) if p.is_file()]
    above += [p for p in sorted(folder.resolve().parent.glob("LiteLLM_VerificationToken*")) if p.is_file()]
    tables: dict[str, Path] = {}
    for file in [*near, *above]:
        if not path.is_dir() and "litellm" not in file.name.lower():
            continue
        what = _what(file)
        if what in (_USERS, _KEYS, _TEAMS):
            tables.setdefault(what, file)
    return tables


def _unread(path: Path, found: list[tuple[Path, str]]) -> tuple[str, ...]:
    other = [file.name for file, what in found if not what]
    if not other or not path.is_dir():
        return ()
    return (f"not read, since no LiteLLM log or table: {', '.join(other[:8])}{' …' if len(other) > 8 else ''}",)


def _read_calls(spool: Spool, logs: list[tuple[Path, str]]) -> None:
    sheet = spool.sheet("calls", {"n": pa.int64(), **CALL_COLUMNS})
    nothing = (None,) * len(CALL_COLUMNS)
    for file, what in logs:
        translate = _TRANSLATE[what]
        for number, record in records(file):
            row: tuple[Any, ...] = nothing
            bad: tuple[str | None, str | None] = (None, None)
            length = 0
            if isinstance(record, Bad):
                bad = (record.reason, None)
            else:
                try:
                    call = translate(record)
                    if call.call_id is None and call.upstream_id is None:
                        raise BadRowError("request_id", "neither litellm_call_id nor an id")
                    row, length = tuple(call), len(call.prompt or "")
                except BadRowError as e:
                    bad = (str(e), e.column)
            sheet.add((sheet.rows, *row, file.name, number, *bad), length)


def _read_accounts(spool: Spool, tables: dict[str, Path]) -> None:
    words = dict.fromkeys(("token", "account_id", "org_id", "team_id", "email_domain"), pa.string())
    account_columns = {**words, "email": SEALED, "created_at": pa.timestamp("us"), "blocked": pa.bool_()}
    for what in (_USERS, _KEYS):
        sheet = spool.sheet(what, account_columns)
        for number, record in records(tables[what]) if what in tables else ():
            where = (tables[what].name, number)
            if isinstance(record, Bad):
                sheet.add((None,) * len(account_columns) + (*where, record.reason, None))
                continue
            address = email(record.get("user_email"))
            teams = (text(record.get("teams")) or "").strip("{}[]").replace('"', "").split(",")
            try:
                created = moment(record.get("created_at"))
            except BadValueError as e:
                sheet.add((None,) * len(account_columns) + (*where, f"created_at {e}", "created_at"))
                continue
            sheet.add((
                text(record.get("token")),
                text(record.get("user_id")) or text(record.get("token")),
                text(record.get("organization_id")),
                text(record.get("team_id")) or text(teams[0].strip()),
                text((address or "").rpartition("@")[2]),
                address,
                created,
                _yes(record.get("blocked")) if what == _KEYS else None,
                *where, None, None,
            ))  # fmt: skip
    sheet = spool.sheet(_TEAMS, {"team_id": pa.string(), "team_org": pa.string(), "team_blocked": pa.bool_()})
    for number, record in records(tables[_TEAMS]) if _TEAMS in tables else ():
        if isinstance(record, dict):
            org, blocked = text(record.get("organization_id")), _yes(record.get("blocked"))
            sheet.add((text(record.get("team_id")), org, blocked, tables[_TEAMS].name, number, None, None))


def _yes(value: Any) -> bool:
    return value is True or text(value) in ("t", "true", "True", "1")


def _merged_expr(calls: ibis.Table) -> ibis.Table:
    """One row a call: the best row of it, its gaps filled from the worst (there are rarely more than two)."""
    good = calls.filter(calls._bad.isnull())
    # Old versions have no litellm_call_id in SpendLogs; the upstream id leads to it where only one call has that id.
    known = good.filter(good.call_id.notnull() & good.upstream_id.notnull()).group_by("upstream_id")
    known = known.agg(only=lambda t: t.call_id.min(), last=lambda t: t.call_id.max())
    known = known.filter(known.only == known.last).select("upstream_id", "only")
    keyed = good.left_join(known, "upstream_id").drop("upstream_id_right")
    keyed = keyed.mutate(request_id=ibis.coalesce(keyed.call_id, keyed.only, keyed.upstream_id))
    # The lower place first, then the attempt that ended last.
    keyed = settled(keyed.mutate(order=keyed.place * 10**17 - keyed.ended))
    pairs = keyed.group_by("request_id").agg(first=lambda t: t.n.argmin(t.order), other=lambda t: t.n.argmax(t.order))
    first = keyed.semi_join(pairs, [("n", "first")])
    other = keyed.semi_join(pairs.filter(pairs["first"] != pairs.other), [("n", "other")])
    both = first.left_join(other, "request_id", rname="{name}_other")
    filled = {c: ibis.coalesce(both[c], both[f"{c}_other"]) for c in _MERGED}
    return settled(both.select("request_id", "_file", "_row", **filled))


def _sessions_expr(merged: ibis.Table) -> ibis.Table:
    """Sessions that clients named, and others that several requests carry; a made-up one is no session."""
    loose = merged.filter(merged.session_id.notnull() & ~merged.session_given)
    shared = loose.group_by("session_id").agg(requests=lambda t: t.count())
    shared = shared.filter(shared.requests > 1).select(shared_id=shared.session_id)
    known = merged.left_join(shared, [("session_id", "shared_id")])
    kept = ibis.ifelse(known.session_given | known.shared_id.notnull(), known.session_id, ibis.null("string"))
    return settled(known.mutate(session_id=kept).drop("shared_id"))


def _requests_expr(calls: ibis.Table, keys: ibis.Table) -> ibis.Table:
    merged = _sessions_expr(_merged_expr(calls))
    return attributed_expr(merged, keys.select(key_hash=keys.token, user=keys.account_id), merged)


def _accounts_expr(users: ibis.Table, keys: ibis.Table, teams: ibis.Table) -> ibis.Table:
    """Accounts: users, and keys that belong to none. Organisation, else the team's, else the team itself."""
    held = (
        keys.filter(keys._bad.isnull())
        .group_by("account_id")
        .agg(
            key_org=lambda t: t.org_id.min(),
            key_team=lambda t: t.team_id.min(),
            key_created=lambda t: t.created_at.min(),
            key_blocked=lambda t: t.blocked.all(),
        )
    )
    both = users.filter(users._bad.isnull()).outer_join(held, "account_id")
    both = both.mutate(
        account=ibis.coalesce(both.account_id, both.account_id_right),
        team=ibis.coalesce(both.key_team, both.team_id),
        created=ibis.coalesce(both.created_at, both.key_created),
    ).drop("team_id")
    both = settled(both)
    one_team = teams.filter(teams._bad.isnull()).select("team_id", "team_org", "team_blocked").distinct(on="team_id")
    known = both.left_join(one_team, [("team", "team_id")])
    stopped = ibis.coalesce(known.key_blocked, False) | ibis.coalesce(known.team_blocked, False)
    return known.select(
        account_id=known.account,
        created_at=known.created,
        org_id=ibis.coalesce(known.org_id, known.key_org, known.team_org, known.team),
        email_domain=known.email_domain,
        status=ibis.ifelse(stopped, "suspended", "active"),
        **places("_file", "_row", "_bad", "_bad_column"),
    )


def _hand_on(
    spool: Spool, path: Path, logs: list[tuple[Path, str]], tables: dict[str, Path], unread: tuple[str, ...]
) -> SourceData:
    calls, users, keys = spool.table("calls"), spool.table(_USERS), spool.table(_KEYS)
    merged = spool.keep("merged", _requests_expr(calls, keys))
    names = tuple(c for c in REQUESTS.names if c in merged.columns)
    requests = merged.select(*names, "_file", "_row", **places("_bad", "_bad_column"))
    broken = calls.filter(calls._bad.notnull()).mutate(request_id=calls.call_id, account_id=calls.user)
    requests = requests.union(broken.select(*requests.columns))

    handed = [BatchTable("requests", spool.batches(requests, batch_schema(names, REQUESTS.schema)))] if logs else []
    if tables:
        accounts = _accounts_expr(users, keys, spool.table(_TEAMS))
        for sheet in (users, keys):
            wrong = sheet.filter(sheet._bad.notnull()).mutate(status=ibis.null("string"))
            accounts = accounts.union(wrong.select(*accounts.columns))
        account_names = tuple(c for c in ACCOUNTS.names if c in accounts.columns)
        handed.insert(0, BatchTable("accounts", spool.batches(accounts, batch_schema(account_names, ACCOUNTS.schema))))
    listed = users.filter(users._bad.isnull())
    emails = emails_expr(
        merged.select("account_id", "email", first_seen=merged.ts, last_seen=merged.ts),
        listed.select("account_id", "email", first_seen=listed.created_at, last_seen=ibis.null("timestamp(6)")),
    )
    handed.append(BatchTable("identifiers", spool.batches(emails, batch_schema(IDENTIFIERS.names, IDENTIFIERS.schema))))

    nobody = (merged.account_id == UNATTRIBUTED).sum()
    columns_asked = {c: merged[c].count() for columns in _EMPTY_BECAUSE for c in columns}
    filled = spool.count(merged.agg(nobody=nobody, **columns_asked))
    empty = [why for columns, why in _EMPTY_BECAUSE.items() if not any(filled[c] for c in columns)]
    blind = empty[:1] if logs else []
    if not tables:
        blind.append(
            "accounts: no LiteLLM_UserTable or LiteLLM_VerificationToken beside the log or in the folder above, "
            "so no sign-up times, organisations or e-mail domains"
        )
    warnings = list(unread)
    if filled["nobody"]:
        warnings.append(
            f"{filled['nobody']} requests name neither a user nor a key; they are kept under the account "
            f"{UNATTRIBUTED!r} and tell nothing of anybody"
        )
    if len({what for _, what in logs}) > 1:
        warnings.append("callback lines and spend logs of the same call were joined by litellm_call_id")
    return SourceData(LiteLLM.name, path.name, tuple(handed), tuple(blind), tuple(warnings))
