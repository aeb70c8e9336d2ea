"""What Sphinx is told of the book. tools/book.py builds it."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project, author = "RLHF lessons", "RLHF lessons contributors"
root_doc = "README"
extensions = ["myst_nb"]
include_patterns = ["*.md", "docs/*.md", "notebooks/*.ipynb", "api/*.md"]
suppress_warnings = ["myst.header"]  # the glossary goes from its title to small headings

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 4
add_module_names = toc_object_entries = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_math_renderer = "mathml"
html_copy_source = html_show_copyright = False
html_show_search_summary = False  # it fetches pages, which browsers refuse in a folder

SOURCE_LINK = re.compile(r'(<a href="(?:\.\./)*[\w/]+)\.(?:ipynb|md)(?=["#])')


def draw(self: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers draw themselves: MathJax would be a megabyte, or need a network."""
    self.body.append(convert(node.astext(), display="block" if isinstance(node, nodes.math_block) else "inline"))
    raise nodes.SkipNode


def lead_to_pages(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Links in the notebooks' outputs name notebooks and texts; here they are pages."""
    if "body" in context:
        context["body"] = SOURCE_LINK.sub(r"\1.html", context["body"])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (draw, None), (draw, None))
    app.connect("html-page-context", lead_to_pages)
