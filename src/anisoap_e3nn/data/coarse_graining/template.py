"""Templates of molecules: what the ellipsoids of one type have in common in all frames."""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from ..files.stored_frame import Array

Shape = Literal["van-der-waals", "mass"]
SHAPES: tuple[str, ...] = get_args(Shape)

# semi-axes that differ by less are made equal: the molecule is a symmetric top
_SYMMETRY = 0.01
_ROUNDS = 5  # of superposing molecules on their mean


class Template(NamedTuple):
    """Rigid reference body of one type, in the frame of its principal axes of inertia."""

    type: int
    numbers: Array  # [atom], atomic numbers, in the order of every molecule of the type
    masses: Array  # [atom]
    positions: Array  # [atom, 3], mean, about the centre of mass; the longest axis first
    squares: Array  # [atom, 3], mean squares of the coordinates
    semiaxes: Array  # [3]

    @property
    def mass(self) -> float:
        return float(self.masses.sum())

    @property
    def moments(self) -> Array:
        """Mean principal moments of inertia ``(3,)`` of the atoms about the axes, not of the ellipsoid."""
        squares = self.masses @ self.squares  # -> [3]
        return np.asarray(squares.sum() - squares)


def make_template(type_: int, atoms: Any, molecules: Array, shape: Shape | Array) -> Template:
    r"""Average molecules of one type and choose their axes and semi-axes.

    Molecules are superposed on their mean, and the axes are the principal axes of the mean tensor of inertia,
    the longest extent first. The first atom off an axis is on its positive side. Semi-axes are, along these
    axes,

    .. math::
        a_k = \sqrt{5 \, G_{kk}}, \qquad
        G = \frac{\sum_i w_i (\langle r_i r_i^\top \rangle + s_i^2 / 5)}{\sum_i w_i}

    with means :math:`\langle \cdot \rangle` over the molecules. The mean of squares is not the square of the
    mean: where groups turn inside a molecule, its mean positions are too close to the axis.

    For the shape "mass" the weights are masses, and atoms points, :math:`s_i = 0`: the ellipsoid has the
    gyration tensor of the atoms, and flat molecules have no thickness. For "van-der-waals" atoms are solid
    spheres of van der Waals radius :math:`s_i`, with their volumes as weights: surfaces touch where molecules
    do.

    Parameters
    ----------
    type_ : int
    atoms : ase.Atoms
        Atoms of the first molecule: elements and masses.
    molecules : array ``(molecule, atom, 3)``
        Positions of the atoms of all molecules.
    shape : "van-der-waals", "mass" or array ``(3,)``
        Rule for the semi-axes, or the semi-axes themselves, for axes in the order above.

    Raises
    ------
    ValueError
        If an element has no van der Waals radius in ASE's table.
    """
    masses, numbers = atoms.get_masses(), atoms.numbers
    weights = masses / masses.sum()
    arms = molecules - np.einsum("a,mai->mi", weights, molecules)[:, None]  # -> [molecule, atom, 3]
    body = arms[0]  # -> [atom, 3]
    for _ in range(_ROUNDS):
        turned = np.einsum("mij,maj->mai", superpositions(arms, body, weights), arms)
        body = turned.mean(0)
    _, axes = np.linalg.eigh(np.einsum("a,mai,maj->ij", weights, turned, turned))
    axes = axes[:, ::-1]  # longest first
    size = np.abs(body).max(initial=0.0)
    for k in range(2):
        off_axis = np.flatnonzero(np.abs(body @ axes[:, k]) > 1e-3 * size)
        if len(off_axis) and body[off_axis[0]] @ axes[:, k] < 0:
            axes[:, k] *= -1
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    body, squares = body @ axes, ((turned @ axes) ** 2).mean(0)
    if isinstance(shape, str):
        semiaxes = _semiaxes(squares, numbers, weights, shape)
    else:
        semiaxes = np.asarray(shape, dtype=np.float64)
    return Template(type_, numbers, masses, body, squares, semiaxes)


def superpositions(molecules: Array, reference: Array, weights: Array) -> Array:
    r"""Rotations that superpose molecules on a reference (Kabsch).

    Parameters
    ----------
    molecules : array ``(molecule, atom, 3)``
        Positions :math:`x` about the centres.
    reference : array ``(atom, 3)``
        Positions :math:`y` about the centre.
    weights : array ``(atom,)``

    Returns
    -------
    array ``(molecule, 3, 3)``
        :math:`R` that minimises :math:`\sum_a w_a |R x_a - y_a|^2`.
    """
    correlations = np.einsum("a,ai,maj->mij", weights, reference, molecules)
    U, _, Vh = np.linalg.svd(correlations)
    signs = np.ones((len(molecules), 3))
    signs[:, 2] = np.linalg.det(U @ Vh)
    return np.asarray((U * signs[:, None]) @ Vh)


def _semiaxes(squares: Array, numbers: Array, weights: Array, shape: str) -> Array:
    radii = np.zeros(len(numbers))
    if shape == "van-der-waals":
        radii = _radii(numbers)
        weights = radii**3 / (radii**3).sum()
    semiaxes = np.sqrt(5 * weights @ squares + weights @ radii**2)  # -> [3]
    for i, j in ((0, 1), (1, 2)):
        mean = semiaxes[[i, j]].mean()
        if abs(semiaxes[i] - semiaxes[j]) < _SYMMETRY * mean:
            semiaxes[[i, j]] = mean
    return np.asarray(semiaxes)


def _radii(numbers: Array) -> Array:
    from ase.data import chemical_symbols, vdw_radii

    radii: Array = vdw_radii[numbers]
    if np.isnan(radii).any():
        symbol = chemical_symbols[numbers[np.isnan(radii)][0]]
        raise ValueError(
            f"found the element {symbol}, which has no van der Waals radius in ASE's table; give the "
            "semi-axes of the type, or the shape 'mass'"
        )
    return radii
