"""AniSOAP's Clebsch-Gordan products of TensorMaps, done as matrix products."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...extras import import_metatensor
from .clebsch_gordan import ClebschGordanReal, refuse_different_numbers

Array = NDArray[Any]
_L, _NU = "angular_channel", "order_nu"


def standardize_keys(descriptor: Any) -> Any:
    """Rename the keys and properties of coefficients as :func:`cg_combine` needs them.

    Parameters
    ----------
    descriptor : TensorMap
        Coefficients with a key ``angular_channel``.

    Returns
    -------
    TensorMap
        The same blocks. There is a key ``order_nu``, 1 if there was none before, and the names of all
        properties end with ``_1``.

    Raises
    ------
    ValueError
        If there is no key ``angular_channel``.
    """
    metatensor = import_metatensor()
    names, values = list(descriptor.keys.names), np.asarray(descriptor.keys.values)
    if _L not in names:
        raise ValueError(f"Descriptor missing spherical harmonics channel key `{_L}`")
    if _NU not in names:
        names = [_NU, *names]
        values = np.insert(values, 0, 1, axis=1)

    def renamed(block: Any) -> Any:
        properties = [re.sub(r"_[0-9]?$", "", name) + "_1" for name in block.properties.names]
        new = metatensor.TensorBlock(
            block.values,
            block.samples,
            block.components,
            metatensor.Labels(properties, block.properties.values),
        )
        for parameter, gradient in block.gradients():
            new.add_gradient(parameter, renamed(gradient))
        return new

    return metatensor.TensorMap(
        metatensor.Labels(names, values), [renamed(block) for block in descriptor.blocks()]
    )


def cg_combine(
    x_a: Any,
    x_b: Any,
    feature_names: Sequence[str] | None = None,
    clebsch_gordan: ClebschGordanReal | None = None,
    lcut: int | None = None,
    other_keys_match: Sequence[str] | None = None,
) -> Any:
    r"""Clebsch-Gordan products of all features of two TensorMaps,
    :math:`z_{LM,qp} = \sum_{m_1 m_2} C_{m_1 m_2 M} \, x_{m_1 q} \, y_{m_2 p}`.

    Gradients follow by the product rule.

    Parameters
    ----------
    x_a, x_b : TensorMap
        Factors from :func:`standardize_keys` or this function, with the same samples and the same gradient
        samples.
    feature_names : sequence of str, optional
        Names of the properties of the product: the properties of `x_a`, the l of `x_a`, the properties of
        `x_b`, the l of `x_b`. Default: the names in the factors with ``_a`` or ``_b`` appended, and
        ``k_nu`` and ``l_nu`` for the two l, where nu is the ``order_nu`` of the product.
    clebsch_gordan : ClebschGordanReal, optional
        Clebsch-Gordan coefficients up to the largest l. Default: they are computed.
    lcut : int, optional
        Largest L. Default: the sum of the largest l of both factors.
    other_keys_match : sequence of str, optional
        Keys that must agree for two blocks to be multiplied. The product has these keys once, and all
        others from both factors. ``_a`` and ``_b`` are appended to names that both factors have, or to all
        names if `other_keys_match` is not given.

    Returns
    -------
    TensorMap
        Keys ``order_nu`` and ``angular_channel``, then the others; component ``spherical_harmonics_m``.

    Raises
    ------
    IndexError
        If two blocks differ in their number of samples.
    ValueError
        If two blocks differ in their samples, or an l is larger than `clebsch_gordan` holds.
    """
    metatensor = import_metatensor()
    largest = _largest_l(x_a), _largest_l(x_b)
    lcut = sum(largest) if lcut is None else lcut
    clebsch_gordan = clebsch_gordan or ClebschGordanReal(max(lcut, *largest))
    others_a, others_b = _other_keys(x_a), _other_keys(x_b)
    matched = list(other_keys_match or [])
    free_a = [name for name in others_a if name not in matched]
    free_b = [name for name in others_b if name not in matched]
    always = other_keys_match is None
    key_names = [
        *(_NU, _L, *matched),
        *(name + "_a" * (always or name in others_b) for name in free_a),
        *(name + "_b" * (always or name in others_a) for name in free_b),
    ]
    parts: dict[tuple[int, ...], list[_Product]] = {}
    for key_a, block_a in x_a.items():
        for key_b, block_b in x_b.items():
            if any(key_a[name] != key_b[name] for name in matched):
                continue
            others = [int(key_a[name]) for name in matched + free_a]
            others += [int(key_b[name]) for name in free_b]
            l_a, l_b, nu = int(key_a[_L]), int(key_b[_L]), int(key_a[_NU] + key_b[_NU])
            for L in range(abs(l_a - l_b), min(l_a + l_b, lcut) + 1):
                coefficients = clebsch_gordan.dense(l_a, l_b, L)
                product = _product(block_a, block_b, coefficients, l_a, l_b)
                parts.setdefault((nu, L, *others), []).append(product)
    if feature_names is None:
        nu = int(x_a.keys[0][_NU] + x_b.keys[0][_NU])
        feature_names = [f"{name}_a" for name in x_a.property_names] + [f"k_{nu}"]
        feature_names += [f"{name}_b" for name in x_b.property_names] + [f"l_{nu}"]
    blocks = [_joined(products, key[1], feature_names) for key, products in parts.items()]
    keys = np.array(list(parts), dtype=np.int32).reshape(-1, len(key_names))
    return metatensor.TensorMap(metatensor.Labels(key_names, keys), blocks)


def frame_means(block: Any, n_frames: int) -> Array:
    """Means of invariants over the particles of each frame, 0 for frames without particles."""
    values = np.asarray(block.values)[:, 0]  # -> [sample, feature]
    frames = np.asarray(block.samples.column("type"))
    sums = np.zeros((n_frames, values.shape[1]))
    np.add.at(sums, frames, values)
    return sums / np.bincount(frames, minlength=n_frames).clip(min=1)[:, None]


class _Product(NamedTuple):
    """Products of all features of one block with all features of another."""

    samples: Any
    values: Array  # [sample, 2L+1, feature]
    properties: Array  # [feature, name]
    gradients: dict[str, tuple[Any, list[Any], Array]]  # samples, components, values


def _product(block_a: Any, block_b: Any, C: Array, l_a: int, l_b: int) -> _Product:
    a, b = np.asarray(block_a.values), np.asarray(block_b.values)
    refuse_different_numbers(len(a), len(b))
    if block_a.samples != block_b.samples:
        raise ValueError(
            "the blocks to combine have different samples, expected the same in the same order"
        )
    gradients = {}
    for parameter, gradient_a in block_a.gradients():
        if not block_b.has_gradient(parameter):
            continue
        gradient_b = block_b.gradient(parameter)
        if gradient_a.samples != gradient_b.samples:
            raise ValueError(
                f"the gradients {parameter!r} of the blocks to combine have different samples, "
                "expected the same in the same order"
            )
        da, db = np.asarray(gradient_a.values), np.asarray(gradient_b.values)
        of_sample = np.asarray(gradient_a.samples.values)[:, 0]
        directions = [1] * (da.ndim - 3)
        a_here = a[of_sample].reshape(len(da), *directions, *a.shape[1:])
        b_here = b[of_sample].reshape(len(db), *directions, *b.shape[1:])
        gradients[parameter] = (
            gradient_a.samples,
            list(gradient_a.components[:-1]),
            _couple(da, b_here, C) + _couple(a_here, db, C),
        )
    return _Product(
        block_a.samples, _couple(a, b, C), _pairs(block_a, l_a, block_b, l_b), gradients
    )


def _couple(a: Array, b: Array, C: Array) -> Array:
    """(..., m1, q) and (..., m2, p) -> (..., M, q · p)."""
    turned = np.tensordot(b, C, axes=(-2, 1))  # -> [..., p, m1, M]
    turned = np.moveaxis(turned, -3, -1)  # -> [..., m1, M, p]
    flat = turned.reshape(*turned.shape[:-2], -1)
    coupled = np.swapaxes(a, -1, -2) @ flat  # -> [..., q, M · p]
    coupled = coupled.reshape(*coupled.shape[:-1], *turned.shape[-2:])
    coupled = np.swapaxes(coupled, -3, -2)  # -> [..., M, q, p]
    return coupled.reshape(*coupled.shape[:-2], -1)


def _pairs(block_a: Any, l_a: int, block_b: Any, l_b: int) -> Array:
    """Labels of the features in the order of :func:`_couple`."""
    a, b = (
        np.pad(np.asarray(block.properties.values), ((0, 0), (0, 1)), constant_values=l)
        for block, l in ((block_a, l_a), (block_b, l_b))
    )
    return np.hstack([a.repeat(len(b), axis=0), np.tile(b, (len(a), 1))]).astype(np.int32)


def _joined(products: Sequence[_Product], L: int, feature_names: Sequence[str]) -> Any:
    metatensor = import_metatensor()
    first = products[0]
    if any(product.samples != first.samples for product in products):
        raise ValueError(
            "blocks of one product have different samples, expected the same: name the keys that tell "
            "them apart in other_keys_match"
        )
    orders = np.arange(-L, L + 1, dtype=np.int32)[:, None]
    component = metatensor.Labels(["spherical_harmonics_m"], orders)
    properties = metatensor.Labels(
        list(feature_names), np.concatenate([product.properties for product in products])
    )
    values = np.concatenate([product.values for product in products], axis=-1)
    block = metatensor.TensorBlock(values, first.samples, [component], properties)
    for parameter, (samples, components, _) in first.gradients.items():
        derivatives = [product.gradients[parameter][2] for product in products]
        block.add_gradient(
            parameter,
            metatensor.TensorBlock(
                np.concatenate(derivatives, axis=-1),
                samples,
                [*components, component],
                properties,
            ),
        )
    return block


def _other_keys(tensor_map: Any) -> list[str]:
    return [name for name in tensor_map.keys.names if name not in (_L, _NU)]


def _largest_l(tensor_map: Any) -> int:
    return int(np.max(np.asarray(tensor_map.keys.column(_L))))
