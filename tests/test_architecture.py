"""The house rules, held against the code: who imports whom, thin pages, nothing unsafe, truth for evaluation only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.config import settings
from stillwatch.pipeline.ingest import import_path

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "stillwatch"
PAGES = sorted((ROOT / "pages").glob("*.py"))
MODULES = sorted(p for p in SRC.rglob("*.py"))
CODE = [*MODULES, *PAGES, ROOT / "app.py"]
TREES = {p: ast.parse(p.read_text(encoding="utf-8"), str(p)) for p in CODE}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module, and every imported name as ``module.name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def where(found: dict[Path, object]) -> dict[str, object]:
    return {name(p): what for p, what in found.items() if what}


def test_import_contracts_hold() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_ui_the_pages_and_the_app_import_streamlit() -> None:
    allowed = {SRC / "ui"}
    guilty = [
        name(p)
        for p in MODULES
        if not allowed & set(p.parents) and any(i.split(".")[0] == "streamlit" for i in imports(TREES[p]))
    ]
    assert guilty == []


def test_pages_are_thin() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 60
    for page in PAGES:
        assert len(page.read_text().splitlines()) <= 150, name(page)


def test_pages_hold_no_sql_and_no_dataframe_maths() -> None:
    engines = {"pandas", "numpy", "pyarrow", "duckdb", "ibis", "sqlalchemy", "deltalake", "polars", "scipy", "sklearn"}
    maths = {
        "groupby", "merge", "agg", "aggregate", "apply", "pivot", "pivot_table", "assign", "sort_values", "quantile",
        "rolling", "resample", "value_counts", "nunique", "cumsum", "query", "melt", "explode",
    }  # fmt: skip
    sql = re.compile(
        r"\b(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\b", re.IGNORECASE | re.DOTALL
    )
    found: dict[Path, object] = {}
    for page in [*PAGES, ROOT / "app.py"]:
        tree = TREES[page]
        found[page] = [
            *(i for i in imports(tree) if i.split(".")[0] in engines),
            *(f for f, _ in calls(tree) if "." in f and f.rsplit(".", 1)[1] in maths),
            *(s for s in strings(tree) if sql.search(s)),
        ]
    assert where(found) == {}


def strings(tree: ast.AST, docs: bool = False) -> Iterator[str]:
    """String constants; docstrings and strings below attributes only when asked for."""
    standing = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (docs or id(node) not in standing):
            yield node.value


def test_engine_specific_sql_stays_in_the_warehouse() -> None:
    catches_errors = SRC / "sources" / "spool.py"  # joins by Ibis; names the engine's errors to say what to do
    found: dict[Path, object] = {}
    for path in MODULES:
        if SRC / "warehouse" not in path.parents:
            found[path] = [
                *(i for i in imports(TREES[path]) if i.split(".")[0] == "duckdb" and path != catches_errors),
                *(f for f, _ in calls(TREES[path]) if f.endswith((".raw_sql", ".sql"))),
            ]
    assert where(found) == {}


def test_nothing_unsafe_is_called() -> None:
    modules = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "telnetlib"}
    functions = {
        "eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "pd.read_pickle",
        "pandas.read_pickle", "tempfile.mktemp", "st.iframe", "components.html", "st.components.v1.html", "st.map",
    }  # fmt: skip
    flags = {"unsafe_allow_html", "unsafe_allow_javascript"}
    found: dict[Path, object] = {}
    for path, tree in TREES.items():
        found[path] = [
            *(i for i in imports(tree) if i.split(".")[0] in modules),
            *(f for f, _ in calls(tree) if f in functions),
            *(k.arg for _, c in calls(tree) for k in c.keywords if k.arg in flags),
            *(
                f"{f}(shell=True)"
                for f, c in calls(tree)
                for k in c.keywords
                if k.arg == "shell" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            ),
            *(
                f"{f}(allow_pickle)"
                for f, c in calls(tree)
                for k in c.keywords
                if k.arg == "allow_pickle" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            ),
        ]
    assert where(found) == {}


def test_model_files_are_loaded_with_a_list_of_trusted_types() -> None:
    loads = [c for p in MODULES for f, c in calls(TREES[p]) if f in ("sio.load", "skops.io.load", "sio.loads")]
    assert loads
    assert all(any(k.arg == "trusted" for k in c.keywords) for c in loads)


def test_nothing_refers_to_a_host_that_serves_scripts_styles_or_fonts() -> None:
    hosts = re.compile(
        r"jsdelivr|cdnjs|unpkg\.com|googleapis|gstatic|bootstrapcdn|skypack|esm\.sh|cloudflare\.com|fonts\.\w+\.com|cdn\.",
        re.IGNORECASE,
    )
    places = [SRC, ROOT / "pages", ROOT / "static", ROOT / ".streamlit", ROOT / "docs", ROOT / "benchmarks"]
    kinds = {".py", ".js", ".css", ".html", ".toml", ".md", ".svg", ".mako", ".ini", ".yaml"}
    files = [ROOT / "app.py", *(f for p in places for f in p.rglob("*") if f.suffix in kinds and f.is_file())]
    guilty = [name(f) for f in files if ".mypy_cache" not in f.parts and hosts.search(f.read_text(encoding="utf-8"))]
    assert guilty == []


def test_environment_is_read_in_config_only() -> None:
    found: dict[Path, object] = {}
    for path, tree in TREES.items():
        if path != SRC / "config.py":
            found[path] = [
                *(
                    ast.unparse(n)
                    for n in ast.walk(tree)
                    if isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv")
                ),
                *(i for i in imports(tree) if i in ("os.environ", "os.getenv")),
            ]
    assert where(found) == {}


def test_truth_is_opened_by_evaluation_only() -> None:
    """Who may say the word in code: the reader of truth, the measuring against it, its contract, those who write it."""
    may = {
        "detector/truth.py",
        "detector/evaluation.py",
        "sources/contract.py",
        "sources/contract_reader.py",  # the beginnings of names that it passes over
        "cli.py",
        "reference.py",
    }
    found: dict[Path, object] = {}
    for path in MODULES:
        inside = path.relative_to(SRC).as_posix()
        if inside in may or inside.startswith("simulate/"):
            continue
        tree = TREES[path]
        skips = {
            id(a)
            for f, c in calls(tree)
            if f.endswith(".startswith")
            for a in ast.walk(c)  # `name.startswith("truth")` is how import leaves the file alone
        }
        found[path] = [
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant)
            and isinstance(n.value, str)
            and re.search(r"\btruth\b", n.value)
            and id(n) not in skips
            and n.value in set(strings(tree))
        ]
    assert where(found) == {}
    readers = {name(p) for p in MODULES if any(i.startswith("stillwatch.detector.truth") for i in imports(TREES[p]))}
    assert readers == {"src/stillwatch/pipeline/learn.py"}
    learn = TREES[SRC / "pipeline" / "learn.py"]
    users = {
        f.name
        for f in ast.walk(learn)
        if isinstance(f, ast.FunctionDef) and any(n == "read_truth" for n, _ in calls(f))
    }
    assert users == {"evaluate"}
    named = {name(p) for p in MODULES if any(i.endswith(".TRUTH") for i in imports(TREES[p]))}
    assert all(n.startswith("src/stillwatch/simulate/") for n in named)


def test_import_never_opens_a_truth_table(tmp_path: Path) -> None:
    """It would fail on this one, which is neither Parquet nor readable."""
    data = tmp_path / "data"
    data.mkdir()
    day = datetime(2026, 11, 1)
    pq.write_table(pa.table({"account_id": ["a"], "created_at": [day]}), data / "accounts.parquet")
    pq.write_table(
        pa.table({"request_id": ["r"], "account_id": ["a"], "ts": [day], "model": ["m"]}), data / "requests.parquet"
    )
    (data / "truth.parquet").write_bytes(b"not a table")
    (data / "truth").mkdir()
    (data / "truth" / "part.parquet").write_bytes(b"nor this")
    report = import_path(settings(tmp_path / "home"), data)
    assert report.rows_new["accounts"] == 1
    assert report.rows_new["requests"] == 1


def test_modules_are_small_explained_and_finished() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|pragma: no|raise NotImplementedError")
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 450, f"{name(path)} is long: split it by what its parts answer"
        assert ast.get_docstring(TREES[path]) or not text.strip(), f"{name(path)} does not say what it is"
        assert not unfinished.search(text), name(path)


def test_direct_imports_are_pinned_dependencies() -> None:
    provided = {
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
        "ibis": "ibis-framework",
        "graspologic_native": "graspologic-native",
    }
    pins = {
        re.split(r"[\[=]", line)[0].lower()
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line
    }
    used = {i.split(".")[0] for tree in TREES.values() for i in imports(tree)} - set(sys.stdlib_module_names)
    loose = {u for u in used if provided.get(u, u).lower() not in pins} - {"stillwatch"}
    assert loose == set()


@pytest.mark.parametrize("folder", ["src", "pages"])
def test_no_machine_path_is_written_into_the_code(folder: str) -> None:
    paths = re.compile(r"[\"'](/home/\w+|/root|/Users/\w+|/opt/\w+|[A-Z]:\\\\)")
    guilty = [name(p) for p in (ROOT / folder).rglob("*.py") if paths.search(p.read_text(encoding="utf-8"))]
    assert guilty == []
