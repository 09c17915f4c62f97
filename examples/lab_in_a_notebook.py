# SPDX-License-Identifier: MIT
"""Watch a GAN learn in a notebook: each part below is a cell.

Outside of a notebook nothing is shown, but the page can be saved and opened in a browser.
"""

import ganbench

# %% Train, and record what happens meanwhile: the run is the same as without.
run = ganbench.run("vanilla", "ring8", settings={"kimg": 100}, record=True)

# %% In a notebook, the last line of a cell is shown: play it, scrub, switch layers on and off.
recorded = run.lab(height=720)
recorded  # noqa: B018

# %% The page is one file that loads nothing. Whoever has a browser can open it.
recorded.save("ring8.html")

# %% A run that was not recorded is trained once more, the same way, when it is first shown.
earlier = ganbench.run("vanilla", "ring8", tricks=["r1"], settings={"kimg": 100})
earlier.lab().save("ring8-r1.html")

# %% Live, with "pip install 'ganbench[notebook]'": change settings while it trains.
# widget = run.lab(live=True)
# widget
# widget.close()  # ends its server
