# SPDX-License-Identifier: MIT
"""The validated records that define a run, and the hash that identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from ganbench.errors import ConfigError, suggest
from ganbench.moving import Moving, Number
from ganbench.typed_values import parse_assignment

IDENTITY_SCHEME = 1
"""Version of what goes into a run's identity; raised when a change alters results for all."""

Precision = Literal["fp32", "medium", "bf16"]
"""How passes are computed: see ``ganbench.runtime.execution.arithmetic``."""

PlainValue = bool | int | float | str
"""A value that a command line gives and a configuration records."""

Count = Annotated[int, Field(ge=1, lt=2**31)]
Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Model = TypeVar("Model", bound=BaseModel)


class Record(BaseModel):
    """Base class of all settings: immutable; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _positive(rate: float | Moving) -> float | Moving:
    """Refuse a learning rate of zero, except at one end of a rate that moves."""
    if isinstance(rate, Moving) and not rate >= 0:
        raise PydanticKnownError("greater_than_equal", {"ge": 0})
    if rate <= 0:
        raise PydanticKnownError("greater_than", {"gt": 0})
    return rate


LearningRate = Annotated[Number, AfterValidator(_positive)]


class OptimizerSpec(Record):
    """An optimizer as data: ``betas`` are for adam, ``momentum`` for sgd, ``alpha`` for rmsprop.

    The learning rate may move: ``2e-4->0``.
    """

    kind: Literal["adam", "sgd", "rmsprop"] = "adam"
    learning_rate: LearningRate
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    momentum: float = Field(default=0.0, gt=-1.0, lt=1.0)
    alpha: float = Field(default=0.99, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=0.0, ge=0.0)


def adam(learning_rate: float | Moving, betas: tuple[float, float] = (0.9, 0.999)) -> OptimizerSpec:
    """Describe Adam (Kingma and Ba, 2014, arXiv:1412.6980)."""
    return OptimizerSpec(kind="adam", learning_rate=learning_rate, betas=betas)


def sgd(learning_rate: float | Moving, momentum: float = 0.0) -> OptimizerSpec:
    """Describe stochastic gradient descent; the momentum may be negative (arXiv:1807.04740)."""
    return OptimizerSpec(kind="sgd", learning_rate=learning_rate, momentum=momentum)


def rmsprop(learning_rate: float | Moving, alpha: float = 0.99) -> OptimizerSpec:
    """Describe RMSprop, the optimizer of the WGAN paper (arXiv:1701.07875)."""
    return OptimizerSpec(kind="rmsprop", learning_rate=learning_rate, alpha=alpha)


class DataSize(Protocol):
    """What a recipe needs to know of data: a ``DataSpec`` knows it."""

    @property
    def is_image(self) -> bool:
        """Whether examples are images."""

    @property
    def resolution(self) -> int:
        """The height of an image in pixels."""


class Recipe(Record):
    """How a GAN is trained on some data: everything but networks, loss and tricks.

    The learning rates fall along ``schedule``, from their values in the optimizers to
    ``final_learning_rate`` times those values; or an optimizer's rate moves by itself, as in
    ``2e-4->0``, and there is no schedule.
    """

    kimg: float = Field(gt=0, le=1e9)
    """The length of training, in thousands of real images shown to the discriminator."""
    batch_size: Count = 64
    """The number of real examples in a batch, over all processes together."""
    discriminator_steps: Count = 1
    """Updates of the discriminator in one iteration."""
    generator_steps: Count = 1
    """Updates of the generator in one iteration."""
    latent_dim: Count = 100
    prior: Literal["normal", "uniform"] = "normal"
    """The distribution of each value of a latent: N(0, 1), or uniform in [-1, 1]."""
    generator_optimizer: OptimizerSpec = adam(2e-4, (0.5, 0.999))
    discriminator_optimizer: OptimizerSpec = adam(2e-4, (0.5, 0.999))
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    final_learning_rate: float = Field(default=0.0, ge=0.0, le=1.0)
    """The learning rate at the end of the schedule, as a share of the initial one."""

    @classmethod
    def preset(cls, data: DataSize) -> Recipe:
        """Return what suits most variants: DCGAN's settings for images, vanilla's for points."""
        if data.is_image:
            return cls(kimg=320 if data.resolution <= 32 else 2000)
        optimizer = adam(5e-4, (0.5, 0.999))
        return cls(
            kimg=2000,
            batch_size=128,
            latent_dim=2,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
            schedule="linear",
        )

    def replace(
        self,
        *,
        kimg: float | None = None,
        batch_size: int | None = None,
        discriminator_steps: int | None = None,
        latent_dim: int | None = None,
        prior: Literal["normal", "uniform"] | None = None,
        generator_optimizer: OptimizerSpec | None = None,
        discriminator_optimizer: OptimizerSpec | None = None,
        schedule: Literal["constant", "linear", "cosine"] | None = None,
    ) -> Recipe:
        """Return a copy with some settings replaced; None keeps a setting."""
        changes = {
            "kimg": kimg,
            "batch_size": batch_size,
            "discriminator_steps": discriminator_steps,
            "latent_dim": latent_dim,
            "prior": prior,
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "schedule": schedule,
        }
        given = {key: value for key, value in changes.items() if value is not None}
        return type(self).model_validate({**dict(self), **given})

    @field_validator("schedule")
    @classmethod
    def _no_schedule_for_moving_rates(cls, schedule: str, info: ValidationInfo) -> str:
        """Refuse a schedule where a learning rate moves by itself."""
        specs = (info.data.get(f"{role}_optimizer") for role in ("generator", "discriminator"))
        for spec in specs:
            if schedule != "constant" and spec and isinstance(spec.learning_rate, Moving):
                raise PydanticCustomError(
                    "schedule",
                    "Input should be 'constant' where a learning rate moves by itself ({rate})",
                    {"rate": str(spec.learning_rate), "hint": "Add --set schedule=constant"},
                )
        return schedule


class TrickConfig(Record):
    """A trick by name, with those of its parameters that are set."""

    name: str
    parameters: dict[str, PlainValue] = {}


class Origin(Record):
    """The finished run from whose weights a run starts."""

    run: str
    """The identity of that run."""
    kimg: float = Field(gt=0)
    """How long that run was trained; the count goes on from there."""
    variant: str
    """A digest of that run's configuration that does not depend on its seed."""


