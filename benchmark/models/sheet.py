"""A page of the images to look at first, with pictures; it asks for nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined

from imbench.files.reading import LARGE, read_bytes
from imbench.images.decode import ImageFault, load_image, quiet_pillow
from imbench.models.model import Model
from imbench.models.prediction_csv import Row
from imbench.safe_text import CELL, visible

__all__ = ["SHOWN", "sheet_of"]

SHOWN = 60
"""Images on the page."""
_SIDE = 192
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color-scheme: light dark }
ul { display: grid; grid-template-columns: repeat(auto-fill, 200px); gap: 20px; padding: 0 }
li { list-style: none; overflow-wrap: anywhere }
img { max-width: 192px; image-rendering: pixelated; display: block }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Images to look at first</title>
<style>{{ style | safe }}</style>
</head>
<body>
<h1>Images to look at first</h1>
<p>The {{ images | length }} of {{ total }} that are nearest to being called otherwise. Decision:
{{ rule }}. Model {{ identity }}.</p>
<ul>
{% for image in images %}
<li>{% if image.src %}<img src="{{ image.src }}" alt="">{% else %}<em>no picture</em>{% endif %}
<strong>{{ image.said }}</strong><br>{{ image.shares }}<br><small>{{ image.path }}</small></li>
{% endfor %}
</ul>
</body>
</html>
"""


def sheet_of(model: Model, rows: Sequence[Row], total: int) -> str:
    """Return the page of some rows, the first first.

    Parameters
    ----------
    rows : sequence of Row
        Those to show.
    total : int
        Images that were predicted.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    with quiet_pillow():
        images = [_image(model, row) for row in rows]
    text = environment.from_string(_PAGE).render(
        policy=policy,
        style=_STYLE,
        images=images,
        total=total,
        rule=visible(model.decision.words(model.classes)),
        identity=model.description.identity,
    )
    return text.encode("utf-8", "backslashreplace").decode()


def _image(model: Model, row: Row) -> dict[str, Any]:
    pairs = zip(model.classes, row.proba, strict=True)
    return {
        "src": _picture(model, row),
        "said": visible(row.decision, CELL),
        "shares": ", ".join(f"{visible(name, CELL)} {share}" for name, share in pairs),
        "path": visible(row.path, CELL),
    }


def _picture(model: Model, row: Row) -> str:
    """Return a small picture of an image as a data URI; empty if its file is gone."""
    try:
        image, _ = load_image(read_bytes(row.file, LARGE), model.core.view.range)
    except (ImageFault, OSError):
        return ""
    image.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
