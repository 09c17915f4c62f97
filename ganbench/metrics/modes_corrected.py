# SPDX-License-Identifier: MIT
"""The number of modes that samples cover, without those that only a classifier's errors fill."""

from __future__ import annotations

from ganbench.evaluation.checks import require
from ganbench.evaluation.corrected_modes import LEAST_SHARE, corrected_modes, least_samples
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.metric import Metric, Value
from ganbench.registry import register


@register("modes-corrected")
class CorrectedModes(Metric):
    """Classes with at least a tenth of an even share of the samples, classifier's errors taken out.

    Paper: Saerens et al., 2002, doi:10.1162/089976602753284446

    ``modes`` counts a class for a single sample, so it counts errors of the classifier. Here the
    shares of the classes are those under which the classifier's probabilities are likeliest, and a
    class counts from max(0.5, N / 10 K) samples on. Classes that no sample is likeliest to be in
    never count. The probabilities must be right about how often they are wrong, as the bundled
    classifiers' are on real images, and made for classes that are equally likely. There is no
    interval.

    With real stacked digits of 1, 10, 100, and 500 modes (26,000 samples) this counted 1, 13, 103,
    and 501 where ``modes`` counted 5, 40, 292, and 709, and with 1 to 10 classes of Fashion-MNIST
    (5,000 samples) it was right where ``modes`` counted 6 to 10. No minimum count did as well.
    """

    better = "higher"
    needs = ("probabilities",)
    network = None
    compares = False
    parameters = f"shares=em/least={LEAST_SHARE}"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the count for ``fake.probabilities``; ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: There are no probabilities.
            InputError: There are no samples, or probabilities that are not finite.
        """
        probabilities = require(fake.probabilities, "probabilities", metric=self.name, least=1)
        channels = probabilities.shape[1] if probabilities.ndim == 3 else 1
        modes = probabilities.shape[-1] ** channels
        least = least_samples(len(probabilities), modes)
        note = f"of {modes}; a mode counts from {least:.3g} samples on; no interval"
        return Value(float(corrected_modes(probabilities)), note=note)
