"""The order in which Triton kernels take entries and rows."""

import torch

from anisoap_e3nn.ops.backends.moment_problem import sorted_rows


def test_entries_of_rows_and_rows_by_length() -> None:
    n_rows = 5000  # more than are sorted by length together
    rows = torch.randint(n_rows - 2, (40_000,))  # the last two are empty
    order, offsets, by_length = sorted_rows(rows, n_rows)
    torch.testing.assert_close(rows[order], rows.sort().values)
    torch.testing.assert_close(offsets.diff().long(), rows.bincount(minlength=n_rows))

    assert by_length.sort().values.tolist() == list(range(n_rows))
    blocks = by_length.split(2048)
    for k, block in enumerate(blocks):
        assert (block // 2048 == k).all()
        assert (offsets.diff()[block].diff() <= 0).all()


def test_no_rows() -> None:
    order, offsets, by_length = sorted_rows(torch.empty(0, dtype=torch.int64), 0)
    assert order.shape == by_length.shape == (0,)
    assert offsets.tolist() == [0]
