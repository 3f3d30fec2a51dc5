"""Configurations of ``anisoap-e3nn mace-train``: MACE's, and a section of ours."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from ..ellipsoid_features import refuse_unknown_hyperparameters

_LOSSES = ("weighted", "stress")
_REFUSED = (
    "enable_cueq",
    "only_cueq",
    "enable_oeq",
    "foundation_model",
    "multiheads_finetuning",
    "lora",
)
_OF_ELLIPSOIDS = {"model": "ScaleShiftMACE", "loss": _LOSSES[0]}
_NOT_OF_ELLIPSOIDS = "which does not go with ellipsoids; leave it out"


@dataclass
class EllipsoidOptions:
    """The section ``anisoap`` of a configuration; see :func:`train`."""

    node_embedding: str = "anisoap"
    embedding: dict[str, Any] = field(default_factory=dict)
    edge_orientations: bool = True
    torques_weight: float = 1.0


def split_configuration(path: Path) -> tuple[EllipsoidOptions, dict[str, Any]]:
    """Read a configuration, and split our section from MACE's options.

    MACE's options are completed by those that let it read the arrays of ellipsoids.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If an option is unknown, or does not go with ellipsoids.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected options of mace_run_train, one `name: value` a line")
    section = content.pop("anisoap", None) or {}
    known = [each.name for each in fields(EllipsoidOptions)]
    unknown = sorted(set(section) - set(known))
    if unknown:
        raise ValueError(
            f"{path}: found {', '.join(unknown)} in the section anisoap, expected some of {', '.join(known)}"
        )
    options = EllipsoidOptions(**section)
    refuse_unknown_hyperparameters(options.embedding)
    if options.node_embedding == "shape" and options.embedding:
        raise ValueError(
            f"{path}: found node_embedding: shape with the hyperparameters {sorted(options.embedding)} of a "
            "density, expected one of the two; leave embedding out"
        )
    if content.get("embedding_specs"):
        raise ValueError(f"{path}: found embedding_specs, {_NOT_OF_ELLIPSOIDS}")
    content["embedding_specs"] = str(_array_specs(options.torques_weight > 0))
    return options, _OF_ELLIPSOIDS | content


def refuse_options(args: Namespace, defaults: Mapping[str, Any]) -> None:
    """Refuse options of ``mace_run_train`` that do not go with ellipsoids, from wherever they come.

    Parameters
    ----------
    args : Namespace
        Options as MACE has parsed them.
    defaults : mapping
        MACE's defaults.

    Raises
    ------
    ValueError
        The message names the option.
    """
    for name in _REFUSED:
        value = getattr(args, name, None)
        if value and value != defaults.get(name):
            raise ValueError(f"found {name}={value}, {_NOT_OF_ELLIPSOIDS}")
    for name, legal in (("model", ("ScaleShiftMACE",)), ("loss", _LOSSES)):
        if getattr(args, name) not in legal:
            raise ValueError(
                f"{name} is {getattr(args, name)!r}, expected {' or '.join(legal)} for ellipsoids"
            )


def _array_specs(torques: bool) -> dict[str, dict[str, Any]]:
    """MACE's way to say which arrays it shall read."""
    widths = {"orientations": 4, "semiaxes": 3} | ({"torques": 3} if torques else {})
    return {
        name: {"type": "continuous", "per": "atom", "in_dim": width, "emb_dim": 1}
        for name, width in widths.items()
    }
