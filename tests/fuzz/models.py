"""Damaged checkpoints: the model that was saved, or a ValueError that names the file."""

import io
import json
import random
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch

from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    load_model,
    save_model,
)

from .case import Case, place_of
from .damage import OF_BYTES
from .odd_values import odd_value

OLD = Path(__file__).parents[1] / "reference_data" / "models_0_1_0"


@cache
def originals() -> dict[str, bytes]:
    """Intact checkpoints by name."""
    models = {
        "pair": PairPotential([0, 1], 3.0, 3, 1),
        "many-body": ManyBodyPotential([0], 3.0, 2, hidden=[3]),
        "nequip": NequIPStylePotential([0], 3.0, "2x0e", max_angular=1, radial_layers=[3]),
        "stack": StackedPotential([OneBodyPotential([0, 1]), PairPotential([0, 1], 3.0, 2, 1)]),
    }
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            save_model(model, Path(folder) / name)
            files[name] = (Path(folder) / name).read_bytes()
    return files | {path.stem: path.read_bytes() for path in sorted(OLD.glob("*.pt"))}


def damaged_model(choose: random.Random) -> Case:
    """Damage one checkpoint, and load it."""
    name = choose.choice(list(originals()))
    file = originals()[name]
    if choose.random() < 0.5:
        damage = choose.choice(OF_BYTES)
        what, file = damage.__name__, damage(file, choose)
        intact = contents_of(originals()[name])["state"]
    else:
        contents = contents_of(file)
        what = _change(contents, choose)
        intact = contents.get("state")
        buffer = io.BytesIO()
        torch.save(contents, buffer)
        file = buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        path.write_bytes(file)
        return Case(f"{name} ({what})", *_loaded(path, intact))


def contents_of(file: bytes) -> dict[str, Any]:
    contents: dict[str, Any] = torch.load(io.BytesIO(file), weights_only=True)
    return contents


def _change(contents: dict[str, Any], choose: random.Random) -> str:
    """Change one entry, so that checksums are right and contents are not."""
    key = choose.choice(list(contents))
    kind = choose.randrange(4)
    if kind == 0:
        del contents[key]
        return f"without {key}"
    if kind == 1:
        contents[key] = choose.choice([None, 3, "x", [], {}, torch.ones(2), "[" * 10_000, 10**30])
        return f"{key} of another kind"
    if kind == 2:
        contents["model"] = _other_json(contents["model"], choose)
        return "another description"
    name = choose.choice(list(contents["state"]))
    value = odd_value(contents["state"][name], choose)
    plain = None | int | float | str | list | dict | torch.Tensor
    contents["state"][name] = value if isinstance(value, plain) else None
    if _holds_others(contents["state"][name]):
        contents["state"][name] = None
    return f"another {name}"


def _holds_others(value: Any) -> bool:
    """Whether weights_only would refuse to load it; then nothing of ours is tried."""
    try:
        buffer = io.BytesIO()
        torch.save(value, buffer)
        torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    except Exception:
        return True
    return isinstance(value, torch.Tensor) and (value.is_meta or value.is_sparse)


def _other_json(text: str, choose: random.Random) -> str:
    """A description with one odd value somewhere."""
    description = json.loads(text)
    node = description
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = choose.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and choose.random() < 0.7:
            node = node[key]
            continue
        node[key] = choose.choice(
            [
                None,
                -1,
                0,
                2.5,
                1e300,
                10**12,
                "x",
                "torch.nn.Linear",
                "os.system",
                [],
                {},
                [1, 2],
                True,
            ]
        )
        return json.dumps(description)


def _loaded(path: Path, intact: Any) -> tuple[str, str | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = load_model(path).state_dict()
    except ValueError as error:
        named = str(path) in str(error) and "\n" not in str(error)
        return "ValueError", None if named else f"not in one line with the path: {place_of(error)}"
    except Exception as error:
        return type(error).__name__, place_of(error)
    weights = {name: x for name, x in intact.items() if not name.endswith("_extra_state")}
    same = all(_same(x, state[name]) for name, x in weights.items())
    return "result", None if same else "a model with other weights"


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether all bits are the same, so that NaN equals NaN."""
    return (
        a.dtype == b.dtype and a.shape == b.shape and bool(torch.eq(a, b).logical_or(a != a).all())
    )
