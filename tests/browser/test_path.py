"""The path of an analyst, a lead and a recipient, in a real browser on the sample world."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import visit
from playwright.sync_api import Page, expect

from stillwatch.cases.store import CaseStore
from stillwatch.config import settings
from stillwatch.warehouse import runs


def test_from_the_queue_to_a_verified_bundle(
    page: Page, world: Path, app_on: Callable[[Path], str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(world, home)
    url = app_on(home)
    run = runs.current(settings(home).runs)
    queue = [str(c) for c in run.frame("clusters").sort_values("rank")["cluster_id"]]
    first = queue[0]

    # Triage: the first of the queue is on top; open it.
    visit.go(page, url)
    row = page.locator(f"button[data-id='{first}']")
    expect(row).to_be_visible()
    row.click()
    visit.idle(page)
    page.locator(".st-key-open button").click()  # a select box has a button of that name, too
    page.wait_for_url(re.compile(rf"cluster\?.*cluster={first}"))
    expect(page.locator("h1").first).to_contain_text(first)

    # Cluster: pick a shared value on the canvas; table and URL follow.
    nodes = run.frame("nodes", filters=[("cluster_id", "=", first)])
    shared = nodes[nodes["kind"] != "account"].sort_values("degree", ascending=False)["node_id"].iloc[0]
    visit.click_node(page, str(shared))
    expect(page.get_by_text("In focus").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"sel="))

    # Label the whole cluster with a reason: saved, and a campaign opens.
    visit.choose(page, "Label what", "The whole cluster")
    visit.choose(page, r"^Label(?! what)", "Distillation")
    page.get_by_label("Reason", exact=True).fill("one operator: the same cards and one template")
    visit.press(page, "Save label")
    expect(page.get_by_text(re.compile(rf"Saved: Distillation for {first}")).first).to_be_visible()
    expect(page.get_by_text("K-0001").first).to_be_visible()

    # By key alone: the next three of the queue.
    for key, reason in (
        ("x", "cards again"),
        ("b", "a course, seen with the lecturer"),
        ("b", "a lab with a contract"),
    ):
        before = page.locator("h1").first.inner_text()
        page.keyboard.press("n")
        expect(page.locator("h1").first).not_to_have_text(before)
        visit.idle(page)
        page.keyboard.press(key)
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill(reason)
        dialog.get_by_text("Open the next in the queue").click()
        dialog.get_by_role("button", name="Save label").click()
        current = page.locator("h1").first.inner_text().split()[-1]
        expect(page.get_by_text(re.compile(f"Saved: .* for {current}")).first).to_be_visible()
        visit.idle(page)
    with CaseStore.open(settings(home)) as store:
        assert sorted(store.labels()["value"]) == ["benign", "benign", "distillation", "distillation"]
        assert len(store.campaigns()) == 2

    # Detector: train with progress, look at the comparison, promote with a reason, the queue re-ranks.
    visit.menu(page, "Detector")
    visit.press(page, "Train")
    expect(visit.button(page, "Promote M-0001")).to_be_visible()
    expect(page.get_by_text("Brier score").first).to_be_visible()
    page.get_by_label("Reason", exact=True).fill("measured on groups it had not seen")
    visit.press(page, "Promote M-0001")
    expect(page.get_by_text("M-0001 in use").first).to_be_visible()
    expect(page.get_by_text(re.compile("changed place|did not change"))).to_be_visible()
    ranked = runs.current(settings(home).runs)
    assert ranked.run_id != run.run_id
    assert ranked.manifest["model_id"] == "M-0001"
    after = [str(c) for c in ranked.frame("clusters").sort_values("rank")["cluster_id"]]
    assert after != queue
    visit.menu(page, "Triage")
    shown = page.locator("button[data-id]").first.get_attribute("data-id")
    open_now = [c for c in after if c not in _labelled(home)]
    assert shown == open_now[0]

    # Summary: readable, and leads to the campaign.
    visit.menu(page, "Summary")
    expect(page.get_by_text(re.compile(r"2 campaigns on file: 2 open"))).to_be_visible()
    page.get_by_role("link", name=re.compile("K-0001")).click()
    expect(page.locator("h1").first).to_contain_text("K-0001")
    for question in ("What is going on", "How much", "What was asked for", "How sure we are"):
        expect(page.get_by_text(question, exact=True).first).to_be_visible()

    # Evidence: export with a reason, download, verify on the page and without the app.
    visit.press(page, "Export evidence")
    expect(page.locator("h1").first).to_contain_text("Evidence")
    page.get_by_label("Reason", exact=True).fill("for legal")
    visit.press(page, "Export")
    expect(page.get_by_text("Bundle B-0001").first).to_be_visible()
    with page.expect_download() as waiting:
        visit.button(page, "Download .zip").click()
    bundle = tmp_path / "handed-over.zip"
    waiting.value.save_as(bundle)
    checked = subprocess.run(
        [sys.executable, "-m", "stillwatch", "evidence", "verify", str(bundle), "--json"],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["ok"] is True
    page.locator("input[type=file]").first.set_input_files(bundle)
    expect(page.get_by_text("handed-over.zip").first).to_be_visible()
    visit.press(page, "Verify")
    expect(page.get_by_text(re.compile("The bundle is whole"))).to_be_visible()
    with CaseStore.open(settings(home)) as store:
        assert list(store.custody("B-0001")["action"]) == ["made", "downloaded", "verified"]

    # Data: where it all came from.
    visit.menu(page, "Data")
    expect(page.get_by_text("has seen all of it")).to_be_visible()
    expect(page.get_by_text("sample_data").first).to_be_visible()


def _labelled(home: Path) -> set[str]:
    with CaseStore.open(settings(home)) as store:
        return set(store.labels()["target_id"])
