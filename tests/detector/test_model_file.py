"""Model files: what was saved is what is loaded, and nothing else ever is."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import skops.io as sio
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from stillwatch.detector import model as models
from stillwatch.detector.features import features_of
from stillwatch.errors import StoreError, UnknownTarget


@pytest.fixture
def detector(tiny):
    scaler = models.Scaler.learn(features_of(tiny.frames()))
    return models.Detector(scaler, np.linspace(-1, 1, len(scaler.columns)))


@pytest.fixture
def saved(detector, tmp_path):
    models.save(tmp_path, "M-0001", detector, card="card", metrics={"a": 1}, labels=pa.table({"x": [1]}))
    return tmp_path


def test_what_was_saved_is_what_is_loaded(saved, detector, tiny):
    made = features_of(tiny.frames())
    again = models.load(saved, "M-0001")
    assert again.predict(made).equals(detector.predict(made))
    assert again.scaler.columns == detector.scaler.columns
    assert models.metrics(saved, "M-0001") == {"a": 1}
    assert sorted(p.name for p in (saved / "M-0001").iterdir()) == [
        "card.md", "labels.parquet", "metrics.json", "model.skops",
    ]  # fmt: skip


def test_an_id_is_taken_once_and_a_failed_save_leaves_nothing(saved, detector):
    with pytest.raises(OSError, match="M-0001"):
        models.save(saved, "M-0001", detector, card="c", metrics={}, labels=pa.table({"x": [1]}))
    with pytest.raises(UnicodeEncodeError):
        models.save(saved, "M-0002", detector, card="\ud800", metrics={}, labels=pa.table({"x": [1]}))
    assert [p.name for p in saved.iterdir()] == ["M-0001"]


@pytest.mark.parametrize(
    "stranger",
    [LogisticRegression(), FunctionTransformer(np.sqrt), {"format": 1, "means": FunctionTransformer(print)}],
    ids=["estimator", "function", "hidden"],
)
def test_a_file_that_holds_more_than_numbers_is_refused(saved, stranger):
    sio.dump(stranger, saved / "M-0001" / "model.skops")
    with pytest.raises(StoreError):
        models.load(saved, "M-0001")


def test_a_file_that_names_code_is_refused_before_anything_is_built(saved):
    file = saved / "M-0001" / "model.skops"
    with zipfile.ZipFile(file) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["content"] = {
        "__class__": "system", "__module__": "os", "__loader__": "TypeNode", "content": "os.system", "__id__": 1,
    }  # fmt: skip
    parts["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    file.write_bytes(buffer.getvalue())
    with pytest.raises(StoreError, match=r"os\.system|cannot be read"):
        models.load(saved, "M-0001")


@pytest.mark.parametrize("cut", [0, 10, 400])
def test_a_broken_file_is_said_to_be_broken(saved, cut):
    file = saved / "M-0001" / "model.skops"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(StoreError, match="cannot be read"):
        models.load(saved, "M-0001")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has format 2"),
        ({"coefficients": np.zeros(3)}, "does not fit together"),
        ({"means": np.zeros(3)}, "does not fit together"),
        ({"coefficients": np.array([["x"]])}, "cannot be read"),
        ({"names": None}, "cannot be read"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(saved, detector, change, said):
    sio.dump({**models._content(detector), **change}, saved / "M-0001" / "model.skops")
    with pytest.raises(StoreError, match=said):
        models.load(saved, "M-0001")


def test_numbers_that_are_none_are_refused(saved, detector):
    broken = models.Detector(detector.scaler, np.full(len(detector.coefficients), np.nan))
    sio.dump(models._content(broken), saved / "M-0001" / "model.skops")
    with pytest.raises(StoreError, match="does not fit together"):
        models.load(saved, "M-0001")


@pytest.mark.parametrize("name", ["", "M-0009", "../M-0001", "..", ".draft", "M-0001/../M-0001", "a\\b"])
def test_ids_that_name_no_model(saved, name):
    with pytest.raises(UnknownTarget, match="there is no model"):
        models.load(saved, name)


def test_which_model_is_in_use(saved):
    assert models.promoted(saved) is None
    models.set_promoted(saved, "M-0001")
    assert models.promoted(saved) == "M-0001"
    models.set_promoted(saved, None)
    assert models.promoted(saved) is None
    assert sorted(p.name for p in saved.iterdir()) == ["M-0001", "PROMOTED"]
