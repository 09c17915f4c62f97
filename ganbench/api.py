# SPDX-License-Identifier: MIT
"""The functions to call from Python: train, measure, compare, and read results."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from ganbench import paths
from ganbench.cli.progress_bars import TrainingBar, WorkBar
from ganbench.config import join_words
from ganbench.data import Source, name_with_range, open_dataset
from ganbench.harness.backends import cells_at_a_time, make_backend
from ganbench.harness.compare import ComparisonResult, compared_datasets
from ganbench.harness.comparison_plan import PlannedComparison, plan_comparison
from ganbench.harness.continuation import plan_continuation
from ganbench.harness.evaluate import SamplesLike, measure_samples
from ganbench.harness.matrix_axes import (
    as_list,
    has_name,
    model_name,
    named_and_opened,
    only_here,
    trick_set,
)
from ganbench.harness.measured_values import EvaluationResult
from ganbench.harness.plan import Model, RunPlan, TrickChoice, plan_for
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Policy, Scheduler
from ganbench.harness.suite import make_suite
from ganbench.harness.trained_run import TrainedRun
from ganbench.lab.recorded_run import RecordedRun
from ganbench.progress import SILENT, Progress
from ganbench.records.exported_run import find_run
from ganbench.records.primary_metric import record_choices
from ganbench.runtime.inference import Compute
from ganbench.training.trainer import Schedule
from ganbench.typed_values import MOST_JOBS, check_whole


def run(
    model: Model | TrainedRun,
    data: Any = None,
    *,
    tricks: TrickChoice | Sequence[TrickChoice] = (),
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    metrics: str | Sequence[str] | None = None,
    samples: int | None = None,
    real_split: str | None = None,
    evaluations: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int | None = None,
    value_range: tuple[float, float] | None = None,
    data_root: str | Path | None = None,
    log: str | Sequence[str] = (),
    record: bool = False,
    progress: Progress | bool = True,
) -> TrainedRun:
    """Train a GAN, measure it, and return the run.

    Args:
        model: A registered name, ``./file.py``, or a function that takes the ``DataSpec``; or a
            finished run, to go on from its weights: its data, tricks, settings and seed stay unless
            they are changed, and ``kimg`` is the length of both runs together.
        data: What to train on: a registered name, a path, an array or tensor, a ``Dataset`` or
            ``DataLoader``, a list of PIL images, a Hugging Face dataset. None means ``mnist5k``.
        tricks: Tricks to add: ``"ema"``, ``"r1:weight=0.1"``, ``"pacgan:off"``, or objects.
        settings: Settings to change: ``{"kimg": 50, "loss": "hinge", "learning_rate": 1e-4}``.
        seed: The seed of everything that is random, from 0 to 2**63 - 1; None means 0.
        metrics: Metrics to measure, by name; None selects those that suit the data.
        samples: The number of samples to measure.
        real_split: The split that metrics compare with; None means the one that is trained on.
        evaluations: How many times to measure during training.
        out: The folder of runs; None means ``GANBENCH_RUNS``, or ``runs``.
        resume: Continue the unfinished run of the same identity, or return the finished one.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        threads: The number of CPU threads; None takes as many as are free and make it faster.
        value_range: The range of floats in ``data``, if it is not [-1, 1].
        data_root: The folder that is searched first for downloaded datasets.
        log: Loggers that hear of the run: ``"tensorboard"``, ``"wandb"``, ``"mlflow"``.
        record: Write an offline page into the run's folder that plays it: see ``TrainedRun.lab``.
        progress: True shows a bar, False shows nothing; your own object is told instead.

    Raises:
        GanbenchError: A name is unknown, parts do not fit together, or data cannot be read.
    """
    root = None if data_root is None else Path(data_root)
    changed = {**({} if seed is None else {"seed": seed}), **(settings or {})}
    if isinstance(model, TrainedRun):
        plan = _continued(model, data, as_list(tricks), changed, root, value_range)
    else:
        source, name = _opened("mnist5k" if data is None else data, root, value_range)
        plan = plan_for(source, name, model, as_list(tricks), changed)
    options = RunOptions(
        out=_folder(out),
        resume=resume,
        device=device,
        threads=threads,
        data_root=root,
        metrics=None if metrics is None else tuple(as_list(metrics)),
        samples=samples,
        real_split=real_split,
        schedule=Schedule(evaluations=evaluations),
        loggers=tuple(as_list(log)),
        command="ganbench.run",
    )
    config = plan.config
    label = f"{config.model} on {config.dataset}, seed {config.seed}"
    with _shown(progress, lambda: TrainingBar(label, quiet=False)) as shown:
        for notice in plan.source.notices:
            shown.say(notice)
        pending = (RecordedRun if record else Run)(plan, options, shown)
        pending.execute()
    return TrainedRun(pending.folder.path, source=plan.source, device=device)


def _opened(
    data: Any, root: Path | None, value_range: tuple[float, float] | None
) -> tuple[Source, str | None]:
    """Open data, and return with them the name that a run records, if they have one."""
    source = open_dataset(data, root, value_range=value_range)
    return source, name_with_range(os.fspath(data), value_range) if has_name(data) else None


def _continued(
    run: TrainedRun,
    data: Any,
    tricks: Sequence[TrickChoice],
    settings: Mapping[str, Any],
    root: Path | None,
    value_range: tuple[float, float] | None,
) -> RunPlan:
    """Plan a run that goes on from the weights of a finished one, on its data if None are given."""
    if data is None:
        source: Source = run.plan.source
        name: str | None = run.config.dataset
    else:
        source, name = _opened(data, root, value_range)
    return plan_continuation(
        run.folder, source=source, dataset=name, tricks=tricks, settings=settings
    )


def load_run(
    path: str | Path, *, data: Any = None, device: str = "auto", data_root: str | Path | None = None
) -> TrainedRun:
    """Return an earlier run from its folder, or a trained generator.

    Args:
        path: The run's folder; the name of a pretrained generator, such as ``dcgan@mnist5k``; an
            exported generator, as a folder or a safetensors file.
        data: The data that it was trained on, needed to draw samples if they had no name or path.
        device: Where samples are drawn: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        InputError: The folder holds no run.
    """
    folder = find_run(path)
    root = None if data_root is None else Path(data_root)
    source = (
        None
        if data is None and root is None
        else open_dataset(folder.description().dataset if data is None else data, root)
    )
    return TrainedRun(folder.path, source=source, device=device)


def evaluate(
    *,
    fake: SamplesLike,
    real: SamplesLike | None = None,
    held_out: SamplesLike | None = None,
    metrics: str | Sequence[str] | None = None,
    network: str | None = None,
    samples: int | None = None,
    seed: int = 0,
    device: str = "auto",
    engine: str = "torch",
    precision: str = "fp32",
    strict: bool = False,
    floors: bool = True,
    value_range: tuple[float, float] | None = None,
    latent_dim: int | None = None,
    classes: int | None = None,
    per_class: bool = False,
    data_root: str | Path | None = None,
    progress: Progress | bool = True,
) -> EvaluationResult:
    """Measure ``fake`` against ``real``; both are keyword arguments, as they are not alike.

    Args:
        fake: Samples: a folder or archive of images, an array, tensor, ``Dataset``,
            ``DataLoader``, list of PIL images, a generator (callable, module, TorchScript, ONNX),
            the folder of a run or a run itself, a pretrained generator (``dcgan@mnist5k``), a
            registered dataset (``fashion-mnist:test``).
        real: The same, or a file of statistics. None stands for the data a run was trained on.
        held_out: Real samples that were not trained on, for ``fid-gap`` and ``data-copying``.
        metrics: Names such as ``fid`` or ``recall@vgg16-fc2``; None selects those that suit.
        network: The feature network of metrics that name none.
        samples: The number of samples to draw from a generator, or to choose from a larger set.
        seed: The seed of drawing, choosing and resampling.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        engine: How networks are computed: ``torch``, ``compile`` or ``openvino``.
        precision: The number format of networks: ``fp32`` or ``bf16``.
        strict: Refuse images that cannot be read and files that are passed over, which are
            otherwise counted.
        floors: Measure real against real as well.
        value_range: The range of floats, if it is not [-1, 1].
        latent_dim: The size of a generator's latents, if the generator does not tell.
        classes: The number of classes of a conditional generator.
        per_class: Measure each class against the same class as well.
        data_root: The folder that is searched first for downloaded datasets.
        progress: True shows a bar, False shows nothing; your own object is told instead.

    Raises:
        GanbenchError: A source cannot be read, a metric does not suit it, or weights are not on
            this machine.
    """
    compute = Compute(device=device, engine=engine, precision=precision)  # type: ignore[arg-type]
    with _shown(progress, lambda: WorkBar(quiet=False)) as shown:
        document = measure_samples(
            fake=fake,
            real=real,
            held_out=held_out,
            metrics=None if metrics is None else as_list(metrics),
            network=network,
            samples=samples,
            seed=seed,
            compute=compute,
            strict=strict,
            floors=floors,
            value_range=value_range,
            latent_dim=latent_dim,
            classes=classes,
            per_class=per_class,
            data_root=None if data_root is None else Path(data_root),
            progress=shown,
        )
    return EvaluationResult(document)


def compare(
    models: Model | Iterable[Model],
    *,
    tricks: Iterable[str | TrickChoice | Sequence[TrickChoice]] = ("none",),
    data: Any = "mnist5k",
    seeds: str | int | Iterable[int] = range(3),
    settings: Mapping[str, Any] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    metrics: str | Sequence[str] | None = None,
    samples: int | None = None,
    real_split: str | None = None,
    metric: str | None = None,
    baseline: str | None = None,
    retry_failed: bool = False,
    jobs: int = 1,
    out: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    data_root: str | Path | None = None,
    log: str | Sequence[str] = (),
) -> ComparisonResult:
    """Train every combination of models, sets of tricks, data and seeds, and compare them.

    Stored runs are not trained again, so repeating the call finishes or extends a comparison.

    Args:
        models: Models, as for ``run``.
        tricks: Sets of tricks: ``"none"``, ``"r1+ema"``, an object, or a sequence of objects.
        data: What to train on, as for ``run``; a list of names compares on each dataset.
        seeds: The seeds, also as ``"0-4"``; runs with the same seed are compared in pairs.
        settings: Settings to change in all runs, as for ``run``.
        vary: Further axes of the matrix: the values to try, by setting.
        metrics: Metrics to measure, by name; None selects those that suit the data.
        samples: The number of samples to measure.
        real_split: The split that metrics compare with; None means the one that is trained on.
        metric: The primary metric, which the verdicts are about; None selects FID, KID or reverse
            KL, or the first one.
        baseline: The variant that others are compared with; None selects models without tricks.
        retry_failed: Try again the runs that failed in an earlier call.
        jobs: The number of runs that are trained at a time, each in its own process. Objects and
            data in memory exist in this process alone, which trains one run at a time.
        out: The folder of these runs; None means ``compare`` below the folder of runs.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        threads: CPU threads of each run; None divides the free cores, or is 1 if that is as fast.
        data_root: The folder that is searched first for downloaded datasets.
        log: Loggers that hear of the runs, as for ``run``.

    Raises:
        GanbenchError: The matrix has a mistake; it is found before anything is trained.
    """
    check_whole("The number of jobs", jobs, 1, MOST_JOBS)
    root = None if data_root is None else Path(data_root)
    datasets, sources = named_and_opened(data, root)
    suite = make_suite(
        {
            "models": [model_name(model) for model in as_list(models)],
            "tricks": [trick_set(tricks_of_set) for tricks_of_set in as_list(tricks)],
            "datasets": [*datasets, *sources],
            "seeds": seeds if isinstance(seeds, str) else as_list(seeds),
            "set": dict(settings or {}),
            "vary": {key: as_list(values) for key, values in (vary or {}).items()},
            "metrics": metrics,
            "samples": samples,
            "real_split": real_split,
            "threads": threads,
            "metric": metric,
            "baseline": baseline,
        }
    )
    options = RunOptions(
        out=_folder(out, "compare"),
        resume=True,
        device=device,
        data_root=root,
        sources=sources,
        loggers=tuple(as_list(log)),
        command="ganbench.compare",
        **suite.run_options,
    )
    planned = plan_comparison(suite, options, policy=Policy(retry_failed=retry_failed))
    _carry_out(planned.scheduler, jobs)
    return _result(planned)


def _carry_out(scheduler: Scheduler, jobs: int) -> None:
    """Carry out the cells of a matrix, as many at a time as can be."""
    here = only_here(scheduler)
    if here and jobs > 1:
        exist = "exist" if len(here) > 1 else "exists"
        warnings.warn(
            f"jobs={jobs} changed nothing: {join_words(here)} {exist} in this process alone, "
            "which trains one run at a time. What is in a file is found by other processes, too.",
            stacklevel=3,
        )
    backend_name = "inline" if here or jobs == 1 else "local"
    scheduler.settle_threads(cells_at_a_time(backend_name, jobs))
    options = scheduler.options
    backend = make_backend(backend_name, jobs, options.threads or 1, device=options.device)
    with closing(backend):
        scheduler.run(backend)


def _result(planned: PlannedComparison) -> ComparisonResult:
    """Return the result of a comparison, with a warning if runs failed."""
    scheduler, suite = planned.scheduler, planned.suite
    matrix = compared_datasets(scheduler, suite.baseline, suite.metric)
    record_choices(scheduler.options.out, matrix.choices)
    result = ComparisonResult(scheduler, matrix)
    if result.failures:
        warnings.warn("\n".join(result.failures), stacklevel=3)
    return result


def _folder(out: str | Path | None, name: str = "") -> Path:
    """Return the folder for runs: ``out``, or a folder below the usual one."""
    return paths.runs() / name if out is None else paths.expand(out)


def _shown(
    progress: Progress | bool, make: Callable[[], TrainingBar | WorkBar]
) -> AbstractContextManager[Progress]:
    """Return the object that is told of progress: our bar for True, a silent one for False."""
    if isinstance(progress, Progress):
        return nullcontext(progress)
    return make() if progress else nullcontext(SILENT)
