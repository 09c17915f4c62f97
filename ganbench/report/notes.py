# SPDX-License-Identifier: MIT
"""The notes that explain tables and charts; they hold no numbers of a report."""

from __future__ import annotations

HOW_TO_READ = (
    "Each number is the mean over seeds after training. The brackets hold its 95 % interval by "
    "Student's t: the range in which the mean of many more seeds may well lie. A single seed has "
    "no interval, nor have seeds that all agree. The formula knows no bounds: the interval of a "
    "count of modes can reach past the last mode.",
    "↑ means that more is better, ↓ that less is better. Bold marks a best mean that a two-sided t "
    "test tells from every other mean of its column (p < 0.05 each, paired where seeds are "
    "shared). “Lowest” or “highest, not significant” marks a best mean that other seeds may well "
    "take from it.",
    "The floor is what a perfect generator would get from as many samples against as many real "
    "ones; how it was made stands with the protocol of each metric. Floors of runs that say "
    "nothing about it compare halves of the real data.",
    "A run that diverged or collapsed is a result. A run that diverged has no metrics, so a mean "
    "over “4 of 5” is a mean over the runs that went well.",
    "Numbers are comparable only where their protocols are the same; each dataset lists its own. "
    "Seconds are seconds of training alone, and comparable only within one environment.",
    "Verdicts: runs of one seed share initial weights, batches and latents, so differences to the "
    "baseline are taken in pairs. A treatment fails, or fails less, where more or fewer of its "
    "runs than of the baseline's diverged or collapsed, measured or not: p < 0.05 by Boschloo's "
    "exact test, two-sided, after Holm's correction over all treatments of which a run or a run of "
    "the baseline failed. One that does not fail helps or hurts where a two-sided paired t test "
    "has p < 0.05 after Holm's correction. Everything else is no "
    "difference that this many seeds can show after the correction, which is not the same as no "
    "difference. The intervals next to the verdicts are not corrected: some exclude zero although "
    "no difference is shown.",
    "One metric of each dataset is primary, and the correction is over all tests on primary "
    "metrics, on all datasets. All other metrics are exploratory: they are corrected only within "
    "their column, and the verdict says “may help”.",
    "A collapsed run can take all power from a t test. Where no run failed in most pairs, the "
    "test is over these alone, and all pairs are shown next to them. “Helps where no run failed” "
    "is conditional on not failing: it says nothing about how often runs fail. A run that "
    "diverged has no value, so a comparison with one is always conditional; so is one with a run "
    "that is done and has no value, such as a reverse KL where no sample is sharp.",
    "Next to the t test stands the exact permutation test, which assumes no more than that without "
    "an effect each difference could as well have the other sign. Over n pairs it cannot give a p "
    "value below 2/2ⁿ: 0.25 with three seeds, 0.0625 with five. A p value that cannot be small is "
    "no sign that there is no difference.",
)

VERDICTS_NOTE = (
    "The verdict, and the mean difference over shared seeds in percent of the baseline; of a "
    "treatment that fails, or fails less, how many runs diverged or collapsed. “Not shown”: these "
    "seeds gave the percentage, and this many seeds cannot show that it is more than chance."
)

CONCLUSIONS_NOTE = (
    "The difference from the baseline, over the pairs behind the verdict, with its 95 % t "
    "interval. Detectable: the true difference that four of five such experiments would have "
    "found, after the correction. Seeds needed: as many as would find the difference that was "
    "found, were it the true one, in four of five experiments with the same correction; where no "
    "difference is shown, as many as would find one of 10 % of the baseline's mean. The brackets "
    "hold the numbers for the ends of the 95 % interval of the spread, of which a few pairs give "
    "only a rough estimate. Among so many tests, effects that reach significance are on average "
    "too large, the more so the lower the power. Time is that of training for the same number of "
    "images, as a geometric mean over shared seeds on one machine: by the median of the images per "
    "second along each run where it is recorded, which other work of the machine disturbs less "
    "than the seconds. Memory is shown where ganbench throughput measured it."
)

CLAIMS_NOTE = (
    "Claims are those of the papers, in our words. Their settings differ from those here: other "
    "networks, other data, longer training, often a search for the best parameters. A trick that "
    "shows nothing here does not refute its paper, and a trick that helps here does not confirm it."
)

OVER_SETTINGS_NOTE = (
    "Each verdict compares with the baseline in the same setting; all of them are corrected "
    "together. Charts: the ratio to the baseline (geometric mean) with its 95 % t interval, cut "
    "at the ends of the axis. A trick that helps at one setting only does not stabilize training; "
    "yet a difference that is shown at one setting and not at another is no sign that they differ."
)

EFFECTS_NOTE = (
    "Difference to the baseline, treatment minus baseline: each circle is a seed, the diamond the "
    "mean of the seeds that the verdict rests on (without failed runs, where it says so), the bar "
    "its 95 % t interval, not corrected for the number of treatments. Where some lie far outside, "
    "distances from zero are drawn logarithmically. The verdict stands at the right, with an "
    "asterisk where it leaves out seeds of which a run failed or has no value."
)

