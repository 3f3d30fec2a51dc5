"""Formulas as MathML, which browsers draw by themselves: pages need no script and no network."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator


def visit_math(translator: SphinxTranslator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_math_block(translator: SphinxTranslator, node: nodes.math_block) -> None:
    """Write formulas on lines of their own; empty lines stand between them."""
    formulas = [each for each in node.astext().split("\n\n") if each.strip()]
    converted = "".join(convert(each, display="block") for each in formulas)
    translator.body.append(f'<div class="formula">{converted}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name `mathml`."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
