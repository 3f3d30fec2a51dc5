"""From TensorMaps to e3nn's irreps, and what the rows and channels are."""

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
    r"""The blocks of a TensorMap as one tensor that turns with e3nn's ``irreps.D_from_matrix``.

    .. math::
        x^{e3nn}_{i\,c\,m} = \sum_{m'} (Q_l)_{mm'} \, x^{metatensor}_{i\,m'c}, \qquad p = \sigma (-1)^\lambda

    with :math:`Q_l` of :func:`to_e3nn_basis`. Key dimensions other than l and σ become dimensions of
    the samples (types of centres) or of the properties (types of neighbours, ``order_nu``, ``l_1``, …),
    as metatensor's own ``keys_to_samples`` and ``keys_to_properties`` do. Rows are then the samples of
    all blocks and the channels of an irrep all its properties, in the order that the blocks have if
    they agree, else in lexicographic order; entries that a block does not have are zero.
    :func:`e3nn_labels` tells the labels.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
        Keys with l as ``o3_lambda``, ``spherical_harmonics_l`` or ``angular_channel`` and σ as
        ``o3_sigma`` or ``inversion_sigma`` (1 if absent); components ``o3_mu``,
        ``spherical_harmonics_m`` or ``spherical_component_m``. Also scalars without components, and,
        in keys without l, vectors with a component ``xyz``.
    irreps : Irreps or str, optional
        Order of the irreps, ``1x0e+1x1o+1x0e+1x1o`` instead of ``2x0e+2x1o``: the channels of an irrep
        go to its entries one after another. Default: each irrep once, in e3nn's order.
    layout : {"mul_ir", "ir_mul"}
        Whether the 2l+1 components of a channel follow one another, as in e3nn, or the channels of a
        component, as cuEquivariance can have it.
    gradient : str, optional
        Convert not the values but their gradients with respect to this parameter.
    keys_to_samples, keys_to_properties : str or sequence of str
        Dimensions of the keys that move there, over what their names suggest. `keys_to_properties` may
        be Labels: then every value among them gets its channels, found in the blocks or not, so that
        all frames of a data set have the same irreps.

    Returns
    -------
    irreps : Irreps
    data : Tensor ``(samples, irreps.dim)``
        Of the dtype, device and autograd history of the blocks. Gradients are ``(gradient samples, ...,
        irreps.dim)`` with components such as xyz in the middle.

    Raises
    ------
    TypeError
        For something that is not a TensorMap, and values that are complex or integers.
    ValueError
        For names of keys or components that are not understood, a number of components that is not
        2l+1, irreps that do not have the TensorMap's channels, a gradient that is not there.

    Notes
    -----
    The output is the only large allocation. l = 0 and l = 1 are put in order and come back to the last
    bit, for higher l the round trip is exact to rounding. Values in float16 and bfloat16 turn in
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
    """What the rows and channels of :func:`metatensor_to_e3nn` are.

    Parameters
    ----------
    tensor_map : metatensor.TensorMap or metatensor.torch.TensorMap
    gradient : str, optional
        Tell the rows of the gradients with respect to this parameter; their ``sample`` is the row of
        the values.
    keys_to_samples, keys_to_properties
        As for :func:`metatensor_to_e3nn`.

    Returns
    -------
    samples : Labels
        One entry for each row.
    properties : dict from Irrep to Labels
        One entry for each channel. :func:`e3nn_to_metatensor` takes both.

    Raises
    ------
    TypeError, ValueError
        As :func:`metatensor_to_e3nn`.
    """
    alignment = Alignment.of(
        tensor_map, keys_to_samples=keys_to_samples, keys_to_properties=keys_to_properties
    )
    library, device = library_of(tensor_map, "TensorMap"), torch.device(str(tensor_map.device))
    rows = alignment.samples if gradient is None else alignment.gradients(gradient).samples

    def labels(table: LabelTable) -> Labels:
        return new_labels(library, table.names, table.values, device)

    return labels(rows), {ir: labels(table) for ir, table in alignment.properties.items()}
