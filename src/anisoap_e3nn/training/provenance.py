"""What a checkpoint says of its origin."""

import dataclasses
from typing import Any

import torch


def provenance(settings: Any, frame: Any) -> dict[str, Any]:
    """Units, the shape and inertia of each type, and all settings.

    Parameters
    ----------
    settings : TrainingSettings or FitSettings
    frame : EllipsoidData
        A frame that was trained on.
    """
    shapes = {}
    for type_ in frame.types.unique().tolist():
        first = int((frame.types == type_).nonzero()[0])
        shapes[str(type_)] = {
            name: _numbers(frame[name][first])
            for name in ("semiaxes", "masses", "moments")
            if name in frame
        }
    return {"units": settings.units, "types": shapes, "settings": dataclasses.asdict(settings)}


def _numbers(values: torch.Tensor) -> Any:
    return values.double().tolist()
