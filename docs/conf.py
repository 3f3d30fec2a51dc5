"""Configuration of the documentation; ``make docs`` builds it into ``build/docs``."""

import collections
import doctest
import re
import sys
from pathlib import Path

import tomllib
from chemiscope.sphinx import ChemiscopeScraper

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))  # ours, in this folder

settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
project = settings["name"]
author = settings["authors"][0]["name"]
copyright = author
version = release = settings["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
    "chemiscope.sphinx",
    "command_help",
    "mathml",
    "public_names",
]
exclude_patterns = ["gallery/*", "figures/*", "generated/gallery/*.ipynb"]
templates_path = ["_templates"]
default_role = "code"  # a name in single backticks, as docstrings in NumPy's style write arguments
nitpicky = True

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sourcelink = False

# Markdown
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

# the reference, from docstrings in NumPy's style
autosummary_generate = True
autosummary_imported_members = True  # those of __all__ alone
autosummary_ignore_module_all = False
autodoc_default_options = {"members": True}
autodoc_typehints = "none"  # docstrings state types, with shapes and units
autodoc_member_order = "bysource"
autodoc_mock_imports = ["allegro", "mace", "nequip"]  # they need environments of their own
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]  # their types are not links
add_module_names = False

# blocks of the pages are run by ``sphinx-build -b doctest``; docstrings are pytest's to run
doctest_test_doctest_blocks = ""
doctest_default_flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
doctest_global_setup = """
import warnings, torch
torch.set_default_dtype(torch.float32)
torch.manual_seed(0)
warnings.filterwarnings("ignore", "In quaternion mode")  # AniSOAP's message, which ours repeats
"""

# figures of the pages
plot_formats = [("png", 150)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
plot_apply_rcparams = True
plot_basedir = str(HERE / "figures")

views = ChemiscopeScraper()
views.iterator.extension = ".json"  # compressed ones need a script from another server

sphinx_gallery_conf = {
    "image_scrapers": ("matplotlib", views),
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["generated/gallery"],
    "filename_pattern": re.escape("/gallery/"),
    "ignore_pattern": r"__init__\.py",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "abort_on_example_error": True,
    "nested_sections": False,
    "min_reported_time": 1,
    "matplotlib_animations": False,
    "remove_config_comments": True,
}


def fields_of_named_tuples(app, what, name, obj, skip, options) -> bool | None:
    """Skip them: the docstring of the class describes them."""
    return True if isinstance(obj, collections._tuplegetter) else None


def setup(app) -> None:
    """Connect what is defined here."""
    app.connect("autodoc-skip-member", fields_of_named_tuples)
