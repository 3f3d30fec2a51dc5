"""Unions and products of tables of labels, which have one entry a row."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int32]
Positions = slice | npt.NDArray[np.int64]


def union(tables: Sequence[Table]) -> tuple[Table, list[Positions]]:
    """Unique rows of several tables, and each table's indices into them.

    Tables that are all equal keep their order. Otherwise the rows are in lexicographic order, so that the
    order of the tables does not matter.
    """
    first = tables[0]
    if all(np.array_equal(table, first) for table in tables[1:]):
        return first, [slice(0, len(first))] * len(tables)
    entries = np.concatenate(tables)
    order = np.lexsort(entries.T[::-1])
    in_order = entries[order]
    is_new = np.ones(len(entries), dtype=bool)
    is_new[1:] = (in_order[1:] != in_order[:-1]).any(1)
    where = np.empty(len(entries), dtype=np.int64)
    where[order] = np.cumsum(is_new) - 1
    ends = np.cumsum([len(table) for table in tables])
    return in_order[is_new], [run_or_list(part) for part in np.split(where, ends[:-1])]


def run_or_list(positions: npt.NDArray[np.int64]) -> Positions:
    """Positions as a slice if they are consecutive, which is faster to index."""
    start = int(positions[0]) if len(positions) else 0
    if np.array_equal(positions, np.arange(start, start + len(positions))):
        return slice(start, start + len(positions))
    return positions


def beside(left: Table | Sequence[int], right: Table | Sequence[int]) -> Table:
    """Join two tables side by side; a single row is repeated along the other table."""
    tables = [np.asarray(part, dtype=np.int32) for part in (left, right)]
    n = max(len(table) for table in tables if table.ndim == 2)
    return np.concatenate(
        [np.broadcast_to(table, (n, table.shape[-1])) for table in tables], axis=1
    )


def complete(table: Table, columns: Sequence[int], wanted: Table) -> Table:
    """Combine each of the `wanted` values in `columns` with each row of the other columns.

    Raises
    ------
    ValueError
        If the table has values in `columns` that are not wanted.
    """
    found = np.unique(table[:, columns], axis=0)
    if len(union([found, wanted])[0]) > len(wanted):
        raise ValueError(
            f"keys hold {found.tolist()}, expected only values in keys_to_properties: {wanted.tolist()}"
        )
    others = np.unique(np.delete(table, columns, axis=1), axis=0)
    rows = np.empty((len(wanted), len(others), table.shape[1]), dtype=np.int32)
    rows[..., columns] = wanted[:, None]
    rows[..., np.setdiff1d(np.arange(table.shape[1]), columns)] = others
    return rows.reshape(-1, table.shape[1])
