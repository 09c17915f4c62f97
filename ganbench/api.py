# SPDX-License-Identifier: MIT
"""What one calls from Python: train, measure, compare, and look at what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ganbench import paths, registry
from ganbench.cli.progress_bars import Bar, Counter
from ganbench.config import trick_text
from ganbench.data import Source, open_dataset
from ganbench.harness.backends import make_backend
from ganbench.harness.compare import ComparisonResult, compared_datasets
from ganbench.harness.evaluate import SamplesLike, measure_samples
from ganbench.harness.matrix import check_options, plan_matrix
from ganbench.harness.measured_values import EvaluationResult
from ganbench.harness.plan import Model, TrickChoice, plan_for, trick_choice
from ganbench.harness.run import Run, RunOptions
from ganbench.harness.scheduler import Scheduler
from ganbench.harness.trained_run import TrainedRun
from ganbench.progress import SILENT, Progress
from ganbench.records.run_folder import open_run
from ganbench.runtime.inference import Compute
from ganbench.runtime.threads import default_threads
from ganbench.training.trainer import Schedule


def run(
    model: Model,
    data: Any = "mnist5k",
    *,
    tricks: Sequence[TrickChoice] = (),
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    samples: int | None = None,
    evaluations: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int | None = None,
    value_range: tuple[float, float] | None = None,
    data_root: str | Path | None = None,
    progress: Progress | bool = True,
) -> TrainedRun:
    """Train a GAN, measure it, and return the run.

    Args:
        model: A registered name, ``./file.py``, or a function that takes the ``DataSpec``.
        data: What to train on: a registered name, a path, an array or tensor, a ``Dataset`` or
            ``DataLoader``, a list of PIL images, a Hugging Face dataset.
        tricks: Tricks to add: ``"ema"``, ``"r1:weight=0.1"``, ``"pacgan:off"``, or objects.
        settings: What to change: ``{"kimg": 50, "loss": "hinge", "learning_rate": 1e-4}``.
        seed: The seed of everything that is random.
        metrics: What to measure, by name; None takes the metrics that suit the data.
        samples: How many samples are measured.
        evaluations: How often to measure during training.
        out: The folder of runs; None means ``GANBENCH_RUNS``, or ``runs``.
        resume: Go on with the unfinished run of the same identity, or return the finished one.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        threads: CPU threads.
        value_range: What floats of ``data`` range over, if not [-1, 1].
        data_root: Where downloaded datasets are looked for first.
        progress: True shows a bar, False nothing; an object of yours hears it instead.

    Raises:
        GanbenchError: names that are unknown, parts that do not fit, data that cannot be read.
    """
    root = None if data_root is None else Path(data_root)
    source = _opened(data, root, value_range)
    name = data if isinstance(data, str) else None
    plan = plan_for(source, name, model, tricks, {"seed": seed, **(settings or {})})
    options = RunOptions(
        out=_folder(out),
        resume=resume,
        device=device,
        threads=threads,
        data_root=root,
        metrics=None if metrics is None else tuple(metrics),
        samples=samples,
        schedule=Schedule(evaluations=evaluations),
        command="ganbench.run",
    )
    config = plan.config
    label = f"{config.model} on {config.dataset}, seed {config.seed}"
    with _shown(progress, lambda: Bar(label, quiet=False)) as shown:
        job = Run(plan, options, shown)
        job.execute()
    return TrainedRun(job.folder.path, source=source, device=device)


def load_run(
    path: str | Path, *, data: Any = None, device: str = "auto", data_root: str | Path | None = None
) -> TrainedRun:
    """Return a run that took place, from its folder.

    Args:
        path: The run's folder.
        data: What it was trained on, needed for samples where it was no name or path.
        device: Where samples are drawn.
        data_root: Where downloaded datasets are looked for first.

    Raises:
        InputError: the folder holds no run.
    """
    folder = open_run(Path(path))
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
    metrics: Sequence[str] | None = None,
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
    data_root: str | Path | None = None,
    progress: Progress | bool = True,
) -> EvaluationResult:
    """Measure ``fake`` against ``real``; both are given by name, because they are not alike.

    Args:
        fake: Samples: a folder or archive of images, an array, tensor, ``Dataset``,
            ``DataLoader``, list of PIL images, a generator (callable, module, TorchScript, ONNX),
            the folder of a run or a run itself, a registered dataset (``fashion-mnist:test``).
        real: The same, or a file of statistics; of a run None means what it was trained on.
        metrics: Names such as ``fid`` or ``recall@vgg16-fc2``; None takes those that suit.
        network: The feature network of metrics that name none.
        samples: How many are drawn from a generator, or chosen of a larger set.
        seed: Of drawing, choosing and resampling.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        engine: How networks are computed: ``torch``, ``compile`` or ``openvino``.
        precision: The number format of networks: ``fp32`` or ``bf16``.
        strict: Refuse images that cannot be read, which are otherwise left out and counted.
        floors: Measure real against real, too.
        value_range: What floats range over, if not [-1, 1].
        latent_dim: The size of a generator's latents, where it does not say.
        classes: The number of classes of a conditional generator.
        data_root: Where downloaded datasets are looked for first.
        progress: True shows a bar, False nothing; an object of yours hears it instead.

    Raises:
        GanbenchError: sources that cannot be read, metrics that do not suit them, weights that
            are not on this machine.
    """
    compute = Compute(device=device, engine=engine, precision=precision)  # type: ignore[arg-type]
    with _shown(progress, lambda: Counter(quiet=False)) as shown:
        document = measure_samples(
            fake=fake,
            real=real,
            metrics=metrics,
            network=network,
            samples=samples,
            seed=seed,
            compute=compute,
            strict=strict,
            floors=floors,
            **({} if value_range is None else {"value_range": value_range}),
            latent_dim=latent_dim,
            classes=classes,
            data_root=None if data_root is None else Path(data_root),
            progress=shown,
        )
    return EvaluationResult(document)


def compare(
    models: Model | Iterable[Model],
    *,
    tricks: Iterable[str | TrickChoice | Sequence[TrickChoice]] = ("none",),
    data: Any = "mnist5k",
    seeds: Iterable[int] = range(3),
    settings: Mapping[str, Any] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    metrics: Sequence[str] | None = None,
    metric: str | None = None,
    baseline: str | None = None,
    jobs: int = 1,
    out: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    data_root: str | Path | None = None,
) -> ComparisonResult:
    """Train every combination of models, sets of tricks, data and seeds, and compare them.

    What is stored is not trained again, so repeating the call finishes or extends a comparison.

    Args:
        models: Models, as for ``run``.
        tricks: Sets of tricks: ``"none"``, ``"r1+ema"``, an object, or a sequence of objects.
        data: What to train on, as for ``run``; a list of names compares on each of them.
        seeds: The seeds; runs of one seed are compared in pairs.
        settings: What to change for all, as for ``run``.
        vary: Further axes: values by setting.
        metrics: What to measure, by name; None takes the metrics that suit the data.
        metric: The metric that the verdicts are about; None takes the first.
        baseline: What the others are compared with; None chooses the models without tricks.
        jobs: How many runs are trained at a time, each in a process of its own.
        out: The folder of these runs; None means ``compare`` below the folder of runs.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        threads: CPU threads of each run; None divides the cores among the jobs.
        data_root: Where downloaded datasets are looked for first.

    Raises:
        GanbenchError: what is wrong with the matrix, before anything is trained.
    """
    root = None if data_root is None else Path(data_root)
    names = [_model_name(model) for model in _listed(models)]
    datasets = list(data) if isinstance(data, list | tuple) and _all_text(data) else [data]
    sources = {} if _all_text(datasets) else {s.spec.name: s for s in [_opened(data, root, None)]}
    options = RunOptions(
        out=_folder(out, "compare"),
        resume=True,
        device=device,
        threads=threads or default_threads(jobs),
        data_root=root,
        metrics=None if metrics is None else tuple(metrics),
        sources=sources,
        command="ganbench.compare",
    )
    cells = plan_matrix(
        names,
        [_trick_set(tricks_of_arm) for tricks_of_arm in _listed(tricks)],
        list(sources) or datasets,
        list(seeds),
        settings=settings or {},
        vary=vary,
        open_source=options.open,
    )
    scheduler = Scheduler(cells, options, check_options(cells, options))
    # What this process alone has, another cannot train: a notebook's functions, data in memory.
    own = bool(sources) or any(registry.models.entry(name).path is None for name in names)
    backend = make_backend("inline" if own or jobs == 1 else "local", jobs, options.threads or 1)
    try:
        scheduler.run(backend)
    finally:
        backend.close()
    return ComparisonResult(scheduler, compared_datasets(scheduler, baseline, metric))


def list_models() -> list[str]:
    """Return the names of all models, in alphabetical order."""
    return registry.models.names()


def list_tricks() -> list[str]:
    """Return the names of all tricks, in alphabetical order."""
    return registry.tricks.names()


def list_losses() -> list[str]:
    """Return the names of all losses, in alphabetical order."""
    return registry.losses.names()


def list_datasets() -> list[str]:
    """Return the names of all datasets, in alphabetical order."""
    return registry.datasets.names()


def list_metrics() -> list[str]:
    """Return the names of all metrics, in alphabetical order."""
    return registry.metrics.names()


def list_networks() -> list[str]:
    """Return the names of all feature networks, in alphabetical order."""
    return registry.networks.names()


def _opened(data: Any, root: Path | None, value_range: tuple[float, float] | None) -> Source:
    """Return data as a source, whatever they are."""
    if value_range is None:
        return open_dataset(data, root)
    return open_dataset(data, root, value_range=value_range)


def _folder(out: str | Path | None, name: str = "") -> Path:
    return paths.runs() / name if out is None else Path(out)


def _shown(
    progress: Progress | bool, make: Callable[[], Bar | Counter]
) -> AbstractContextManager[Progress]:
    """Return what hears of progress: a bar of ours for True, nobody for False."""
    if isinstance(progress, Progress):
        return nullcontext(progress)
    return make() if progress else nullcontext(SILENT)


def _listed(value: Any) -> list[Any]:
    """Return what is given as a list: one thing stands for a list of it."""
    several = isinstance(value, Iterable) and not isinstance(value, str | Mapping | type)
    return list(value) if several else [value]


def _all_text(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _model_name(model: Model) -> str:
    return model if isinstance(model, str) else registry.models.add(model)


def _trick_set(tricks: str | TrickChoice | Sequence[TrickChoice]) -> str:
    """Return a set of tricks as the command line writes it: ``r1:weight=0.1+ema``."""
    if isinstance(tricks, str):
        return tricks
    configs = [trick_choice(trick) for trick in _listed(tricks)]
    return "+".join(trick_text(config) for config in configs) or "none"
