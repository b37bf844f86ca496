"""Words as an engine read them, and the true words of the page: what each word is labelled.

:func:`annotate_page` makes the annotated page; :func:`sort_words` and :func:`group_lines` put words in reading order,
the same way when a model is trained and when it is used.
"""

from invoicegen.labeling.alignment import Alignment, align
from invoicegen.labeling.annotate import DocumentState, LabelingOptions, annotate_page, true_page_words
from invoicegen.labeling.figures import plot_labeling
from invoicegen.labeling.reading_order import frames_of, group_lines, lines_of, sort_words
from invoicegen.labeling.report import AlignmentStats, summarise
from invoicegen.labeling.words import cut_words

__all__ = [
    "Alignment",
    "AlignmentStats",
    "DocumentState",
    "LabelingOptions",
    "align",
    "annotate_page",
    "cut_words",
    "frames_of",
    "group_lines",
    "lines_of",
    "plot_labeling",
    "sort_words",
    "summarise",
    "true_page_words",
]