DOTS_NOTE = "Each dot is a seed, the diamond their mean, the bar its interval."

EVENTS_NOTE = (
    "Scalars of TensorBoard's event files, as the tools wrote them. The files do not say by which "
    "protocol a number was measured, nor what a step is, so none of them stands in a table or a "
    "verdict."
)

FLOOR_NOTE = "Gray dashes mark the floor."

COSTS_NOTE = (
    "Dots are means over seeds, bars their intervals. The gray steps join the variants that no "
    "other one beats in both directions, by their means: the Pareto front. Seconds are those of "
    "training, on the machines of these runs."
)

SAMPLES_NOTE = "Runs of one seed draw the same latents, place by place."

STRIPS_NOTE = (
    "The best run of each variant by the primary metric: what became of the same latents as "
    "training went on. A kimg is a thousand images that the networks have seen."
)

BEST_OF_DRAWN_NOTE = (
    "The runs are too many to look at each: the best is that of the seeds whose curves are drawn."
)

INTERPOLATION_NOTE = (
    "Each row goes in eight steps from one latent to another, at the label of the first. Smooth "
    "changes say that the generator has learned more than single images."
)

NEIGHBORS_NOTE = (
    "Each row begins with a sample, framed; after it come the training images nearest to it, by "
    "the features of the network that measured the run. The rows are the samples that come nearest "
    "to copies. As near as a copy is what lies no farther from its nearest training image than "
    "that image lies from its own nearest neighbor, the rule of authpct. Fresh real images often "
    "do; many more of the samples than of held-out real images speak for memorization."
)

PLANE_NOTE = (
    "How densely samples lie; where it judges single points, what the discriminator takes for more "
    "real (orange) or more fake (blue) than the median of this part of the plane; and the modes of "
    "the data, where they are known: filled where a sample lies within three standard deviations "
    "of the center, empty where none does."
)

CURVES_NOTE = (
    "A cross at the lower edge says that something began to go wrong. Thin lines are single seeds. "
    "The thick line is the mean of those that did not diverge (of all, where all did), at the "
    "points that all of these have, in the band of its 95 % t interval; a triangle at the edge "
    "says that the band goes on. Gray dashes mark the floor."
)

MULTIPLES_NOTE = (
    "Each panel is one variant: thin lines are its seeds, the thick one is the mean of those that "
    "did not diverge (of all, where all did), and the band is its 95 % t interval at each point; a "
    "triangle at the edge says that it goes on, a "
    "cross at the lower edge that something began to go wrong. The baseline is gray. Across: "
    "thousands of images."
)

STABILITY_NOTE = (
    "The share of runs that diverged, collapsed or failed, with the exact 95 % interval of "
    "Clopper and Pearson: with few runs even none is compatible with many. A run whose samples "
    "differ and all lie far from the data has done neither: its metrics say so, and so may its "
    "health. The deviation is over seeds, within settings; near the worst value of a metric it is "
    "small, too."
)

HEALTH_NOTE = (
    "How many runs had an event, when it began (the median of these runs), and in how many it held "
    "to the end of training. A dash: no run recorded what it takes to tell. Each rule has "
    "thresholds; they are chosen so that healthy runs hardly ever meet them, so a run without an "
    "event may still be a poor one."
)

BEST_NOTE = (
    "The best evaluation of each run is chosen by the samples that its curve shows, and measured "
    "on others: the best of several noisy numbers is too good. Verdicts are about the last one, "
    "which nobody had to choose."
)

PROFILE_NOTE = (
    "The share of all runs, over seeds and settings, whose metric is at least as good as the value "
    "below; a run that diverged never is. Higher is better, and a trick that helps at one setting "
    "only stays low. The band is a 95 % bootstrap interval. The runs without tricks are gray."
)

DIFFERENCES_NOTE = (
    "Mean difference over shared seeds with its 95 % t interval; p of the paired t test, alone "
    "and after Holm's correction; p of the exact sign-flip test, and the least p that this many "
    "pairs can give. Detectable is the true difference that four of five such experiments would "
    "find. The ratio to the baseline is a geometric mean, with the interval and the p values of "
    "the paired t test of logarithms, which finds large effects more often. Where a run "
    "collapsed, there are two rows: the one with Holm's correction decides. P(better) is the "
    "share of all pairs of runs in which the treatment is better, with ties counted as a half."
)

MEASUREMENTS_NOTE = (
    "An interval here is the interval of one measurement, over its samples. It says nothing about "
    "other seeds."
)

ACROSS_NOTE = (
    "Exploratory, not corrected; failed runs included where they have a value; the primary metric "
    "only. Values on different datasets have no common scale and are not averaged. The rank is "
    "that of the mean among these variants, averaged over the datasets. The ratio to the baseline "
    "is the geometric mean over datasets and shared seeds, with a 95 % t interval for other seeds "
    "on the same datasets."
)

LOSSES_NOTE = (
    "Losses tell whether the two players are in balance, not how good the samples are. They are "
    "not comparable between loss functions."
)

NO_CHARTS = (
    "The charts are missing: the process that draws them ended early, most often for lack of "
    "memory or address space."
)
