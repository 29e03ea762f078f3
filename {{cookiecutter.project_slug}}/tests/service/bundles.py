"""Other bundles than the trained one: valid ones with other answers, and damaged ones."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from flight_delay.bundle import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    canonical_json,
    open_session,
    run_session,
)
from flight_delay.encoding import encode_rows

Content = dict[str, Any]


def copy_of(bundle: Path) -> Path:
    """Copy a bundle to a folder whose name is not yet its version."""
    return shutil.copytree(bundle, bundle.parent / "unsealed")


def rewrite(path: Path, change: Callable[[Content], None]) -> None:
    """Change a JSON file in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_bytes(canonical_json(content))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(folder: Path) -> str:
    """Make hashes, version and name of a folder fit its files, as export would; give the version.

    What is wrong after this is something that no hash can show.
    """
    content = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    content.pop("version")
    content["files"] = {name: sha256(folder / name) for name in content["files"]}
    version = Manifest.model_validate(content).version
    (folder / MANIFEST_FILE).write_bytes(canonical_json(content | {"version": version}))
    folder.rename(folder.parent / version)
    return version


def sibling(bundle: Path, threshold: float, shift: float = 0.5) -> str:
    """Make a valid bundle that answers every row with a higher probability; give its version."""
    folder = copy_of(bundle)
    raise_probabilities(folder / MODEL_FILE, shift)
    session = open_session((folder / MODEL_FILE).read_bytes())

    def answer_again(golden: Content) -> None:
        rows = encode_rows(golden["rows"])
        golden["probabilities"] = run_session(session, rows).tolist()

    rewrite(folder / GOLDEN_FILE, answer_again)
    rewrite(folder / MANIFEST_FILE, lambda manifest: manifest.update(threshold=threshold))
    return seal(folder)


def fragile_sibling(bundle: Path, field: str, most: int) -> str:
    """Make a bundle that passes its checks and fails at every row with more of a field.

    Its model looks the value up in a table that is too short.
    """
    folder = copy_of(bundle)
    model = onnx.load(folder / MODEL_FILE)
    for node in model.graph.node:
        node.input[:] = [f"{field}_looked_up" if name == field else name for name in node.input]
    for name, values in (("table", np.zeros(most + 1, np.float32)), ("zero", np.float32(0))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))
    look_up = [
        onnx.helper.make_node("IsNaN", [field], ["absent"]),
        onnx.helper.make_node("Where", ["absent", "zero", field], ["given"]),
        onnx.helper.make_node("Cast", ["given"], ["index"], to=onnx.TensorProto.INT64),
        onnx.helper.make_node("Gather", ["table", "index"], ["nothing"]),
        onnx.helper.make_node("Add", [field, "nothing"], [f"{field}_looked_up"]),
    ]
    for node in reversed(look_up):
        model.graph.node.insert(0, node)
    onnx.save(model, folder / MODEL_FILE)
    return seal(folder)


def raise_probabilities(path: Path, shift: float) -> None:
    """Add to what the trees start from, in log-odds."""
    model = onnx.load(path)
    (trees,) = [node for node in model.graph.node if node.op_type.startswith("TreeEnsemble")]
    (base,) = [one for one in trees.attribute if one.name == "base_values"]
    base.floats[0] += shift
    onnx.save(model, path)
