"""Turn molecules into ellipsoids, and ellipsoids into e3nn irreps that rotate correctly.

The molecules are those of the S22x5 set in ASE: 22 pairs of molecules at five distances each.

    python examples/quickstart.py --complex Benzene_dimer_T-shaped --max-angular 4
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.data.s22 import (
    create_s22_system,
    get_interaction_energy_s22x5,
    get_number_of_dimer_atoms,
    s22,
)
from e3nn import o3
from matplotlib import pyplot as plt
from mpl_toolkits.mplot3d import Axes3D
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.data import coarse_grain
from anisoap_e3nn.geometry import rotation_matrices

DISTANCES = (0.9, 1.0, 1.2, 1.5, 2.0)  # relative to equilibrium


def read_dimer(name: str, distance: float) -> tuple[Atoms, list[range]]:
    """Atoms of a pair of molecules, and the indices of each molecule's atoms."""
    full_name = f"{name}_{distance}"
    first, second = get_number_of_dimer_atoms(full_name)
    return create_s22_system(full_name), [range(first), range(first, first + second)]


def rotated(data: EllipsoidData, R: torch.Tensor) -> EllipsoidData:
    return EllipsoidData(
        pos=data.pos @ R.T,
        orientations=R @ rotation_matrices(data.orientations),
        semiaxes=data.semiaxes,
        types=data.types,
    )


def draw_dimer(axes: Axes3D, atoms: Atoms, data: EllipsoidData) -> None:
    """Draw atoms, bonds and ellipsoids, seen along the axes of the first ellipsoid."""
    rotations = rotation_matrices(data.orientations).numpy()
    view = rotations[0].T
    positions, radii = atoms.positions @ view.T, covalent_radii[atoms.numbers]
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    for i, j in np.argwhere(np.triu(distances < 1.2 * (radii[:, None] + radii[None]), k=1)):
        axes.plot(*positions[[i, j]].T, color="0.4", linewidth=1.5)
    colors = jmol_colors[atoms.numbers]
    axes.scatter(*positions.T, s=350 * radii**2, c=colors, edgecolors="0.3", depthshade=False)
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 60), np.linspace(0, np.pi, 30))
    sphere = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)])  # -> [3, 30, 60]
    for center, R, a in zip(data.pos.numpy(), rotations, data.semiaxes.numpy(), strict=True):
        surface = np.einsum("kl,luv->kuv", view @ R * a, sphere) + (view @ center)[:, None, None]
        axes.plot_surface(*surface, color="tab:blue", alpha=0.3, linewidth=0)
    limits = np.array([axes.get_xlim(), axes.get_ylim(), axes.get_zlim()])
    axes.set_box_aspect(np.ptp(limits, axis=1), zoom=1.2)
    axes.view_init(elev=24, azim=-65)
    axes.set_axis_off()


def along_the_way(frames: list[EllipsoidData], steps: int) -> list[EllipsoidData]:
    """Rigid molecules at interpolated distances."""
    positions = np.stack([data.pos.numpy() for data in frames]).reshape(len(frames), -1)
    at = np.linspace(0, len(frames) - 1, steps)
    columns = [np.interp(at, np.arange(len(frames)), column) for column in positions.T]
    path = []
    for pos in np.stack(columns, axis=1).reshape(steps, *frames[0].pos.shape):
        data = frames[0].clone()
        data.pos = torch.from_numpy(pos)
        path.append(data)
    return path