class RunConfig(Record):
    """Everything that changes a run's result: the input of its identity."""

    model: str
    parameters: dict[str, PlainValue] = {}
    """The parameters of the model, those at their defaults included."""
    dataset: str
    loss: str
    tricks: tuple[TrickConfig, ...] = ()
    recipe: Recipe
    seed: int = Field(default=0, ge=0, lt=2**63)
    precision: Precision = "fp32"
    model_source: str
    backbone_source: str = ""
    """Hash of the source of a backbone that is not part of ganbench."""
    trick_sources: dict[str, str] = {}
    """Hashes of the sources of tricks that are not part of ganbench."""
    loss_source: str = ""
    """Hash of the source of a loss that belongs neither to the model nor to ganbench."""
    dataset_version: str
    origin: Origin | None = None
    """Left out of records of runs that start from newly initialized weights."""
    turns_by_hand: int = Field(default=0, ge=0)
    """Updates of one player alone that were made by hand in a lab, which no command repeats."""

    @model_serializer(mode="wrap")
    def _without_what_is_rare(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what most runs do not have, as in runs from before these fields existed."""
        values: dict[str, Any] = serialize(self)
        for name in ("origin", "turns_by_hand"):
            if not values.get(name):
                values.pop(name, None)  # a part of the record may be asked for
        return values

    @property
    def identity(self) -> str:
        """Sixteen hex digits of the hash of everything that changes the result."""
        return next(self.identities([self.seed]))

    def identities(self, seeds: Iterable[int]) -> Iterator[str]:
        """Yield the identity that the run would have with each of the seeds."""
        described = {"scheme": IDENTITY_SCHEME, **self.model_dump(mode="json")}
        for key in ("parameters", "trick_sources", "loss_source", "backbone_source"):
            if not described[key]:  # such runs keep the identity they had before the field existed
                del described[key]
        for seed in seeds:
            yield digest({**described, "seed": seed})


def digest(value: Mapping[str, Any]) -> str:
    """Return sixteen hex digits of the SHA-256 of the canonical JSON of a mapping."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def canonical_json(value: Mapping[str, Any]) -> str:
    """Return JSON with sorted keys and no spaces, so that equal records are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def override(record: Model, assignments: Mapping[str, Any], prefix: str = "") -> Model:
    """Return a copy of a record with dotted keys replaced, validated as a whole.

    Args:
        record: The record to copy.
        assignments: New values, by dotted key: ``generator_optimizer.betas``.
        prefix: The path of the record, which comes before the keys in messages: ``recipe.``.

    Raises:
        ConfigError: A key is unknown (the nearest is suggested), or a value does not fit.
    """
    values = record.model_dump()
    for key, value in assignments.items():
        _assign(values, key.split("."), value, prefix + key)
    return validate(type(record), values, prefix)


def validate(kind: type[Model], values: Mapping[str, Any], prefix: str = "") -> Model:
    """Build a record from plain values.

    Args:
        kind: The class of the record.
        values: The values of its fields.
        prefix: The path of the record, which comes before the keys in messages: ``recipe.``.

    Raises:
        ConfigError: The first thing that is wrong, in one sentence.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = suggest(str(first["loc"][-1]), kind.model_fields)
            raise ConfigError(f"Unknown key '{key}'. {near}".strip()) from error
        value = first.get("input")
        hint = first.get("ctx", {}).get("hint", "")
        raise ConfigError(f"{key}: {first['msg']}, not {value!r}.", hint) from error


def _assign(values: dict[str, Any], parts: list[str], value: Any, key: str) -> None:
    """Set a value deep in nested dictionaries; every part of its path must exist already."""
    *path, last = parts
    for part in path:
        inner = values.get(part)
        if not isinstance(inner, dict):
            raise ConfigError(f"Unknown key '{key}'. {suggest(part, values)}".strip())
        values = inner
    if last not in values:
        known = ", ".join(values)
        raise ConfigError(
            f"Unknown key '{key}'. {suggest(last, values)}".strip(), f"There are: {known}."
        )
    values[last] = value


def parse_trick(text: str) -> TrickConfig:
    """Read a trick from the command line: ``name`` or ``name:key=value,key=value``.

    The name may be a file, ``./mine.py``, or an entry of a file: ``./mine.py:name``.

    Raises:
        ConfigError: There is no name, or a parameter is not an assignment.

    >>> parse_trick("r1:weight=0.5")
    TrickConfig(name='r1', parameters={'weight': 0.5})
    >>> parse_trick("./mine.py:drift:weight=0.5")
    TrickConfig(name='./mine.py:drift', parameters={'weight': 0.5})
    """
    name, _, rest = text.partition(":")
    entry, _, parameters_of_entry = rest.partition(":")
    if name.endswith(".py") and entry.strip() not in {"", "off"} and not {"=", ","} & set(entry):
        name, rest = f"{name}:{entry.strip()}", parameters_of_entry
    if not name.strip():
        raise ConfigError(f"'{text}' names no trick.", "For example: --trick r1:weight=0.1")
    parameters: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        if part.strip() == "off":
            parameters["off"] = True
            continue
        key, value = parse_assignment(part)
        parameters[key] = value
    return validate(TrickConfig, {"name": name.strip(), "parameters": parameters}, "trick ")


def trick_text(trick: TrickConfig) -> str:
    """Return a trick as it is written on the command line.

    >>> trick_text(TrickConfig(name="r1", parameters={"weight": 0.5, "every": 4}))
    'r1:weight=0.5,every=4'
    """
    values = ",".join(f"{key}={value}" for key, value in trick.parameters.items())
    return f"{trick.name}:{values}" if values else trick.name


def join_words(names: Iterable[str]) -> str:
    """Join names as a sentence lists them.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    *others, last = list(names) or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "run"), counted(3, "run")
    ('1 run', '3 runs')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
