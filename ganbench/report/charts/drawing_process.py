# SPDX-License-Identifier: MIT
"""The process that draws charts: specifications in, pictures out, both as JSON.

The drawing library brings a JavaScript engine, which reserves gigabytes of address space and ends
its process if it does not get them. So it never runs in the process that writes the report.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from ganbench.records.json_values import parse_json, strict_json

MISTAKE = 3
"""The exit code for a specification that is no chart."""
UNLOADABLE = 4
"""The exit code where the drawing library cannot be loaded, for another reason than memory."""


def answer() -> int:
    """Read ``{"charts": {name: specification}}``, and write ``{"pictures": {name: SVG}}``.

    With ``"figures": {name: {"specification": ..., "points": width}}``, write ``{"figures":
    {name: PDF in base64}}``, too; with ``"script": true``, vega, vega-lite and vega-embed as one
    script.
    """
    try:
        import vl_convert
    except ImportError as error:  # which a lack of memory to load it is as well
        sys.stderr.write(f"{error}\n")
        return 1 if os.strerror(errno.ENOMEM) in str(error) else UNLOADABLE

    asked = parse_json(sys.stdin.read())
    try:
        pictures = {
            name: vl_convert.vegalite_to_svg(strict_json(chart))
            for name, chart in asked["charts"].items()
        }
        figures = {
            name: base64.b64encode(_pdf(**figure)).decode("ascii")
            for name, figure in asked.get("figures", {}).items()
        }
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return MISTAKE
    drawn: dict[str, Any] = {"pictures": pictures, "figures": figures}
    if asked.get("script"):
        # Without a snippet the bundle is ready-made; the package's own type stub lacks that.
        drawn["script"] = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    json.dump(drawn, sys.stdout)
    return 0


_SIZE = re.compile(r'(<svg [^>]*?\bwidth=")([\d.]+)("[^>]*?\bheight=")([\d.]+)')


def _pdf(specification: Mapping[str, Any], points: float) -> bytes:
    """Return a chart as PDF of a width in points; how wide it was depends on its labels."""
    import vl_convert

    def resized(size: re.Match[str]) -> str:
        height = float(size[4]) * points / float(size[2])
        return f"{size[1]}{points:.2f}{size[3]}{height:.2f}"

    picture = vl_convert.vegalite_to_svg(strict_json(specification))
    return vl_convert.svg_to_pdf(_SIZE.sub(resized, picture, count=1))


if __name__ == "__main__":
    sys.exit(answer())
