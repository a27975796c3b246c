"""All files of a bundle, as bytes: what lies below ``data/`` and what seals it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.evidence import bag, seal
from stillwatch.evidence.casefile import TABLES, CaseFile
from stillwatch.evidence.drawing import drawing
from stillwatch.evidence.graph_page import graph_page
from stillwatch.evidence.report import Exhibit, report
from stillwatch.evidence.tables import csv_bytes, meanings, parquet
from stillwatch.evidence.wording import TLP, clean, moment

REPORT = "report.html"
GRAPH = "graph.html"
HOW = "how-it-was-made.json"
README = "README.txt"


@dataclass(frozen=True)
class Sealed:
    """A finished bundle in memory: every file by its path, and the digest that fixes them all."""

    files: Mapping[str, bytes]
    sha256: str
    """Of the tag manifest."""
    fingerprint: str


def payload(case: CaseFile, fingerprint: str) -> dict[str, bytes]:
    """The files below ``data/``. ``case`` is already redacted; the same case gives the same bytes."""
    files: dict[str, bytes] = {}
    exhibits: list[Exhibit] = []

    def add(name: str, data: bytes, what: str, rows: int | None = None) -> None:
        files[name] = data
        exhibits.append(Exhibit(name, what, rows, bag.sha256(data)))

    for name, spec in TABLES.items():
        table = case.tables[name]
        add(f"tables/{name}.csv", csv_bytes(table), spec.row, table.num_rows)
        add(f"tables/{name}.parquet", parquet(table), "the same, for programs", table.num_rows)
    add("tables/columns.csv", meanings(TABLES.values()), "what every column means")
    add(GRAPH, graph_page(case, drawing(case)), "the link graph, to explore")
    add(HOW, how_it_was_made(case), "code, run, table versions, parameters, redaction")
    add(README, readme(case, fingerprint), "what this is and how to check it")
    files[REPORT] = report(case, exhibits, fingerprint)
    return files


def sealed(case: CaseFile, key: Ed25519PrivateKey) -> Sealed:
    """The whole bundle of a redacted case file, signed."""
    print_ = seal.fingerprint(key)
    content = payload(case, print_)
    files = {bag.DATA + name: data for name, data in content.items()}
    files |= bag.tag_files(content, _info(case), seal.public_pem(key))
    digest = bag.sha256(files[bag.TAG_MANIFEST])
    statement = seal.statement(bag.TAG_MANIFEST, digest, _predicate(case))
    files[bag.STATEMENT] = seal.envelope(statement, key)
    return Sealed(files, digest, print_)


def how_it_was_made(case: CaseFile) -> bytes:
    """``how-it-was-made.json``: everything that is needed to make the figures again."""
    p = case.provenance
    facts: dict[str, Any] = {
        "bundle": {**_predicate(case), "made_by": case.by, "audience": case.audience or None},
        "campaign": {
            "campaign_id": case.campaign.campaign_id,
            "status": case.campaign.status,
            "cluster_ids": list(case.campaign.cluster_ids),
            "single_accounts": len(case.campaign.account_ids),
        },
        "run": {"run_id": p.run_id, **dict(p.manifest)},
        "sources": [
            {
                "source": s.source,
                "format": s.format,
                "imported_at": s.imported_at.isoformat() + "Z",
                "sha256": s.fingerprint or None,
                "rows": dict(s.rows),
                "blind": list(s.blind),
            }
            for s in p.sources
        ],
        "audit_log_head": p.audit_head,
        "gaps": list(case.gaps),
        "left_out": list(case.left_out),
        "tables": {name: {"rows": case.tables[name].num_rows, "one_row_is": spec.row} for name, spec in TABLES.items()},
    }
    return (json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n").encode(
        "utf-8", "replace"
    )


def readme(case: CaseFile, fingerprint: str) -> bytes:
    """``README.txt``: for somebody who has never heard of the program."""
    label, _, rule = TLP[case.tlp]
    return f"""{label}
{rule}

Evidence bundle {case.bundle_id}: campaign {case.campaign.campaign_id}
{clean(case.organisation, 100)}, {moment(case.created_at)}
Redaction: {case.redaction}

Open report.html in any browser; no network is needed. graph.html shows who shares what.
tables/ holds every figure: CSV for spreadsheets, Parquet for programs; tables/columns.csv says what the columns mean.
In CSV, text that a spreadsheet could run as a formula has an apostrophe in front; Parquet has it as it is.

Check that nothing was changed since it was sealed
--------------------------------------------------
With Stillwatch, offline, in the folder that holds this bundle:

    stillwatch evidence verify {case.bundle_id} --key SENDERS-KEY.pem

SENDERS-KEY.pem is the public key that the sender gave you by another way than this bundle. Without --key the key
inside the bundle is used; then compare its fingerprint with the one that the sender tells you:

    {seal.spoken(fingerprint)}

Without Stillwatch, inside the bundle's folder (the one with bagit.txt), with sha256sum, jq and OpenSSL 3:

    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt
    jq -r .payload statement.dsse.json | base64 -d > /tmp/statement
    jq -r '.signatures[0].sig' statement.dsse.json | base64 -d > /tmp/signature
    (printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(wc -c < /tmp/statement); cat /tmp/statement) > /tmp/signed
    openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -in /tmp/signed -sigfile /tmp/signature
    jq -r '.subject[0].digest.sha256' /tmp/statement && sha256sum tagmanifest-sha256.txt      # must be the same
    openssl pkey -pubin -in public-key.pem -outform DER | tail -c 32 | sha256sum              # the fingerprint

Then see that no file lies in the folder that the two manifests do not list (besides tagmanifest-sha256.txt and
statement.dsse.json). Any BagIt 1.0 tool also checks the manifests, but accepts unknown files beside data/.
""".encode()


def _predicate(case: CaseFile) -> dict[str, Any]:
    """What the signature says of the bundle, beside its digest."""
    return {
        "bundle_id": case.bundle_id,
        "campaign_id": case.campaign.campaign_id,
        "run_id": case.provenance.run_id,
        "model_id": case.provenance.model_id,
        "created_at": case.created_at.isoformat(timespec="seconds") + "Z",
        "organisation": clean(case.organisation, 200),
        "tlp": TLP[case.tlp][0],
        "redaction": case.redaction,
        "stillwatch": case.code_version,
        "rows": {name: case.tables[name].num_rows for name in TABLES},
    }


def _info(case: CaseFile) -> dict[str, str]:
    """Fields of ``bag-info.txt`` (RFC 8493, section 2.2.2)."""
    return {
        "Source-Organization": _one_line(case.organisation),
        "Contact-Name": _one_line(case.by),
        "External-Description": f"{TLP[case.tlp][0]} evidence on campaign {case.campaign.campaign_id}, "
        f"{case.redaction} copy",
        "Bagging-Date": f"{case.created_at:%Y-%m-%d}",
        "External-Identifier": case.campaign.campaign_id,
        "Internal-Sender-Identifier": case.bundle_id,
        "Bag-Software-Agent": f"Stillwatch {case.code_version}",
    }


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", clean(text, 200))
