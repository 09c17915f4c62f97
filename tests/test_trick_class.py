# SPDX-License-Identifier: MIT
"""What the class of a trick must be."""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field
from small_models import small
from small_states import state_of

from ganbench import DataSpec, Trick, losses, register, registry
from ganbench.errors import ConfigError
from ganbench.trick import HOOKS
from ganbench.trick_class import check_hooks, check_trick_class

POINTS = DataSpec("points", "1", (2,))


@pytest.mark.parametrize("name", registry.tricks.names())
def test_every_bundled_trick_passes(name):
    check_trick_class(registry.tricks.get(name), HOOKS)


def test_what_the_command_line_can_give_passes():
    @dataclass(frozen=True)
    class Typed(Trick):
        """A trick with a field of each type."""

        whole: int = 1
        real: Annotated[float, Field(ge=0)] = 1.0
        switch: bool = False
        word: str = "a"
        choice: Literal["a", 1] = "a"
        either: int | str = 1
        made: float = field(default_factory=float)
        order: ClassVar[int] = 3

        def cost(self):
            """Return nothing; the name is near to no hook."""

        def _after_steps(self):
            """Do nothing; the name says that it is no hook."""

    check_trick_class(Typed, HOOKS)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [(list, ()), (dict[str, int], 1), (object, 1), (None, 1), (float | None, None), (type, int)],
)
def test_what_the_command_line_cannot_give_is_refused(annotation, default):
    kind = type("Odd", (Trick,), {"__annotations__": {"x": annotation}, "x": default})
    with pytest.raises(ConfigError, match="a field 'x' that the command line cannot give"):
        check_trick_class(dataclass(frozen=True)(kind), HOOKS)


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("after_steps", "after_step"),
        ("discriminator_term", "discriminator_terms"),
        ("wrap_generater", "wrap_generator"),
        ("wraploss", "wrap_loss"),
        ("steprule", "step_rule"),
        ("latent", "latents"),
        ("samplers", "sampler"),
    ],
)
def test_a_misspelt_hook_is_named(name, hook):
    kind = type("Misspelt", (Trick,), {name: lambda self: None})
    place = rf"test_trick_class\.py:\d+: Misspelt has a method {name}, which is not a hook\."
    with pytest.raises(ConfigError, match=rf"{place} Did you mean '{hook}'\?") as raised:
        check_hooks(kind, HOOKS)
    assert f"_{name}" in raised.value.hint


def test_a_misspelt_hook_is_found_in_a_class_between():
    between = type("Between", (Trick,), {"after_steps": lambda self: None})
    with pytest.raises(ConfigError, match="after_steps"):
        check_hooks(type("Last", (between,), {}), HOOKS)


@pytest.mark.parametrize(("name", "hook"), [("view", "see"), ("dataset", "subset")])
def test_a_hook_of_an_earlier_version_is_named_with_what_took_its_place(name, hook):
    kind = type("Former", (Trick,), {name: lambda self: None})
    assert name not in HOOKS, "a hook is no former one"
    with pytest.raises(ConfigError, match=f"Did you mean '{hook}'?"):
        check_hooks(kind, HOOKS)
    check_hooks(kind, [*HOOKS, name])


@pytest.mark.parametrize("ordered_logits", [True, False])
@pytest.mark.parametrize("needed", [True, False])
def test_a_trick_that_needs_ordered_logits_is_refused_by_losses_without(needed, ordered_logits):
    @register("ranking")
    @dataclass(frozen=True)
    class Ranking(Trick):
        """A trick of a user's own, whose needs are declared and not checked by itself."""

        needs_ordered_logits: ClassVar = needed

    loss = replace(losses.non_saturating, higher_is_real=ordered_logits)
    trained = nullcontext()
    if needed and not ordered_logits:
        trained = pytest.raises(ConfigError, match="ranking relies on higher logits")
    with trained:
        state_of(small("vanilla", POINTS), POINTS, tricks=(Ranking(),), loss=loss)
