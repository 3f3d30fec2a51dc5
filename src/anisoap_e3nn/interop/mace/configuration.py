"""Configurations of ``anisoap-e3nn mace-train``: MACE's, and a section of ours."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

_LOSSES = ("weighted", "stress")
_REFUSED = (
    "enable_cueq",
    "only_cueq",
    "enable_oeq",
    "foundation_model",
    "multiheads_finetuning",
    "lora",
    "embedding_specs",
)


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
    refused = [name for name in _REFUSED if content.get(name)]
    if refused:
        raise ValueError(
            f"{path}: found {', '.join(refused)}, which does not go with ellipsoids; leave it out"
        )
    for name, legal in (("model", ("ScaleShiftMACE",)), ("loss", _LOSSES)):
        if content.setdefault(name, legal[0]) not in legal:
            raise ValueError(
                f"{path}: {name} is {content[name]!r}, expected {' or '.join(legal)} for ellipsoids"
            )
    options = EllipsoidOptions(**section)
    content["embedding_specs"] = str(_array_specs(options.torques_weight > 0))
    return options, content


def _array_specs(torques: bool) -> dict[str, dict[str, Any]]:
    """MACE's way to say which arrays it shall read."""
    widths = {"orientations": 4, "semiaxes": 3} | ({"torques": 3} if torques else {})
    return {
        name: {"type": "continuous", "per": "atom", "in_dim": width, "emb_dim": 1}
        for name, width in widths.items()
    }
