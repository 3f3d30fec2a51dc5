"""Export of potentials as models of metatomic."""

import copy
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...data import EllipsoidData
from ...extras import import_metatomic_torch
from ...networks import Convolution
from ...potentials.compilation import graph_tensors
from ...potentials.configuration import cutoff_of
from .script import to_torchscript

_NAMES = ("pos", "cell", "edge_index", "edge_shifts", "types", "orientations", "semiaxes")


def export_metatomic(
    potential: torch.nn.Module,
    path: str | os.PathLike[str],
    example: EllipsoidData,
    *,
    length_unit: str,
    energy_unit: str,
) -> None:
    r"""Write a potential as a model of metatomic: a TorchScript file that needs no code of this package.

    The model computes ``energy`` and, if asked, ``anisoap_e3nn::torques`` of each particle about its centre,
    in the space frame. Forces and stress follow from metatomic's gradients. It requests two inputs of each
    particle, which :func:`metatomic_system` adds: ``ase::arrays::orientations``, quaternions (w, x, y, z)
    from body to space, and ``ase::arrays::semiaxes``. It consists of torch's own operators, so it is slower
    than the native kernels.

    Parameters
    ----------
    potential : Module
        From data to energies of the particles ``(N,)``, with a cutoff, such as a network of this package.
    path : str or PathLike
        File to write, ``.pt``.
    example : EllipsoidData
        A frame with three particles or more and some edges, in the dtype of the potential.
    length_unit, energy_unit : str
        Units of the potential, in metatomic's words, such as "angstrom" and "eV"; empty for reduced units.

    Raises
    ------
    ValueError
        If the potential has no cutoff or no list of types, the example has no edges, or the potential makes
        shapes of values: so far networks can be exported, not pair and many-body potentials.
    FileExistsError
        If the file exists.
    """
    metatomic = import_metatomic_torch()
    from .ellipsoid_model import EllipsoidModel  # which cannot be imported without metatomic

    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists already; remove it first, or write to another file")
    cutoff, types = cutoff_of(potential), _types_of(potential)
    if cutoff is None or types is None:
        raise ValueError(
            f"{type(potential).__name__} has the cutoff {cutoff} and the types {types}, expected both; add a "
            "part that has them to a StackedPotential"
        )
    tensors = graph_tensors(potential, example)
    if tensors["edge_index"].shape[1] == 0:
        raise ValueError("the example has no edges, expected particles within the cutoff")
    energies = EnergyOfTensors(copy.deepcopy(potential).eval().requires_grad_(False))
    others = graph_tensors(potential, _without_last_particle(example))
    with _without_warnings():
        script = to_torchscript(energies, _inputs(tensors), _inputs(others))
    outputs = {
        "energy": metatomic.ModelOutput(quantity="energy", unit=energy_unit, sample_kind="system"),
        "anisoap_e3nn::torques": metatomic.ModelOutput(quantity="", unit="", sample_kind="atom"),
    }
    capabilities = metatomic.ModelCapabilities(
        outputs=outputs,
        atomic_types=types,
        interaction_range=cutoff * _n_layers(potential),
        length_unit=length_unit,
        supported_devices=["cpu", "cuda"],
        dtype={torch.float32: "float32", torch.float64: "float64"}[example.pos.dtype],
    )
    module = EllipsoidModel(script, cutoff, length_unit).eval()
    with _without_warnings():
        model = metatomic.AtomisticModel(module, metatomic.ModelMetadata(), capabilities)
        model.save(str(path))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave out what TorchScript says about lists in the constructors of other projects' modules."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The TorchScript type system doesn't support")
        yield


class EnergyOfTensors(torch.nn.Module):
    """A potential as a function of tensors."""

    def __init__(self, potential: torch.nn.Module) -> None:
        super().__init__()
        self.potential = potential

    def forward(self, *tensors: Tensor) -> Tensor:
        """Energies ``(N,)`` of positions, cell, edge index and shifts, types, orientations and semi-axes."""
        fields = dict(zip(_NAMES, tensors, strict=True))
        data = _Attributes(fields | {"batch": torch.zeros_like(fields["types"])})
        energies: Tensor = self.potential(data)
        return energies


def _inputs(tensors: dict[str, Tensor]) -> list[Tensor]:
    return [tensors[name].detach() for name in _NAMES]


def _without_last_particle(data: EllipsoidData) -> EllipsoidData:
    return EllipsoidData(
        data.pos[:-1],
        data.orientations[:-1],
        data.semiaxes[:-1],
        data.types[:-1],
        data.cell,
        data.pbc,
    )


class _Attributes:
    def __init__(self, tensors: dict[str, Any]) -> None:
        self.__dict__.update(tensors)


def _types_of(potential: torch.nn.Module) -> list[int] | None:
    known: set[int] = set()
    for module in potential.modules():
        types: Any = getattr(module, "types", None)
        known.update(types if isinstance(types, list) else ())
    return sorted(known) or None


def _n_layers(potential: torch.nn.Module) -> int:
    """How many cutoffs away a particle can matter: the density, and each convolution."""
    return 1 + sum(isinstance(module, Convolution) for module in potential.modules())
