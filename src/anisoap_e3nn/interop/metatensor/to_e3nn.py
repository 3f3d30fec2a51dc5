"""From TensorMaps to tensors in e3nn's irreps, and the labels of rows and channels."""

from collections.abc import Sequence

import torch
from e3nn.o3 import Irrep, Irreps
from torch import Tensor

from .alignment import Alignment, LabelTable
from .maps import Labels, TensorMap, library_of, new_labels, tensor_of
from .rearrangement import Layout


def metatensor_to_e3nn(
    tensor_map: TensorMap,
    *,
    irreps: Irreps | str | None = None,
    layout: Layout = "mul_ir",
    gradient: str | None = None,
    keys_to_samples: str | Sequence[str] = (),
    keys_to_properties: str | Sequence[str] | Labels = (),
) -> tuple[Irreps, Tensor]:
    r"""Convert a TensorMap to one tensor in e3nn's irreps.

    The tensor rotates with e3nn's ``irreps.D_from_matrix``. Its values are

    .. math::
        x^{e3nn}_{i\,c\,m} = \sum_{m'} (Q_l)_{mm'} \, x^{metatensor}_{i\,m'c}, \qquad p = \sigma (-1)^\lambda

    where :math:`Q_l` is :func:`to_e3nn_basis`. Dimensions of the keys other than l and σ move to the
    samples (types of centres) or to the properties (types of neighbours, ``order_nu``, ``l_1``, …), as
    with metatensor's own ``keys_to_samples`` and ``keys_to_properties``. Rows are the samples of all
    blocks, and channels of an irrep are the properties of all its blocks. Both keep the order of the
    blocks if that is the same in all, and otherwise are in lexicographic order. Entries that a block lacks
    are zero. :func:`e3nn_labels` gives the labels of rows and channels.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
        TensorMap with l in a key ``o3_lambda``, ``spherical_harmonics_l`` or ``angular_channel``, with σ
        in a key ``o3_sigma`` or ``inversion_sigma`` (1 if absent), and with components ``o3_mu``,
        ``spherical_harmonics_m`` or ``spherical_component_m``. Scalars need no components. In keys without
        l, vectors may have a component ``xyz``.
    irreps : Irreps or str, optional
        Order of the irreps, such as ``1x0e+1x1o+1x0e+1x1o`` instead of ``2x0e+2x1o``. The channels of an
        irrep fill its entries one after another. Default: each irrep once, in e3nn's order.
    layout : {"mul_ir", "ir_mul"}
        Order within an entry of the irreps. "mul_ir", e3nn's: the 2l+1 components of a channel are
        adjacent. "ir_mul", an option of cuEquivariance: the channels of a component are adjacent.
    gradient : str, optional
        Parameter whose gradients to convert, in place of the values.
    keys_to_samples, keys_to_properties : str or sequence of str
        Dimensions of the keys to move to the samples or the properties, whatever their names suggest.
        `keys_to_properties` may be Labels: then every entry of them has channels, whether or not a
        block has it. All frames of a data set thus get the same irreps.

    Returns
    -------
    irreps : Irreps
    data : Tensor ``(samples, irreps.dim)``
        Values, with the dtype, device and autograd history of the blocks. Gradients are
        ``(gradient samples, ..., irreps.dim)``, with components such as xyz in the middle.

    Raises
    ------
    TypeError
        If `tensor_map` is not a TensorMap, or its values are complex or integers.
    ValueError
        If a name of a key or component is unknown, if the number of components is not 2l+1, if `irreps`
        are not those of the TensorMap, or if there is no such gradient.

    Notes
    -----
    The output is the only large allocation. A round trip is exact to the last bit for l = 0 and l = 1, which
    are only reordered, and exact to rounding for higher l. Values in float16 and bfloat16 are converted in
    float32.

    Examples
    --------
    >>> import numpy as np
    >>> from metatensor import Labels, TensorBlock, TensorMap
    >>> block = TensorBlock(
    ...     np.array([[[2.0], [3.0], [1.0]]]),  # y, z, x
    ...     Labels.range("atom", 1), [Labels("o3_mu", np.array([[-1], [0], [1]]))], Labels.range("n", 1),
    ... )
    >>> tensor_map = TensorMap(Labels(["o3_lambda", "o3_sigma"], np.array([[1, 1]])), [block])
    >>> irreps, data = metatensor_to_e3nn(tensor_map)
    >>> print(irreps, data)
    1x1o tensor([[1., 2., 3.]], dtype=torch.float64)
    """
    alignment = Alignment.of(tensor_map, irreps, layout, keys_to_samples, keys_to_properties)
    if gradient is None:
        values = [tensor_of(block) for block in alignment.blocks]
        return alignment.irreps, alignment.rearrangement.to_e3nn(values)
    found = alignment.gradients(gradient)
    data = found.rearrangement.to_e3nn([tensor_of(block) for block in found.blocks])
    return alignment.irreps, data.reshape(found.shape)


def e3nn_labels(
    tensor_map: TensorMap,
    *,
    gradient: str | None = None,
    keys_to_samples: str | Sequence[str] = (),
    keys_to_properties: str | Sequence[str] | Labels = (),
) -> tuple[Labels, dict[Irrep, Labels]]:
    """Labels of the rows and channels of :func:`metatensor_to_e3nn`.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
        As for :func:`metatensor_to_e3nn`.
    gradient : str, optional
        Parameter whose gradients have the rows. Their ``sample`` is the row of the values.
    keys_to_samples, keys_to_properties
        As for :func:`metatensor_to_e3nn`.

    Returns
    -------
    samples : Labels
        Labels of the rows.
    properties : dict from Irrep to Labels
        Labels of the channels. :func:`e3nn_to_metatensor` takes both.

    Raises
    ------
    TypeError, ValueError
        As for :func:`metatensor_to_e3nn`.
    """
    alignment = Alignment.of(
        tensor_map, keys_to_samples=keys_to_samples, keys_to_properties=keys_to_properties
    )
    library, device = library_of(tensor_map, "TensorMap"), torch.device(str(tensor_map.device))
    rows = alignment.samples if gradient is None else alignment.gradients(gradient).samples

    def labels(table: LabelTable) -> Labels:
        return new_labels(library, table.names, table.values, device)

    return labels(rows), {ir: labels(table) for ir, table in alignment.properties.items()}
