"""metatensor beside torch-geometric, imported in any order; and what is said where an extra is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from anisoap_e3nn.extras import let_torchscript_select

let_torchscript_select()  # as importing what needs metatensor.torch does
pytest.importorskip("metatensor.torch", reason="metatensor-torch is not installed")

CONVERT = """
import torch
from metatensor.torch import Labels, TensorBlock, TensorMap, slice
from anisoap_e3nn import EllipsoidData, metatensor_to_e3nn, e3nn_to_metatensor
component = Labels(["o3_mu"], torch.tensor([[-1], [0], [1]]))
atoms, n = Labels.range("atom", 2), Labels.range("n", 1)
block = TensorBlock(torch.arange(6.0).view(2, 3, 1), atoms, [component], n)
tensor_map = TensorMap(Labels(["o3_lambda", "o3_sigma"], torch.tensor([[1, 1]])), [block])
irreps, x = metatensor_to_e3nn(tensor_map)
assert x.tolist() == [[2, 0, 1], [5, 3, 4]], x
back = e3nn_to_metatensor(irreps, x, like=tensor_map)
one = slice(back, "samples", Labels(["atom"], torch.tensor([[1]])))  # a compiled function
assert one.block(0).values.flatten().tolist() == [3, 4, 5]

@torch.jit.script
def select(x: torch.Tensor, i: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.index_select(x, 0, i), torch.select(x, 0, 1)

assert [part.tolist() for part in select(torch.arange(3.0), torch.tensor([2]))] == [[2], 1]
print("converted")
"""
ORDERS = [
    ["import metatensor.torch", "import torch_geometric", "import anisoap_e3nn"],
    ["import anisoap_e3nn", "import metatensor.torch", "import torch_geometric"],
    ["from anisoap_e3nn import metatensor_to_e3nn", "import torch_geometric, metatensor.torch"],
    ["import torch_geometric", "from anisoap_e3nn import metatensor_to_e3nn"],
    ["from anisoap_e3nn import EllipsoidData, metatensor_to_e3nn", "import metatensor.torch"],
    ["import metatensor", "import torch_geometric", "from anisoap_e3nn import metatensor_to_e3nn"],
    [
        "import torch_geometric",
        "try: import metatensor.torch",
        "except RuntimeError: pass",
        "from anisoap_e3nn import metatensor_to_e3nn",
    ],
]
WITHOUT_US = ["import torch_geometric, metatensor.torch"]
FORKED = """
import io, os, runpy, sys, torch, traceback
for file in sys.argv[1:]:  # a process for each, that has torch already
    if os.fork() == 0:
        with open(file + ".out", "w") as out:
            sys.stdout = sys.stderr = out
            try:
                runpy.run_path(file, run_name="__main__")
            except BaseException:
                traceback.print_exc()
        os._exit(0)
    os.wait()
"""


def python(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"  # TorchScript looks for the source
    file.write_text(script)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked")
def test_any_order_of_imports(tmp_path: Path) -> None:
    pytest.importorskip("metatensor.operations", reason="metatensor-operations is not installed")
    files = {}
    for k, order in enumerate([*ORDERS, WITHOUT_US]):
        files[" | ".join(order)] = file = tmp_path / f"order_{k}.py"
        file.write_text("\n".join([*order, *([] if order == WITHOUT_US else [CONVERT])]))
    run = python(tmp_path, FORKED, *map(str, files.values()))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    printed = {order: Path(f"{file}.out").read_text() for order, file in files.items()}
    without_us = printed.pop(" | ".join(WITHOUT_US))
    assert printed == dict.fromkeys(printed, "converted\n")
    assert (
        without_us == "" or "index_select" in without_us
    )  # what is mended, where it is still wrong


MISSING = """
import sys
sys.modules.update({missing})
import anisoap_e3nn, anisoap_e3nn.extras, torch

def said(run) -> None:
    try:
        run()
    except ImportError as error:
        print(error)
    else:
        print("nothing")

embedding = anisoap_e3nn.AniSOAPEmbedding([0], 2.0, 1, radial_gaussian_width=1.0)
said(lambda: anisoap_e3nn.metatensor_to_e3nn)
said(lambda: anisoap_e3nn.e3nn_to_metatensor)
said(lambda: embedding.to_metatensor(torch.zeros(1, 4), torch.tensor([0])))
"""


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    needs = 'pip install "anisoap-e3nn[metatensor]"'
    none = python(tmp_path, MISSING.replace("{missing}", "metatensor=None"))
    assert none.returncode == 0, none.stderr
    of_metatensor = none.stdout.splitlines()
    assert len(of_metatensor) == 3
    for message in of_metatensor:
        assert message.startswith("metatensor cannot be imported (")  # and then the cause
        assert message.endswith(f"): {needs}")


def test_metatensor_alone_serves_arrays_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    from anisoap_e3nn import extras
    from anisoap_e3nn.interop.metatensor import e3nn_to_metatensor, metatensor_to_e3nn

    monkeypatch.setitem(sys.modules, "metatensor.torch", None)
    with pytest.raises(ImportError, match=r'metatensor-torch cannot .*pip install "anisoap-e3nn\['):
        extras.import_metatensor_torch()
    x = torch.ones(2, 4)
    _, y = metatensor_to_e3nn(e3nn_to_metatensor("0e+1o", x))
    assert torch.equal(x, y)
