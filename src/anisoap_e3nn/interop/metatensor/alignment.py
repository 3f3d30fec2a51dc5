"""Align the blocks of a TensorMap with the rows and channels of one e3nn tensor, by their labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from e3nn.o3 import Irrep, Irreps

from .maps import Labels, TensorBlock, TensorMap, blocks_of, irreps_of, library_of, table_of
from .names import KeyRoles
from .rearrangement import Layout, Place, Rearrangement, channel_positions
from .tables import Positions, Table, beside, complete, union


@dataclass(frozen=True)
class LabelTable:
    """Names and values of Labels, with the values on the CPU."""

    names: tuple[str, ...]
    values: Table


@dataclass(frozen=True)
class GradientAlignment:
    """The gradients of all blocks with respect to one parameter, as rows of one e3nn tensor."""

    blocks: list[TensorBlock]
    samples: LabelTable  # "sample" is the row of the values in e3nn's tensor
    shape: tuple[int, ...]  # (samples, components of the gradients alone, irreps.dim)
    rearrangement: Rearrangement  # of the tensor with all axes but the last flattened into rows


@dataclass(frozen=True)
class Alignment:
    """A TensorMap's blocks as rows and channels of one e3nn tensor."""

    irreps: Irreps
    blocks: list[TensorBlock]
    samples: LabelTable
    properties: dict[Irrep, LabelTable]
    rearrangement: Rearrangement

    @classmethod
    def of(
        cls,
        tensor_map: TensorMap,
        irreps: Irreps | str | None = None,
        layout: Layout = "mul_ir",
        keys_to_samples: str | Sequence[str] = (),
        keys_to_properties: str | Sequence[str] | Labels = (),
    ) -> "Alignment":
        """Align the blocks by their labels; the arguments are those of `metatensor_to_e3nn`."""
        library_of(tensor_map, "TensorMap")
        keys, blocks = table_of(tensor_map.keys), blocks_of(tensor_map)
        wanted = _names_and_values(keys_to_properties)
        roles = KeyRoles.of(tensor_map.keys.names, len(keys), _names(keys_to_samples), wanted.names)
        roles.check_all_known()
        block_irreps, turned = irreps_of(blocks, keys, roles)
        samples, rows = _rows(blocks, keys, roles)
        properties, channels = _channels(blocks, keys, roles, block_irreps, wanted)

        natural = Irreps([(len(properties[ir].values), ir) for ir in properties])
        chosen = natural if irreps is None else Irreps(irreps)
        if multiplicities(chosen) != multiplicities(natural):
            raise ValueError(
                f"irreps are {chosen}, expected those of the TensorMap, {natural}, in any order and "
                "in any pieces"
            )
        columns = channel_positions(chosen, layout)
        for ir in properties:  # irreps may leave out those without channels
            columns.setdefault(ir, np.empty((0, ir.dim), dtype=np.int64))
        places = [
            Place(rows[i], columns[ir][channels[i]], ir.l if turned[i] else 0)
            for i, ir in enumerate(block_irreps)
        ]
        shape = (len(samples.values), chosen.dim)
        return cls(chosen, blocks, samples, properties, Rearrangement(shape, places))

    def gradients(self, parameter: str) -> GradientAlignment:
        """Align the gradient blocks, by the rows of the values."""
        found = self.blocks[0].gradients_list() if self.blocks else []
        if parameter not in found:
            raise ValueError(f"no gradients with respect to {parameter!r}, found {sorted(found)}")
        blocks = [block.gradient(parameter) for block in self.blocks]
        places = self.rearrangement.places
        tables = []
        for block, place in zip(blocks, places, strict=True):
            table = table_of(block.samples).copy()
            table[:, 0] = np.arange(len(self.samples.values))[place.rows][table[:, 0]]
            tables.append(table)
        table, positions = union(tables)
        n_own = len(self.blocks[0].components)
        shapes = {tuple(block.values.shape[1 : -1 - n_own]) for block in blocks}
        if len(shapes) > 1:
            raise ValueError(
                f"gradients with respect to {parameter!r} have components of shapes {sorted(shapes)}, "
                "expected one shape in all blocks"
            )
        (shape,) = shapes
        n = int(np.prod(shape))
        places = [
            Place(_each_times(rows, n), place.columns, place.l)
            for rows, place in zip(positions, places, strict=True)
        ]
        return GradientAlignment(
            blocks=blocks,
            samples=LabelTable(tuple(blocks[0].samples.names), table),
            shape=(len(table), *shape, self.irreps.dim),
            rearrangement=Rearrangement((len(table) * n, self.irreps.dim), places),
        )


