"""Makes a PDF of a mail; run as a process of its own, because the mail may be hostile.

    python -m documents.print_mail PAGE TARGET

PAGE is HTML that documents.render_mail or our own code made: harmless, its pictures written into it. Prints one line
of JSON: {"pdf": true}. Nothing is asked of any network or file. Limits and reasons are those of documents.render_page.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from documents.render_page import limit

_LETTERS = {(0, 0): "Regular", (1, 0): "Bold", (0, 1): "Italic", (1, 1): "BoldItalic"}
_FONT = "letters"
_SHEET = f"<style>@page {{ size: a4; margin: 1.5cm }} html {{ font-family: {_FONT}; font-size: 10pt }}</style>"
#: letters of our own: those of PDF itself have no ő and no Ж
_FAMILY = re.compile(r"font-family:[^;\"<>]*;?|\bface=\"[^\"]*\"", re.IGNORECASE)


def render(source: Path, target: Path) -> dict[str, Any]:
    from xhtml2pdf import pisa  # noqa: PLC0415 (after the limits)
    from xhtml2pdf.config.resources import ResourceAccessPolicy  # noqa: PLC0415

    _use_letters()
    html = _SHEET + _FAMILY.sub("", source.read_text("utf-8"))
    nothing = ResourceAccessPolicy.server(allow_remote=False)  # and no file without a base_dir
    with target.open("wb") as file:
        pisa.CreatePDF(html, dest=file, encoding="utf-8", resource_policy=nothing)
    return {"pdf": True}


def _use_letters() -> None:
    import fontpkg_fira_sans  # noqa: PLC0415 (after the limits)
    from reportlab.lib.fonts import addMapping  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415
    from xhtml2pdf.default import DEFAULT_FONT  # noqa: PLC0415

    for (bold, italic), name in _LETTERS.items():
        place = fontpkg_fira_sans.ROOT / "files" / f"FiraSans-{name}.ttf"
        pdfmetrics.registerFont(ttfonts.TTFont(_FONT + name, str(place)))
        addMapping(_FONT, bold, italic, _FONT + name)
    DEFAULT_FONT.update(dict.fromkeys([*DEFAULT_FONT, _FONT], _FONT))


def main(arguments: list[str]) -> None:
    source, target = arguments
    limit()
    sys.stdout.write(json.dumps(render(Path(source), Path(target))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
