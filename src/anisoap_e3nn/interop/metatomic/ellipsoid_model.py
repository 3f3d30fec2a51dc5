"""The module that metatomic calls, compiled by TorchScript."""

# mypy: ignore-errors
# TorchScript knows neither annotations without quotes of newer Python, nor comments about types

from typing import Dict, List, Optional

import torch
from torch import Tensor

from ...extras import import_metatensor_torch, import_metatomic_torch

_metatensor, _metatomic = import_metatensor_torch(), import_metatomic_torch()
Labels, TensorBlock, TensorMap = _metatensor.Labels, _metatensor.TensorBlock, _metatensor.TensorMap
ModelOutput, System = _metatomic.ModelOutput, _metatomic.System
NeighborListOptions = _metatomic.NeighborListOptions


class EllipsoidModel(torch.nn.Module):
    """What metatomic calls: systems to energies and torques. It is compiled by TorchScript.

    Parameters
    ----------
    energies : ScriptModule
        Traced :class:`EnergyOfTensors`.
    cutoff : float
        A length.
    length_unit : str
    """

    def __init__(self, energies: torch.nn.Module, cutoff: float, length_unit: str) -> None:
        super().__init__()
        self.energies = energies
        self.length_unit = length_unit
        self.neighbors = NeighborListOptions(cutoff=cutoff, full_list=True, strict=True)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [self.neighbors]

    def requested_inputs(self) -> Dict[str, ModelOutput]:
        return {
            "ase::arrays::orientations": ModelOutput(quantity="", unit="", sample_kind="atom"),
            "ase::arrays::semiaxes": ModelOutput(
                quantity="length", unit=self.length_unit, sample_kind="atom"
            ),
        }

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        if selected_atoms is not None:
            raise ValueError("selected_atoms was given, expected None: energies are of all atoms")
        energies: List[Tensor] = []
        torques: List[Tensor] = []
        rows: List[Tensor] = []
        for number, system in enumerate(systems):
            samples = system.get_neighbor_list(self.neighbors).samples
            centers = samples.column("first_atom").to(torch.int64)
            others = samples.column("second_atom").to(torch.int64)
            a_b_c = ["cell_shift_a", "cell_shift_b", "cell_shift_c"]
            shifts = torch.stack([samples.column(name) for name in a_b_c], dim=1)
            q = system.get_data("ase::arrays::orientations").block().values.reshape(-1, 4)
            q = q.detach().requires_grad_(True)
            a = system.get_data("ase::arrays::semiaxes").block().values.reshape(-1, 3)
            of_particles = self.energies(
                system.positions,
                system.cell[None],
                torch.stack([others, centers]),
                shifts.to(system.positions.dtype),
                system.types.to(torch.int64),
                q,
                a,
            )
            energies.append(of_particles.sum())
            if "anisoap_e3nn::torques" in outputs:
                ones: List[Optional[Tensor]] = [torch.ones_like(of_particles)]
                g = torch.autograd.grad([of_particles], [q], ones, retain_graph=True)[0]
                assert g is not None
                w, v, g_w, g_v = q[:, :1], q[:, 1:], g[:, :1], g[:, 1:]
                torque = -0.5 * (w * g_v - g_w * v + torch.linalg.cross(v, g_v))
                torques.append(torque.detach())
                particles = torch.arange(len(system), device=q.device)
                rows.append(torch.stack([torch.full_like(particles, number), particles], dim=1))
        device = energies[0].device
        keys = Labels("_", torch.zeros(1, 1, dtype=torch.int32, device=device))
        result: Dict[str, TensorMap] = {}
        if "energy" in outputs:
            numbers = torch.arange(len(energies), device=device).reshape(-1, 1)
            block = TensorBlock(
                values=torch.stack(energies).reshape(-1, 1),
                samples=Labels("system", numbers.to(torch.int32)),
                components=torch.jit.annotate(List[Labels], []),
                properties=Labels("energy", torch.zeros(1, 1, dtype=torch.int32, device=device)),
            )
            result["energy"] = TensorMap(keys, [block])
        if "anisoap_e3nn::torques" in outputs:
            axes = torch.arange(3, device=device, dtype=torch.int32).reshape(-1, 1)
            block = TensorBlock(
                values=torch.cat(torques).reshape(-1, 3, 1),
                samples=Labels(["system", "atom"], torch.cat(rows).to(torch.int32)),
                components=[Labels("xyz", axes)],
                properties=Labels("torques", torch.zeros(1, 1, dtype=torch.int32, device=device)),
            )
            result["anisoap_e3nn::torques"] = TensorMap(keys, [block])
        return result
