# SPDX-License-Identifier: MIT
"""Let Optuna choose settings, and train the best ones again on fresh seeds.

It needs Optuna: pip install optuna
"""

import optuna

import ganbench

METRIC = "fid@points"
SEARCHED, FRESH = range(2), range(2, 5)
TRIALS = 10


def mean_of(settings: dict[str, float], seeds: range) -> float:
    """Train a seed at a time, and return the mean; stored runs are not trained again."""
    values = []
    for seed in seeds:
        run = ganbench.run(
            "vanilla",
            "ring8",
            settings={**settings, "kimg": 20},
            seed=seed,
            metrics=[METRIC],
            resume=True,
        )
        if METRIC not in run.metrics:  # it diverged, which no mean may hide
            raise optuna.TrialPruned
        values.append(run.metrics[METRIC]["value"])
    return sum(values) / len(values)


def objective(trial: optuna.Trial) -> float:
    """Return the mean over the seeds of the search, the same ones for every trial."""
    settings = {
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64]),
    }
    return mean_of(settings, SEARCHED)


if __name__ == "__main__":
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=TRIALS)
    print(f"the best of {TRIALS}: {study.best_params}, {METRIC} {study.best_value:.2g}")
    # The best of many draws is flattered by chance. Fresh seeds say how good it is.
    print(f"on fresh seeds: {mean_of(study.best_params, FRESH):.2g}")
