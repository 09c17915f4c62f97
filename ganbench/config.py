# SPDX-License-Identifier: MIT
"""The validated records that define a run, and the hash that identifies it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from ganbench.errors import ConfigError, InputError, suggest
from ganbench.moving import Moving, Number

MOST_LISTED_SEEDS = 10_000
"""The most seeds that a list may name."""

_MOST_LEVELS = 32
_TOO_DEEP = f"It is nested deeper than {_MOST_LEVELS} levels"

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
    trick_sources: dict[str, str] = {}
    """Hashes of the sources of tricks that are not part of ganbench."""
    loss_source: str = ""
    """Hash of the source of a loss that belongs neither to the model nor to ganbench."""
    dataset_version: str

    @property
    def identity(self) -> str:
        """Sixteen hex digits of the hash of everything that changes the result."""
        return next(self.identities([self.seed]))

    def identities(self, seeds: Iterable[int]) -> Iterator[str]:
        """Yield the identity that the run would have with each of the seeds."""
        described = {"scheme": IDENTITY_SCHEME, **self.model_dump(mode="json")}
        for key in ("parameters", "trick_sources", "loss_source"):
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


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``a.b=c`` into its key and its value, which is read as TOML where possible.

    Raises:
        ConfigError: The text has no equals sign, or no key.

    >>> parse_assignment("recipe.generator_optimizer.betas=[0, 0.9]")
    ('recipe.generator_optimizer.betas', [0, 0.9])
    >>> parse_assignment("loss=minimax")
    ('loss', 'minimax')
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"'{text}' is not an assignment; key=value was expected.",
            "For example: --set recipe.batch_size=128",
        )
    return key.strip(), parse_value(value)


def parse_value(text: str) -> Any:
    """Read a TOML value; any other text is a string."""
    try:
        return _load_toml(f"value = {text}")["value"]
    except ValueError:
        return text.strip()


def _load_toml(text: str) -> dict[str, Any]:
    """Read TOML whose integers have 64 bits, as its specification says.

    Raises:
        ValueError: The text is not valid TOML, or is nested deeper than anything needs to be.
    """
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_plain(values, 0)
    return values


def _check_plain(value: Any, depth: int) -> None:
    """Raise ValueError for an integer that nothing can hold, and for too deep a table."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("An integer has more than 64 bits")
    if depth > _MOST_LEVELS:
        raise ValueError(_TOO_DEEP)
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for member in members:
            _check_plain(member, depth + 1)


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


def parse_seeds(text: str) -> list[int]:
    """Read seeds as numbers and inclusive ranges.

    Raises:
        ConfigError: A part is not a number or range, a range runs backwards, or there are more
            seeds than ``MOST_LISTED_SEEDS``.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise ConfigError(
                f"'{part}' is not a seed; a number or a range was expected.",
                "For example: --seeds 0-4",
            ) from None
        if high < low:
            raise ConfigError(f"The range '{part}' runs backwards.", f"Write {high}-{low}.")
        if high >= 2**63:
            raise ConfigError("A seed is smaller than 2**63.", "For example: --seeds 0-4")
        if len(seeds) + high - low >= MOST_LISTED_SEEDS:
            raise ConfigError(
                f"'{text}' names more than {MOST_LISTED_SEEDS:,} seeds.", "For example: --seeds 0-4"
            )
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InputError: The file cannot be read, or is not valid TOML.
    """
    try:
        return _load_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error


def join_words(names: Iterable[str]) -> str:
    """Join names as a sentence lists them.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    *others, last = list(names) or [""]
    return f"{', '.join(others)} and {last}" if others else last