def draw_curves(
    panels: list[plt.Axes], name: str, frames: list[EllipsoidData], embedding: AniSOAPEmbedding
) -> None:
    """Draw the coefficients of one molecule and the interaction energy against the distance."""

    def separations(path: list[EllipsoidData]) -> list[float]:
        return [float((data.pos[1] - data.pos[0]).norm()) for data in path]

    irreps = embedding.irreps_out
    for path, style in ((frames, "o"), (along_the_way(frames, 200), "-")):
        features = torch.stack([embedding(data)[0] for data in path])  # -> [frame, irreps_out.dim]
        for (_, ir), where in zip(irreps, irreps.slices(), strict=True):
            color = plt.cm.viridis(ir.l / len(irreps))
            label = str(ir) if style == "-" else None
            panels[0].plot(
                separations(path), features[:, where].norm(dim=1), style, color=color, label=label
            )
    panels[0].set(title="What one molecule sees of the other", ylabel="norm of the coefficients")
    panels[0].legend(title="irrep", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    energies = [get_interaction_energy_s22x5(f"{name}_{distance}") for distance in DISTANCES]
    panels[1].plot(separations(frames), 1000 * np.array(energies), "o-", color="tab:red")
    panels[1].axhline(0, color="0.7", linewidth=0.8)
    panels[1].set(title="Their interaction (S22x5, coupled cluster)", ylabel="energy (meV)")
    for panel in panels:
        panel.set(xlabel="distance of the centres of mass (Å)")
        panel.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--complex",
        default="Benzene_dimer_parallel_displaced",
        choices=s22,
        metavar="NAME",
        help="pair of molecules of the S22 set (default: %(default)s)",
    )
    parser.add_argument("--max-angular", type=int, default=6)
    parser.add_argument("--cutoff", type=float, default=12.0, help="in Å (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("quickstart.png"), help="the figure")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing figure")
    arguments = parser.parse_args()
    if arguments.output.exists() and not arguments.overwrite:
        parser.error(f"{arguments.output} exists; use --overwrite, or give another --output")
    torch.set_default_dtype(torch.float64)  # e3nn computes its D matrices in the default dtype
    torch.manual_seed(0)

    # 1. Molecules become ellipsoids: centre of mass, principal axes, semi-axes.
    dimers = {
        (name, distance): read_dimer(name, distance) for name in s22 for distance in DISTANCES
    }
    formulas = sorted(
        {
            atoms[list(group)].get_chemical_formula()
            for atoms, groups in dimers.values()
            for group in groups
        }
    )
    types = {formula: number for number, formula in enumerate(formulas)}
    frames = {
        key: coarse_grain(atoms, groups, types=types) for key, (atoms, groups) in dimers.items()
    }
    print(f"{len(frames)} dimers of {len(types)} different molecules: {', '.join(types)}")

    # 2. Ellipsoids become irreps.
    embedding = AniSOAPEmbedding(
        types=list(types.values()),
        cutoff=arguments.cutoff,
        max_angular=arguments.max_angular,
        radial_gaussian_width=2.0,
        cutoff_function="polynomial",  # molecules fade smoothly at the cutoff
    )
    batch = next(iter(DataLoader(list(frames.values()), batch_size=len(frames))))
    x = embedding(batch)
    print(f"{len(x)} ellipsoids → {embedding.irreps_out}")

    # 3. Irreps rotate by e3nn's D matrices.
    R = o3.rand_matrix()
    turned = embedding(Batch.from_data_list([rotated(data, R) for data in frames.values()]))
    expected = x @ embedding.irreps_out.D_from_matrix(R).T
    error = (turned - expected).abs().max() / expected.abs().max()
    print(f"equivariance error, rotated molecules against rotated features: {error:.1e} (relative)")

    # 4. Figure: one dimer, and its coefficients against the distance of the molecules.
    name = arguments.complex
    figure = plt.figure(figsize=(14, 4.3), layout="constrained")
    grid = figure.add_gridspec(1, 3, width_ratios=[1.2, 1, 1])
    scene = figure.add_subplot(grid[0], projection="3d")
    draw_dimer(scene, dimers[name, 1.0][0], frames[name, 1.0])
    scene.set_title(name.replace("_", " ") + ", coarse-grained")
    neighbors_only = AniSOAPEmbedding(**(embedding.hyperparameters | {"include_self": False}))
    panels = [figure.add_subplot(grid[k]) for k in (1, 2)]
    draw_curves(panels, name, [frames[name, distance] for distance in DISTANCES], neighbors_only)
    figure.savefig(arguments.output, dpi=150)
    print(f"figure: {arguments.output}")


if __name__ == "__main__":
    main()
