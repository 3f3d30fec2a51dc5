"""The command ``anisoap-e3nn coarse-grain``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from .input_frames import molecule_type, pbc_of
from .printing import print_text

if TYPE_CHECKING:
    from ..data.coarse_graining.template import Template


def add_coarse_grain(commands: Any) -> None:
    """Add the command and its options to the command line."""
    command = commands.add_parser(
        "coarse-grain",
        help="map a trajectory of atoms to ellipsoids",
        description="Map the molecules of a trajectory (formats of ASE; LAMMPS dumps with the column "
        "element or mass) to ellipsoids with forces and torques, and write them as extended XYZ. All "
        "molecules of a type have one shape, mass and inertia, from the first frame.",
    )
    command.set_defaults(run=coarse_grain)
    # fmt: off
    add = command.add_argument
    add("input", type=Path, metavar="INPUT", help="trajectory of atoms")
    add("-o", "--output", type=Path, required=True, metavar="OUT.xyz", help="output file")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    add("--shape", nargs="+", default=["van-der-waals"], metavar="SHAPE",
        help="semi-axes: van-der-waals (with the atoms' spheres), mass (of the mass distribution: flat "
        "molecules have no thickness), or TYPE:A,B,C for each type, longest extent first (van-der-waals)")
    add("--molecule-types", type=molecule_type, nargs="+", metavar="FORMULA=T",
        help="type of each molecular formula, if there are several")
    add("--beads", nargs="+", metavar="I,J,...",
        help="several ellipsoids a molecule: positions of their atoms in it, from 0")
    add("--pbc", nargs="+", metavar="T|F", help="which axes are periodic (default: as in the file)")
    # fmt: on


def coarse_grain(options: argparse.Namespace) -> None:
    """Map all frames of a trajectory and write them as extended XYZ."""
    from ..data import EllipsoidMapping, iterate_mapped
    from ..data.files.extended_xyz_file import ExtendedXYZFile
    from ..data.symmetric_tops import visible_torques

    mapping = EllipsoidMapping(
        _shape(options.shape),
        types=dict(options.molecule_types) if options.molecule_types else None,
        beads=_beads(options.beads),
        dtype=torch.float64,
    )
    total, visible, n_frames = 0.0, 0.0, 0
    with ExtendedXYZFile(options.output, options.overwrite) as output:
        frames = iterate_mapped(options.input, mapping, pbc_of(options.pbc))
        for data in tqdm(frames, desc="coarse-grain", unit="frame", disable=None):
            output.append(data)
            n_frames += 1
            if "torques" in data:
                total += float(data.torques.square().sum())
                visible += float(visible_torques(data.torques, data).square().sum())
        size = output.finish()
    lines = [f"wrote  {options.output}, {n_frames} frames, {size / 1e6:.3g} MB"]
    lines += [_described(template) for template in mapping.templates.values()]
    if visible < (1 - 1e-9) * total:
        lines.append(
            f"{1 - visible / total:.1%} of the squared torques act about axes of symmetry; no model of these "
            "shapes can explain them"
        )
    print_text("\n".join(lines))


def _described(template: "Template") -> str:
    def numbers(values: Any) -> str:
        return " ".join(f"{x:.4g}" for x in values)

    return (
        f"type {template.type}: {len(template.numbers)} atoms, semi-axes {numbers(template.semiaxes)} Å, "
        f"mass {template.mass:.5g} u, moments of inertia {numbers(template.moments)} u Å²"
    )


def _shape(words: list[str]) -> Any:
    if len(words) == 1 and ":" not in words[0]:
        return words[0]  # checked by the mapping
    shapes = {}
    for word in words:
        type_, _, lengths = word.partition(":")
        try:
            shapes[int(type_)] = [float(x) for x in lengths.split(",")]
        except ValueError:
            shapes[-1] = []
        if len(list(shapes.values())[-1]) != 3:
            raise ValueError(
                f"--shape is {' '.join(words)}, expected van-der-waals, mass, or TYPE:A,B,C for each type"
            )
    return shapes


def _beads(words: list[str] | None) -> list[list[int]] | None:
    if words is None:
        return None
    try:
        return [[int(x) for x in word.split(",")] for word in words]
    except ValueError:
        raise ValueError(
            f"--beads is {' '.join(words)}, expected positions of atoms for each bead, such as 0,1,6 2,3,7"
        ) from None
