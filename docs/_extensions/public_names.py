"""Links from docstrings: names are looked up as Python would, and linked to the page of what they mean.

Docstrings name objects as they are imported where the docstring stands. Objects have their pages under the
package that users import them from. A name that means nothing is a warning. A name of something that has no
page (of torch, say, or of an internal module) is shown without a link.
"""

import builtins
import importlib
import sys
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def find(name: str) -> Any:
    """The object of this full name, or None."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            found = getattr(found, part, None)
        return found
    return None


def meanings(node: nodes.Element) -> Iterator[Any]:
    """Objects that a reference may mean, from the innermost scope outwards."""
    target, module, owner = (
        node["reftarget"].lstrip("."),
        node.get("py:module"),
        node.get("py:class"),
    )
    if module and owner:
        yield find(f"{module}.{owner}.{target}")
    if module:
        yield find(f"{module}.{target}")
    yield find(target)
    yield getattr(builtins, target, None)
    for name, loaded in list(
        sys.modules.items()
    ):  # the file in which the docstring stands is among them
        if name.startswith("anisoap_e3nn"):
            yield vars(loaded).get(target)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, content: nodes.TextElement
) -> nodes.Node | None:
    """Link to the page of the object, or show its name; None where nothing has this name."""
    if node.get("refdomain") != "py":
        return None
    found = next((meaning for meaning in meanings(node) if meaning is not None), None)
    if found is None:
        return None
    domain = env.domains.python_domain
    for name in domain.objects:
        if name.rpartition(".")[2] == getattr(found, "__name__", None) and find(name) is found:
            return domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", name, _without_scope(node), content
            )
    return content


def _without_scope(node: nodes.Element) -> nodes.Element:
    copy = node.deepcopy()
    for key in ("py:module", "py:class"):
        copy.attributes.pop(key, None)
    return copy


def setup(app: Sphinx) -> dict[str, bool]:
    """Look up what Sphinx itself has not found."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
