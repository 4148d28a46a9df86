"""Paper: a template of `templates/print/` becomes a PDF. Workers only: a sheet takes a second.

Nothing is fetched: style stands in the page, pictures are `data:` addresses, everything else is refused.
"""

import re
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .jobs import Unworkable
from .shell import company_name

DRAWING = re.compile(r'(<svg class="(?:chart|sparkline)[^>]*>)')


def render(template: str, context: dict[str, Any]) -> bytes:
    """The PDF of `template`, which extends `print/base.html`, in the language that is active.

    Raises what the template raises, WeasyPrint's own errors for a page it cannot lay out, and Unworkable where the
    machine lacks the library that draws letters.
    """
    try:
        from weasyprint import HTML  # loads Pango, which web processes do without
        from weasyprint.urls import URLFetcher
    except OSError as problem:
        raise Unworkable(
            _("PDFs need Pango on the machine of the worker: install the Debian package libpangoft2-1.0-0.")
        ) from problem

    frame = {"company": company_name(), "made_at": timezone.now(), "language": get_language() or "en"}
    page: str = render_to_string(template, frame | context)
    # A drawing is laid out as a picture of its own: style outside it does not reach in.
    style = render_to_string("print/drawing.css")
    page = DRAWING.sub(lambda found: f"{found.group(1)}<style>{style}</style>", page)
    fetcher = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    pdf: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf()
    return pdf
