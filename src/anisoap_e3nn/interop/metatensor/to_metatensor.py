"""From tensors in e3nn's irreps to TensorMaps."""

from collections.abc import Mapping, Sequence

import numpy as np
from e3nn.o3 import Irrep, Irreps
from torch import Tensor

from ...extras import import_metatensor
from .alignment import Alignment
from .maps import Labels, TensorMap, check_real, library_of, new_labels, on_device, with_values
from .rearrangement import Layout, Place, Rearrangement, channel_positions
from .tables import Table


def e3nn_to_metatensor(
    irreps: Irreps | str,
    data: Tensor,
    *,
    like: TensorMap | None = None,
    samples: Labels | None = None,
    properties: Labels | Mapping[Irrep | str, Labels] | None = None,
    gradients: Mapping[str, Tensor] | None = None,
    layout: Layout = "mul_ir",
    keys_to_samples: str | Sequence[str] = (),
    keys_to_properties: str | Sequence[str] | Labels = (),
) -> TensorMap:
    r"""Convert a tensor in e3nn's irreps to a TensorMap: the inverse of :func:`metatensor_to_e3nn`.

    Parameters
    ----------
    irreps : Irreps or str
    data : Tensor ``(samples, irreps.dim)``
        Values in these irreps.
    like : TensorMap, optional
        TensorMap whose library, keys, labels, blocks and info the result takes over. Entries of `data` that
        its blocks lack are left out. Pass the arguments that `metatensor_to_e3nn` was called with.
    samples : Labels, optional
        Labels of the rows; only without `like`. Default: ``sample`` from 0.
    properties : Labels or mapping from irreps to Labels, optional
        Labels of the channels, the same for all irreps or one for each; only without `like`. If `irreps`
        has an irrep several times, its channels follow one another. Default: ``channel`` from 0.
    gradients : mapping from str to Tensor, optional
        Gradients by parameter, as from `metatensor_to_e3nn`; only with `like`.
    layout, keys_to_samples, keys_to_properties
        As for :func:`metatensor_to_e3nn`; the keys only with `like`.

    Returns
    -------
    metatensor.TensorMap or metatensor.torch.TensorMap
        TensorMap of the library of `like`, else of the labels, else of ``metatensor``. Values have the
        dtype, device and autograd history of `data`. They are NumPy arrays if those of `like` are and
        `data` is on the CPU without autograd history, and otherwise tensors. Without `like` there is one
        block for each irrep, with keys ``o3_lambda`` and ``o3_sigma`` and components ``o3_mu``.

    Raises
    ------
    TypeError
        If `data` or gradients are not real floating-point tensors, or labels are not Labels of one library.
    ValueError
        If shapes, irreps and labels do not fit one another, if gradients differ from `data` in dtype or
        device, or if an argument does not go with `like`.

    Examples
    --------
    >>> import torch
    >>> tensor_map = e3nn_to_metatensor("1x0e+2x1o", torch.ones(4, 7))
    >>> print(tensor_map)
    TensorMap with 2 blocks
        keys: [o3_lambda, o3_sigma]
        blocks:
           0  1   => TensorBlock with shape (4, 1, 1)
           1  1   => TensorBlock with shape (4, 3, 2)
    """
    irreps = Irreps(irreps)
    _check(data, "data")
    if data.dim() != 2 or data.shape[1] != irreps.dim:
        raise ValueError(
            f"data has shape {tuple(data.shape)}, expected (samples, {irreps.dim}) for {irreps}"
        )
    if like is None:
        if gradients or keys_to_samples or len(keys_to_properties):
            raise ValueError(
                "gradients, keys_to_samples and keys_to_properties need like: pass the TensorMap that "
                "was converted"
            )
        return _from_labels(irreps, data, layout, samples, properties)
    if samples is not None or properties is not None:
        raise ValueError(
            "found labels beside like, which has its own: leave out samples and properties"
        )
    alignment = Alignment.of(like, irreps, layout, keys_to_samples, keys_to_properties)
    return _like(like, alignment, data, gradients or {})


def _like(
    like: TensorMap, alignment: Alignment, data: Tensor, gradients: Mapping[str, Tensor]
) -> TensorMap:
    if data.shape != alignment.rearrangement.shape:
        raise ValueError(
            f"data has {len(data)} rows, expected the {len(alignment.samples.values)} of like"
        )
    parts = {}
    for parameter, gradient in gradients.items():
        found = alignment.gradients(parameter)
        _check(gradient, f"gradients of {parameter}")
        if gradient.shape != found.shape:
            raise ValueError(
                f"gradients of {parameter} have shape {tuple(gradient.shape)}, expected {found.shape}"
            )
        if (gradient.dtype, gradient.device) != (data.dtype, data.device):
            raise ValueError(
                f"gradients of {parameter} are {gradient.dtype} on {gradient.device}, expected "
                f"{data.dtype} on {data.device}, as the data"
            )
        parts[parameter] = found.rearrangement.to_blocks(gradient.flatten(0, -2))
    return with_values(like, alignment.rearrangement.to_blocks(data), parts)


def _from_labels(
    irreps: Irreps,
    data: Tensor,
    layout: Layout,
    samples: Labels | None,
    properties: Labels | Mapping[Irrep | str, Labels] | None,
) -> TensorMap:
    columns = channel_positions(irreps, layout)
    by_irrep: dict[Irrep, Labels] = {}
    if isinstance(properties, Mapping):
        by_irrep = {Irrep(ir): labels for ir, labels in properties.items()}
        if set(by_irrep) != set(columns):
            raise ValueError(f"properties have irreps {list(by_irrep)}, expected {list(columns)}")
    elif properties is not None:
        by_irrep = dict.fromkeys(columns, properties)
    given = [labels for labels in (samples, *by_irrep.values()) if labels is not None]
    libraries = [library_of(labels, "Labels") for labels in given] or [import_metatensor()]
    library = libraries[0]
    if len(names := {module.__name__ for module in libraries}) > 1:
        raise TypeError(f"labels come from {sorted(names)}, expected one library for all")

    def labels_for(given: Labels | None, name: str, n: int, what: str) -> Labels:
        if given is None:
            return new_labels(library, [name], np.arange(n, dtype=np.int32)[:, None], data.device)
        if len(given) != n:
            raise ValueError(f"found {len(given)} labels for the {n} {what}, expected {n}")
        return on_device(library, given, data.device)

    rows = labels_for(samples, "sample", len(data), "rows")
    places = [Place(slice(0, len(data)), where, ir.l) for ir, where in columns.items()]
    values = Rearrangement((len(data), irreps.dim), places).to_blocks(data)
    blocks = [
        library.TensorBlock(
            part,
            rows,
            [new_labels(library, ["o3_mu"], _orders(ir.l), data.device)],
            labels_for(by_irrep.get(ir), "channel", len(where), f"channels of {ir}"),
        )
        for part, (ir, where) in zip(values, columns.items(), strict=True)
    ]
    keys = np.array([(ir.l, ir.p * (-1) ** ir.l) for ir in columns], np.int32).reshape(-1, 2)
    return library.TensorMap(
        new_labels(library, ["o3_lambda", "o3_sigma"], keys, data.device), blocks
    )


def _orders(l: int) -> Table:
    return np.arange(-l, l + 1, dtype=np.int32)[:, None]


def _check(tensor: Tensor, what: str) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what} are of type {type(tensor).__name__}, expected torch.Tensor")
    check_real(tensor, what)
