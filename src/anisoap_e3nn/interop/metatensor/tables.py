"""Tables of labels: one entry a row, put on common ground."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int32]
Positions = slice | npt.NDArray[np.int64]


def union(tables: Sequence[Table]) -> tuple[Table, list[Positions]]:
    """All entries once, and where those of each table are among them.

    Tables that are all alike keep their order; otherwise the entries are in lexicographic order, which
    no order of blocks or keys can change.
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
    """A slice where the positions follow one another, which saves gathering them one by one."""
    start = int(positions[0]) if len(positions) else 0
    if np.array_equal(positions, np.arange(start, start + len(positions))):
        return slice(start, start + len(positions))
    return positions


def beside(left: Table | Sequence[int], right: Table | Sequence[int]) -> Table:
    """Two tables side by side; a single row is repeated along the other."""
    tables = [np.asarray(part, dtype=np.int32) for part in (left, right)]
    n = max(len(table) for table in tables if table.ndim == 2)
    return np.concatenate(
        [np.broadcast_to(table, (n, table.shape[-1])) for table in tables], axis=1
    )


def complete(table: Table, columns: Sequence[int], wanted: Table) -> Table:
    """Every row of `table` with each of the `wanted` values in those columns.

    Raises
    ------
    ValueError
        For values in the table that are not wanted.
    """
    found = np.unique(table[:, columns], axis=0)
    if len(union([found, wanted])[0]) > len(wanted):
        raise ValueError(f"found {found.tolist()}, expected only values among {wanted.tolist()}")
    others = np.unique(np.delete(table, columns, axis=1), axis=0)
    rows = np.empty((len(wanted), len(others), table.shape[1]), dtype=np.int32)
    rows[..., columns] = wanted[:, None]
    rows[..., np.setdiff1d(np.arange(table.shape[1]), columns)] = others
    return rows.reshape(-1, table.shape[1])
