"""Every package that exports names has its place in the reference."""

import importlib
import pkgutil
import re
from pathlib import Path

import anisoap_e3nn

DOCS = Path(__file__).parents[1] / "docs"
HOSTS = (
    "anisoap_e3nn.interop.nequip",
    "anisoap_e3nn.interop.mace",
)  # need environments of their own
WITHOUT_PAGE = ("anisoap_e3nn.cli", "anisoap_e3nn.ops.backends")


def test_the_reference_has_all_packages_that_export_names() -> None:
    listed = set(
        re.findall(r"^   (anisoap_e3nn[\w.]+)$", (DOCS / "api/index.md").read_text(), re.M)
    )
    packages = {
        module.name
        for module in pkgutil.walk_packages(anisoap_e3nn.__path__, "anisoap_e3nn.")
        if module.ispkg and not module.name.startswith(WITHOUT_PAGE + HOSTS)
    }
    exporting = {name for name in packages if getattr(importlib.import_module(name), "__all__", [])}
    assert len(exporting) > 10
    assert exporting <= listed
    assert set(HOSTS) <= listed
