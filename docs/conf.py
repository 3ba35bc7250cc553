"""How `make docs` builds the site: Sphinx, MyST, and formulas as MathML, which browsers show without a connection."""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from docs import draw_imports, replication_report

project = "normplace"
copyright = "the normplace contributors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["requirements.lock"]
nitpicky = True

# Pages are Markdown that GitHub shows too; headings can be linked to. Cells of python.md run in every build.
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_show_tb = True  # a cell that fails is a warning, and so an error
nb_execution_timeout = 300

# The API reference is the docstrings; the types that they name are explained there, not on other sites.
default_role = "code"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
nitpick_ignore_regex = [("py:.*", ".*")]

html_theme = "pydata_sphinx_theme"
html_title = "normplace"
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_sidebars = {"**": ["globaltoc.html"]}
html_theme_options = {
    "navbar_center": [],
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


def inline_formula(translator: Any, node: nodes.math) -> None:
    """A formula within a sentence."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def displayed_formula(translator: Any, node: nodes.math_block) -> None:
    """A formula on lines of its own."""
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Register the renderer of formulas, and make what follows from the code and the references as they are."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    draw_imports.main()
    replication_report.main()
