# SPDX-License-Identifier: MIT
"""ganbench trains, measures and compares GANs, with numbers that can be trusted.

    run = ganbench.run("dcgan", tricks=["ema"], settings={"kimg": 50})
    run.metrics, run.grid(), run.sample(64)

    result = ganbench.evaluate(fake="samples.zip", real="photos", metrics=["fid", "recall"])
    comparison = ganbench.compare(["vanilla", "dcgan"], tricks=["none", "ema"], seeds=range(5))

Importing this package loads no torch; each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # for type checkers and editors; at run time see __getattr__
    from ganbench.api import compare as compare
    from ganbench.api import evaluate as evaluate
    from ganbench.api import load_run as load_run
    from ganbench.api import run as run
    from ganbench.backbone import Backbone as Backbone
    from ganbench.backbone import build_backbone as build_backbone
    from ganbench.backbone import images_only as images_only
    from ganbench.citations import cite as cite
    from ganbench.citations import list_papers as list_papers
    from ganbench.config import OptimizerSpec as OptimizerSpec
    from ganbench.config import Recipe as Recipe
    from ganbench.config import RunConfig as RunConfig
    from ganbench.config import adam as adam
    from ganbench.config import rmsprop as rmsprop
    from ganbench.config import sgd as sgd
    from ganbench.data import open_dataset as open_dataset
    from ganbench.data.dataset import Dataset as Dataset
    from ganbench.data.dataset import Source as Source
    from ganbench.errors import ConfigError as ConfigError
    from ganbench.errors import GanbenchError as GanbenchError
    from ganbench.errors import InputError as InputError
    from ganbench.evaluation.evidence import Evidence as Evidence
    from ganbench.evaluation.feature_network import FeatureNetwork as FeatureNetwork
    from ganbench.evaluation.feature_network import NetworkFacts as NetworkFacts
    from ganbench.evaluation.metric import Metric as Metric
    from ganbench.evaluation.metric import Value as Value
    from ganbench.evaluation.pair_network import PairNetwork as PairNetwork
    from ganbench.gan import GAN as GAN
    from ganbench.gan import Batch as Batch
    from ganbench.gan import DataSpec as DataSpec
    from ganbench.gan import Loss as Loss
    from ganbench.gan import Mixture as Mixture
    from ganbench.gan import Partner as Partner
    from ganbench.gan import Sampler as Sampler
    from ganbench.harness.compare import ComparisonResult as ComparisonResult
    from ganbench.harness.measured_values import EvaluationResult as EvaluationResult
    from ganbench.harness.trained_run import TrainedRun as TrainedRun
    from ganbench.listings import list_backbones as list_backbones
    from ganbench.listings import list_datasets as list_datasets
    from ganbench.listings import list_loggers as list_loggers
    from ganbench.listings import list_losses as list_losses
    from ganbench.listings import list_metrics as list_metrics
    from ganbench.listings import list_models as list_models
    from ganbench.listings import list_networks as list_networks
    from ganbench.listings import list_pretrained as list_pretrained
    from ganbench.listings import list_tricks as list_tricks
    from ganbench.losses import additive as additive
    from ganbench.moving import Moving as Moving
    from ganbench.moving import Number as Number
    from ganbench.nn import MLP as MLP
    from ganbench.nn import ConvDiscriminator as ConvDiscriminator
    from ganbench.nn import ConvGenerator as ConvGenerator
    from ganbench.progress import Progress as Progress
    from ganbench.registry import register as register
    from ganbench.run_logger import LoggedRun as LoggedRun
    from ganbench.run_logger import RunLogger as RunLogger
    from ganbench.samples import open_samples as open_samples
    from ganbench.state import State as State
    from ganbench.training.build import create as create
    from ganbench.trick import Hooks as Hooks
    from ganbench.trick import Terms as Terms
    from ganbench.trick import Trick as Trick
    from ganbench.trick import TrickState as TrickState
    from ganbench.tricks.ada import ADA as ADA
    from ganbench.tricks.apa import APA as APA
    from ganbench.tricks.bcr import BCR as BCR
    from ganbench.tricks.consensus import Consensus as Consensus
    from ganbench.tricks.consistency_term import ConsistencyTerm as ConsistencyTerm
    from ganbench.tricks.contrastive import Contrastive as Contrastive
    from ganbench.tricks.coreset_batches import CoresetBatches as CoresetBatches
    from ganbench.tricks.ddls import DDLS as DDLS
    from ganbench.tricks.diffaugment import DiffAugment as DiffAugment
    from ganbench.tricks.diversity_sensitive import DiversitySensitive as DiversitySensitive
    from ganbench.tricks.dot import DOT as DOT
    from ganbench.tricks.dp_sgd import DPSGD as DPSGD
    from ganbench.tricks.dragan import DRAGAN as DRAGAN
    from ganbench.tricks.drs import DRS as DRS
    from ganbench.tricks.ema import EMA as EMA
    from ganbench.tricks.extragradient import Extragradient as Extragradient
    from ganbench.tricks.feature_matching import FeatureMatching as FeatureMatching
    from ganbench.tricks.freeze_d import FreezeD as FreezeD
    from ganbench.tricks.gradient_clipping import GradientClipping as GradientClipping
    from ganbench.tricks.gradient_normalization import (
        GradientNormalization as GradientNormalization,
    )
    from ganbench.tricks.gradient_penalty import GradientPenalty as GradientPenalty
    from ganbench.tricks.group_norm import GroupNorm as GroupNorm
    from ganbench.tricks.historical_averaging import HistoricalAveraging as HistoricalAveraging
    from ganbench.tricks.instance_noise import InstanceNoise as InstanceNoise
    from ganbench.tricks.instance_norm import InstanceNorm as InstanceNorm
    from ganbench.tricks.instance_selection import InstanceSelection as InstanceSelection
    from ganbench.tricks.jacobian_clamping import JacobianClamping as JacobianClamping
    from ganbench.tricks.label_smoothing import LabelSmoothing as LabelSmoothing
    from ganbench.tricks.latent_consistency import LatentConsistency as LatentConsistency
    from ganbench.tricks.layer_norm import LayerNorm as LayerNorm
    from ganbench.tricks.learning_rate_decay import LearningRateDecay as LearningRateDecay
    from ganbench.tricks.lecam import LeCam as LeCam
    from ganbench.tricks.logan import LOGAN as LOGAN
    from ganbench.tricks.lookahead import Lookahead as Lookahead
    from ganbench.tricks.metropolis_hastings import MetropolisHastings as MetropolisHastings
    from ganbench.tricks.minibatch_discrimination import (
        MinibatchDiscrimination as MinibatchDiscrimination,
    )
    from ganbench.tricks.minibatch_stddev import MinibatchStddev as MinibatchStddev
    from ganbench.tricks.mode_seeking import ModeSeeking as ModeSeeking
    from ganbench.tricks.momentum import Momentum as Momentum
    from ganbench.tricks.multi_scale import MultiScale as MultiScale
    from ganbench.tricks.optimistic_adam import OptimisticAdam as OptimisticAdam
    from ganbench.tricks.orthogonal_initialization import (
        OrthogonalInitialization as OrthogonalInitialization,
    )
    from ganbench.tricks.orthogonal_regularization import (
        OrthogonalRegularization as OrthogonalRegularization,
    )
    from ganbench.tricks.pacgan import PacGAN as PacGAN
    from ganbench.tricks.path_length import PathLength as PathLength
    from ganbench.tricks.projected_discriminator import ProjectedFeatures as ProjectedFeatures
    from ganbench.tricks.r1 import R1 as R1
    from ganbench.tricks.r2 import R2 as R2
    from ganbench.tricks.replay import Replay as Replay
    from ganbench.tricks.rotation import Rotation as Rotation
    from ganbench.tricks.several_discriminators import (
        DiscriminatorEnsemble as DiscriminatorEnsemble,
    )
    from ganbench.tricks.spectral_norm import SpectralNorm as SpectralNorm
    from ganbench.tricks.standing_statistics import StandingStatistics as StandingStatistics
    from ganbench.tricks.symplectic import Symplectic as Symplectic
    from ganbench.tricks.top_k import TopK as TopK
    from ganbench.tricks.truncation import Truncation as Truncation
    from ganbench.tricks.ttur import TTUR as TTUR
    from ganbench.tricks.unet_discriminator import PixelwiseDiscriminator as PixelwiseDiscriminator
    from ganbench.tricks.unrolled import Unrolled as Unrolled
    from ganbench.tricks.virtual_batch_norm import VirtualBatchNorm as VirtualBatchNorm
    from ganbench.tricks.weight_clipping import WeightClipping as WeightClipping
    from ganbench.tricks.weight_norm import WeightNorm as WeightNorm
    from ganbench.tricks.wgan_div import WassersteinDivergence as WassersteinDivergence
    from ganbench.turn import Scored as Scored
    from ganbench.turn import Seen as Seen
    from ganbench.turn import Turn as Turn

_NAMES_BY_HOME = {
    "api": ("compare", "evaluate", "load_run", "run"),
    "backbone": ("Backbone", "build_backbone", "images_only"),
    "citations": ("cite", "list_papers"),
    "config": ("OptimizerSpec", "Recipe", "RunConfig", "adam", "rmsprop", "sgd"),
    "data": ("open_dataset",),
    "data.dataset": ("Dataset", "Source"),
    "errors": ("ConfigError", "GanbenchError", "InputError"),
    "evaluation.evidence": ("Evidence",),
    "evaluation.feature_network": ("FeatureNetwork", "NetworkFacts"),
    "evaluation.metric": ("Metric", "Value"),
    "evaluation.pair_network": ("PairNetwork",),
    "gan": ("GAN", "Batch", "DataSpec", "Loss", "Mixture", "Partner", "Sampler"),
    "harness.compare": ("ComparisonResult",),
    "harness.measured_values": ("EvaluationResult",),
    "harness.trained_run": ("TrainedRun",),
    "listings": (
        "list_backbones",
        "list_datasets",
        "list_loggers",
        "list_losses",
        "list_metrics",
        "list_models",
        "list_networks",
        "list_pretrained",
        "list_tricks",
    ),
    "losses": ("additive",),
    "moving": ("Moving", "Number"),
    "nn": ("MLP", "ConvDiscriminator", "ConvGenerator"),
    "progress": ("Progress",),
    "registry": ("register",),
    "run_logger": ("LoggedRun", "RunLogger"),
    "samples": ("open_samples",),
    "state": ("State",),
    "training.build": ("create",),
    "trick": ("Hooks", "Terms", "Trick", "TrickState"),
    "tricks.ada": ("ADA",),
    "tricks.apa": ("APA",),
    "tricks.bcr": ("BCR",),
    "tricks.consensus": ("Consensus",),
    "tricks.consistency_term": ("ConsistencyTerm",),
    "tricks.contrastive": ("Contrastive",),
    "tricks.coreset_batches": ("CoresetBatches",),
    "tricks.ddls": ("DDLS",),
    "tricks.diffaugment": ("DiffAugment",),
    "tricks.diversity_sensitive": ("DiversitySensitive",),
    "tricks.dot": ("DOT",),
    "tricks.dp_sgd": ("DPSGD",),
    "tricks.dragan": ("DRAGAN",),
    "tricks.drs": ("DRS",),
    "tricks.ema": ("EMA",),
    "tricks.extragradient": ("Extragradient",),
    "tricks.feature_matching": ("FeatureMatching",),
    "tricks.freeze_d": ("FreezeD",),
    "tricks.gradient_clipping": ("GradientClipping",),
    "tricks.gradient_normalization": ("GradientNormalization",),
    "tricks.gradient_penalty": ("GradientPenalty",),
    "tricks.group_norm": ("GroupNorm",),
    "tricks.historical_averaging": ("HistoricalAveraging",),
    "tricks.instance_noise": ("InstanceNoise",),
    "tricks.instance_norm": ("InstanceNorm",),
    "tricks.instance_selection": ("InstanceSelection",),
    "tricks.jacobian_clamping": ("JacobianClamping",),
    "tricks.label_smoothing": ("LabelSmoothing",),
    "tricks.latent_consistency": ("LatentConsistency",),
    "tricks.layer_norm": ("LayerNorm",),
    "tricks.learning_rate_decay": ("LearningRateDecay",),
    "tricks.lecam": ("LeCam",),
    "tricks.logan": ("LOGAN",),
    "tricks.lookahead": ("Lookahead",),
    "tricks.metropolis_hastings": ("MetropolisHastings",),
    "tricks.minibatch_discrimination": ("MinibatchDiscrimination",),
    "tricks.minibatch_stddev": ("MinibatchStddev",),
    "tricks.mode_seeking": ("ModeSeeking",),
    "tricks.momentum": ("Momentum",),
    "tricks.multi_scale": ("MultiScale",),
    "tricks.optimistic_adam": ("OptimisticAdam",),
    "tricks.orthogonal_initialization": ("OrthogonalInitialization",),
    "tricks.orthogonal_regularization": ("OrthogonalRegularization",),
    "tricks.pacgan": ("PacGAN",),
    "tricks.path_length": ("PathLength",),
    "tricks.projected_discriminator": ("ProjectedFeatures",),
    "tricks.r1": ("R1",),
    "tricks.r2": ("R2",),
    "tricks.replay": ("Replay",),
    "tricks.rotation": ("Rotation",),
    "tricks.several_discriminators": ("DiscriminatorEnsemble",),
    "tricks.spectral_norm": ("SpectralNorm",),
    "tricks.standing_statistics": ("StandingStatistics",),
    "tricks.symplectic": ("Symplectic",),
    "tricks.top_k": ("TopK",),
    "tricks.truncation": ("Truncation",),
    "tricks.ttur": ("TTUR",),
    "tricks.unet_discriminator": ("PixelwiseDiscriminator",),
    "tricks.unrolled": ("Unrolled",),
    "tricks.virtual_batch_norm": ("VirtualBatchNorm",),
    "tricks.weight_clipping": ("WeightClipping",),
    "tricks.weight_norm": ("WeightNorm",),
    "tricks.wgan_div": ("WassersteinDivergence",),
    "turn": ("Scored", "Seen", "Turn"),
}
_HOMES = {name: home for home, names in _NAMES_BY_HOME.items() for name in names}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ganbench.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ganbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