def multiplicities(irreps: Irreps) -> Counter[Irrep]:
    """Number of channels of each irrep that has any."""
    count: Counter[Irrep] = Counter()
    for mul, ir in irreps:
        count[ir] += mul
    return +count


def _names(keys: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(keys, str):
        return (keys,)
    if isinstance(keys, list | tuple) and all(isinstance(name, str) for name in keys):
        return tuple(keys)
    raise TypeError(
        f"found {keys!r}, expected the name of a dimension of the keys, or a list of them"
    )


def _names_and_values(keys: str | Sequence[str] | Labels) -> LabelTable:
    if isinstance(keys, str | list | tuple):
        return LabelTable(_names(keys), np.empty((0, 0), dtype=np.int32))
    labels: Labels = keys
    library_of(labels, "Labels")
    return LabelTable(tuple(labels.names), table_of(labels))


def _rows(
    blocks: list[TensorBlock], keys: Table, roles: KeyRoles
) -> tuple[LabelTable, list[Positions]]:
    """Samples of all blocks, with the dimensions that come from the keys last."""
    tables = [
        beside(table_of(block.samples), roles.entries(key, roles.to_samples))
        for key, block in zip(keys, blocks, strict=True)
    ]
    # Labels need a name, and a TensorMap without blocks has none for its samples
    names = _all_names(blocks, "samples", roles.to_samples) if blocks else ["sample"]
    names = [*names, *roles.to_samples]
    if not blocks:
        return LabelTable(tuple(names), np.empty((0, len(names)), dtype=np.int32)), []
    table, rows = union(tables)
    return LabelTable(tuple(names), table), rows


def _channels(
    blocks: list[TensorBlock],
    keys: Table,
    roles: KeyRoles,
    irreps: list[Irrep],
    wanted: LabelTable,
) -> tuple[dict[Irrep, LabelTable], list[Positions]]:
    """Properties of each irrep, with the dimensions that come from the keys first."""
    names = (*roles.to_properties, *_all_names(blocks, "properties", roles.to_properties))
    tables = [
        beside(roles.entries(key, roles.to_properties), table_of(block.properties))
        for key, block in zip(keys, blocks, strict=True)
    ]
    channels: list[Positions] = [slice(0)] * len(blocks)
    properties = {}
    for irrep in sorted(set(irreps)):
        members = [i for i, ir in enumerate(irreps) if ir == irrep]
        group = [tables[i] for i in members]
        if len(wanted.values):
            columns = [names.index(name) for name in wanted.names]
            group.append(complete(np.concatenate(group), columns, wanted.values))
        table, positions = union(group)
        properties[irrep] = LabelTable(names, table)
        for i, member in enumerate(members):
            channels[member] = positions[i]
    return properties, channels


def _all_names(blocks: list[TensorBlock], axis: str, moved: tuple[str, ...]) -> list[str]:
    names = list(getattr(blocks[0], axis).names) if blocks else []
    if both := sorted(set(moved) & set(names)):
        raise ValueError(
            f"{both} are dimensions of the keys and of the {axis}, expected one of them: rename or drop one"
        )
    return names


def _each_times(rows: Positions, n: int) -> Positions:
    if isinstance(rows, slice):
        return slice(rows.start * n, rows.stop * n)
    return (rows[:, None] * n + np.arange(n)).ravel()
