"""AniSOAP's calculator."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...basis import MomentProjection
from ...nn import AniSOAPEmbedding
from .clebsch_gordan import ClebschGordanReal
from .expansion import expand
from .frames import particle_types, refuse_missing_arrays
from .products import cg_combine, frame_means, standardize_keys
from .radial_basis import PrimitiveBasis, RadialBasis


class EllipsoidalDensityProjection:
    """AniSOAP's calculator: expansion coefficients of the density of ellipsoids, and power spectra.

    Arguments, methods and labels have AniSOAP's names. The results are AniSOAP's, in NumPy's float64,
    except where AniSOAP has a fault or a gap:

    - AniSOAP mislabels its values if there are several types of neighbours. Here the values match the
      labels. The labels have AniSOAP's order: by type, then by n.
    - AniSOAP leaves out some blocks, samples and properties without neighbours. Here every type of centre
      and every l has a block, every particle a sample, and every type and n a property. Values without
      neighbours are zero. ``power_spectrum`` therefore always returns a matrix with a row for each frame.
    - AniSOAP refuses ``compute_gradients``. Here it gives gradients.
    - AniSOAP multiplies particles without orientations by zero. Here they are not rotated. The warning
      is AniSOAP's.
    - Frames may be periodic along some axes only, and semi-axes may be zero.

    ``radial_basis.get_basis(rs)`` evaluates the radial functions. For training in PyTorch use
    :class:`anisoap_e3nn.AniSOAPEmbedding`, the layer that this calculator runs.

    Parameters
    ----------
    max_angular : int
        Largest l.
    radial_basis_name : {"gto", "monomial"}
        Gaussian-type orbitals or monomials.
    cutoff_radius : float
        Cutoff, a length in the unit of the positions. An integer is refused.
    compute_gradients : bool
        Whether to add gradients with respect to the positions to every block. Their samples are
        ``sample``, ``system`` and ``atom`` (the particle that moves), their components ``xyz`` and then
        those of the block.
    subtract_center_contribution : bool
        Whether to leave out the density of the particle itself.
    radial_gaussian_width : float, optional
        Width of the Gaussian-type orbitals, a length; for "gto" only. An integer is refused.
    max_radial : int or list of int, optional
        Largest n, for every l or one for each. Default: (max_angular - l) // 2.
    rotation_key : str
        Name of the array of orientations in the frames.
    rotation_type : {"quaternion", "matrix"}
        Form of the orientations, which rotate from the body to space: quaternions (w, x, y, z) or
        rotation matrices.
    basis_rcond : float
        Threshold for the eigenvalues of the overlap matrix of the radial functions. Directions with
        eigenvalues ≤ `basis_rcond` are dropped.
    basis_tol : float
        Tolerance of the orthonormalisation: largest Frobenius norm of the overlap matrix minus the one
        recovered from its inverse square root.
    device : str or torch.device, optional
        Device to compute on. Default: the CPU.

    Raises
    ------
    ValueError, NotImplementedError
        Where AniSOAP raises them, in its words.

    Examples
    --------
    >>> import numpy as np
    >>> from ase import Atoms
    >>> frame = Atoms("X2", [[0, 0, 0], [0, 0, 3.0]])
    >>> frame.arrays["matrix"] = np.array([np.eye(3)] * 2)
    >>> for k, diameter in enumerate([3.0, 3.0, 1.0], start=1):
    ...     frame.arrays[f"c_diameter[{k}]"] = np.full(2, diameter)
    >>> calculator = EllipsoidalDensityProjection(
    ...     max_angular=2, radial_basis_name="gto", radial_gaussian_width=1.5, cutoff_radius=5.0,
    ...     rotation_key="matrix", rotation_type="matrix",
    ... )
    >>> features = calculator.transform([frame])
    >>> features.block(types_center=0, angular_channel=2).values.shape  # particle, m, n
    (2, 5, 1)
    """

    def __init__(
        self,
        max_angular: int,
        radial_basis_name: str,
        cutoff_radius: float,
        compute_gradients: bool = False,
        subtract_center_contribution: bool = False,
        radial_gaussian_width: float | None = None,
        max_radial: int | Sequence[int] | None = None,
        rotation_key: str = "quaternion",
        rotation_type: str = "quaternion",
        basis_rcond: float = 0,
        basis_tol: float = 1e-8,
        device: str | torch.device | None = None,
    ) -> None:
        self.max_angular = max_angular
        self.cutoff_radius = cutoff_radius
        self.compute_gradients = compute_gradients
        self.subtract_center_contribution = subtract_center_contribution
        self.radial_basis_name = radial_basis_name
        self.radial_gaussian_width = radial_gaussian_width
        self.radial_basis = RadialBasis(
            radial_basis_name,
            max_angular,
            cutoff_radius,
            radial_gaussian_width,
            max_radial,
            basis_rcond,
            basis_tol,
        )
        self.num_ns = self.radial_basis.get_num_radial_functions()
        if rotation_type not in ("quaternion", "matrix"):
            raise ValueError(
                "We have only implemented transforming quaternions (`quaternion`) and rotation "
                "matrices (`matrix`)."
            )
        if rotation_type == "quaternion":
            warnings.warn(
                "In quaternion mode, quaternions are assumed to be in (w,x,y,z) format.",
                stacklevel=2,
            )
        self.rotation_key = rotation_key
        self.rotation_type = rotation_type
        self.device = torch.device(device or "cpu")
        # kept, since building a layer takes longer than running it over hundreds of frames
        self._embeddings: dict[tuple[bool, tuple[int, ...]], AniSOAPEmbedding] = {}

    def transform(
        self,
        frames: Sequence[Any],
        show_progress: bool = False,
        normalize: bool = True,
        rust_moments: bool = True,
    ) -> Any:
        """Expansion coefficients of all particles.

        Parameters
        ----------
        frames : sequence of ase.Atoms
            Frames with the arrays ``c_diameter[1]``, ``c_diameter[2]``, ``c_diameter[3]`` (twice the
            semi-axes) and the array of orientations.
        show_progress : bool
            Whether to show a progress bar.
        normalize : bool
            Whether to normalise and orthonormalise the radial functions.
        rust_moments : bool
            Ignored; here for AniSOAP's scripts.

        Returns
        -------
        metatensor.TensorMap
            Keys ``types_center`` and ``angular_channel``; samples ``type`` (AniSOAP's name for the index
            of the frame) and ``center``; component ``spherical_component_m``; properties ``n`` and
            ``neighbor_types``. The real harmonics are those of AniSOAP and metatensor, m = -l..l.

        Raises
        ------
        TypeError
            If `frames` is a single ase.Atoms.
        ValueError
            If there are no particles, or if the radial functions cannot be orthonormalised to
            `basis_tol`.
        KeyError
            If a frame has no diameters.
        """
        return self._transform(frames, show_progress, normalize, self.compute_gradients)

    def power_spectrum(
        self,
        frames: Sequence[Any],
        mean_over_samples: bool = True,
        show_progress: bool = False,
        rust_moments: bool = True,
    ) -> Any:
        r"""Invariants :math:`(-1)^l / \sqrt{2l+1} \, \sum_m c_{nlm} c_{n'lm}` of all particles.

        Parameters
        ----------
        frames : sequence of ase.Atoms
            As for :meth:`transform`; every frame needs an array ``c_q``.
        mean_over_samples : bool
            Whether to average over the particles of each frame.
        show_progress, rust_moments : bool
            As for :meth:`transform`.

        Returns
        -------
        array ``(frame, feature)`` or metatensor.TensorMap
            Means over the particles of each type, the types one after another, and zero for types that a
            frame lacks. With ``mean_over_samples=False`` the invariants of each particle, with labels and
            gradients, from :func:`cg_combine`.

        Raises
        ------
        ValueError
            If a frame lacks one of the arrays, and as for :meth:`transform`.
        """
        refuse_missing_arrays(frames)
        # means have no gradients, which would be the largest part of the work
        compute_gradients = self.compute_gradients and not mean_over_samples
        coefficients = standardize_keys(
            self._transform(frames, show_progress, True, compute_gradients)
        )
        spectrum = cg_combine(
            coefficients,
            coefficients,
            clebsch_gordan=ClebschGordanReal(self.max_angular),
            lcut=0,
            other_keys_match=["types_center"],
        )
        if not mean_over_samples:
            return spectrum
        return np.hstack([frame_means(block, len(frames)) for block in spectrum.blocks()])

    def _transform(
        self, frames: Sequence[Any], show_progress: bool, normalize: bool, compute_gradients: bool
    ) -> Any:
        types = particle_types(frames)
        if normalize:
            self.radial_basis.refuse_imprecision()
        embedding = self._embedding(types, normalize)
        orientations = self.rotation_key, self.rotation_type
        expansion = expand(frames, embedding, *orientations, compute_gradients, show_progress)
        return expansion.tensor_map(types, self.num_ns)

    def _embedding(self, types: list[int], normalize: bool) -> AniSOAPEmbedding:
        if (normalize, tuple(types)) in self._embeddings:
            return self._embeddings[normalize, tuple(types)]
        embedding = AniSOAPEmbedding(
            types=types,
            cutoff=self.cutoff_radius,
            max_angular=self.max_angular,
            max_radial=[count - 1 for count in self.num_ns],
            radial_basis=self.radial_basis_name,
            radial_gaussian_width=self.radial_gaussian_width,
            rcond=self.radial_basis.rcond,
            include_self=not self.subtract_center_contribution,
        )
        if not normalize:
            primitive = PrimitiveBasis(embedding.basis.exponent)
            embedding.projection = MomentProjection(
                primitive, self.num_ns, len(types), 0.0, embedding.moments.units
            )
        self._embeddings[normalize, tuple(types)] = embedding.to(self.device, torch.float64)
        return embedding
