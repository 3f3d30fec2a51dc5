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
    """AniSOAP's expansion of ellipsoids and its power spectrum, in AniSOAP's names.

    The results are those of AniSOAP, in NumPy's float64, with these exceptions, in which AniSOAP's
    are at fault or missing:

    - With several types of neighbours AniSOAP's values stand in another order than their labels say.
      Here every value stands at its labels, which have AniSOAP's order: by type, then by n.
    - There is a block for every type of centre and l, a sample for every particle and a property for
      every type and n, zero where there are no neighbours; AniSOAP leaves some of those out. So the rows
      of ``power_spectrum`` are the frames, whatever is in them, and always a matrix.
    - ``compute_gradients`` is not refused but gives gradients; frames may be periodic along some axes
      only; semi-axes may be zero. Particles without orientations are not turned (AniSOAP multiplies
      them by zero), with AniSOAP's warning.

    For training in PyTorch see :class:`anisoap_e3nn.AniSOAPEmbedding`, which this runs on.

    Parameters
    ----------
    max_angular : int
        The largest l.
    radial_basis_name : {"gto", "monomial"}
    cutoff_radius : float
        A length in the unit of the positions. An integer is refused.
    compute_gradients : bool
        Whether to add gradients with respect to the positions to every block: samples ``sample``,
        ``system`` and ``atom`` (the particle that moves), components ``xyz`` and then those of the block.
    subtract_center_contribution : bool
        Whether to leave out the density of the particle itself.
    radial_gaussian_width : float, optional
        Of "gto", a length. An integer is refused.
    max_radial : int or list of int, optional
        The largest n, for every l or one for each; by default coupled to l, (max_angular - l) // 2.
    rotation_key : str
        Which of the arrays of the frames holds the orientations.
    rotation_type : {"quaternion", "matrix"}
        Quaternions (w, x, y, z), or rotation matrices; body → space.
    basis_rcond : float
        Directions of the overlap of the radial functions with eigenvalues ≤ `basis_rcond` are dropped.
    basis_tol : float
        How far the overlap may lie from the one that its inverse square root stands for.
    device : str or torch.device, optional
        Where to compute, by default the CPU.

    Raises
    ------
    ValueError, NotImplementedError
        As AniSOAP raises them.

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
        # kept, since building one takes longer than running it over hundreds of frames
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
            With the arrays ``c_diameter[1]``, ``c_diameter[2]``, ``c_diameter[3]`` (twice the semi-axes)
            and that of the orientations.
        show_progress : bool
            Whether to show a progress bar.
        normalize : bool
            Whether the radial functions are normalised and orthonormalised.
        rust_moments : bool
            Not looked at: there is one engine here.

        Returns
        -------
        metatensor.TensorMap
            Keys ``types_center`` and ``angular_channel``; samples ``type`` (AniSOAP's name for the number
            of the frame) and ``center``; component ``spherical_component_m``; properties ``n`` and
            ``neighbor_types``. Harmonics are those of AniSOAP and metatensor, m = -l..l.

        Raises
        ------
        ValueError
            For frames without particles, and radial functions that cannot be orthonormalised to
            `basis_tol`.
        KeyError
            For frames without diameters.
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
            As in :meth:`transform`; orientations are called ``c_q``.
        mean_over_samples : bool
            Whether to average over the particles of each frame.
        show_progress, rust_moments : bool
            As in :meth:`transform`.

        Returns
        -------
        array ``(frame, feature)`` or metatensor.TensorMap
            The mean over the particles of each type (zero where a frame has none), the types one after
            another; or, with ``mean_over_samples=False``, what :func:`cg_combine` makes of the coefficients,
            by particle, with labels and gradients.

        Raises
        ------
        ValueError
            For frames without one of the arrays.
        """
        refuse_missing_arrays(frames)
        # of the mean no gradients are returned, and they would be the largest part of the work
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
            embedding.projection = MomentProjection(primitive, self.num_ns, len(types), 0.0)
        self._embeddings[normalize, tuple(types)] = embedding.to(self.device, torch.float64)
        return embedding
