# SPDX-License-Identifier: MIT
"""The process that draws charts: specifications in, pictures out, both as JSON.

The drawing library brings a JavaScript engine, which reserves gigabytes of address space and ends
its process if it does not get them. So it never runs in the process that writes the report.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MISTAKE = 3
"""The exit code for a specification that is no chart."""


def answer() -> int:
    """Read ``{"charts": {name: specification}}``, and write ``{"pictures": {name: SVG}}``.

    With ``"script": true``, write vega, vega-lite and vega-embed as one script, too.
    """
    import vl_convert

    asked = json.load(sys.stdin)
    try:
        pictures = {
            name: vl_convert.vegalite_to_svg(json.dumps(chart))
            for name, chart in asked["charts"].items()
        }
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return MISTAKE
    drawn: dict[str, Any] = {"pictures": pictures}
    if asked.get("script"):
        # Without a snippet the bundle is ready-made; the package's own type stub lacks that.
        drawn["script"] = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    json.dump(drawn, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(answer())
