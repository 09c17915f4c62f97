# SPDX-License-Identifier: MIT
"""Names of variants: tricks and settings that set them apart, and no two alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.config import Recipe, TrickConfig, canonical_json
from ganbench.records.labels import by_numbers, derive_labels, label_variants, variant_key
from ganbench.records.load import load_runs
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord


def test_variants_are_named_by_what_differs(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    r1 = TrickConfig(name="r1", parameters={"weight": 1.0, "every": 1})
    strong = TrickConfig(name="r1", parameters={"weight": 10.0, "every": 1})
    ema = TrickConfig(name="ema", parameters={"decay": 0.99})
    for seed in (0, 1):
        make_run(tmp_path, seed)
        make_run(tmp_path, seed, tricks=(ema,))
        make_run(tmp_path, seed, tricks=(ema, r1))
        make_run(tmp_path, seed, tricks=(strong,))
        make_run(tmp_path, seed, loss="minimax")
        make_run(tmp_path, seed, recipe=Recipe(kimg=10, batch_size=128))
        make_run(tmp_path, seed, dataset="grid25", recipe=Recipe(kimg=20))
    seeds: dict[str, list[int | None]] = {}
    for run in load_runs([tmp_path]):
        seeds.setdefault(f"{run.dataset}: {run.variant}", []).append(run.seed)
    common = "loss=non-saturating, batch_size=64"
    assert seeds == {
        f"ring8: vanilla, {common}": [0, 1],
        f"ring8: vanilla + ema, {common}": [0, 1],
        f"ring8: vanilla + ema + r1(weight=1), {common}": [0, 1],
        f"ring8: vanilla + r1(weight=10), {common}": [0, 1],
        "ring8: vanilla, loss=minimax, batch_size=64": [0, 1],
        "ring8: vanilla, loss=non-saturating, batch_size=128": [0, 1],
        "grid25: vanilla": [0, 1],
    }


def test_settings_that_a_backbone_brings_along_are_left_out() -> None:
    def labels(*settings: tuple[str, int, float]) -> list[str]:
        return [
            label.variant
            for label in derive_labels(
                "nsgan",
                [
                    {"parameters": {"backbone": name}, "recipe": {"batch_size": size, "kimg": kimg}}
                    for name, size, kimg in settings
                ],
            )
        ]

    assert labels(("mlp", 64, 20), ("resnet", 32, 20)) == [
        "nsgan, backbone=mlp",
        "nsgan, backbone=resnet",
    ]
    assert labels(("mlp", 64, 20), ("mlp", 64, 40), ("resnet", 32, 20)) == [
        "nsgan, backbone=mlp, kimg=20",
        "nsgan, backbone=mlp, kimg=40",
        "nsgan, backbone=resnet, kimg=20",
    ]


def test_a_parameter_of_the_model_is_told_from_a_setting_of_its_name() -> None:
    configs = [
        {"parameters": {"batch_size": own}, "recipe": {"batch_size": size}}
        for own, size in ((1, 64), (2, 64), (1, 32))
    ]
    assert [label.setting for label in derive_labels("mine", configs)] == [
        "model.batch_size=1, batch_size=64",
        "model.batch_size=2, batch_size=64",
        "model.batch_size=1, batch_size=32",
    ]


def test_parameters_are_shown_where_they_differ() -> None:
    tricks = [{"name": "gp", "parameters": {"weight": weight, "target": 1}} for weight in (1, 10.0)]
    labels = derive_labels("wgan-gp", [{"tricks": [trick]} for trick in tricks])
    assert [label.tricks for label in labels] == ["gp(weight=1)", "gp(weight=10)"]
    assert [label.variant for label in derive_labels("wgan-gp", [{"tricks": tricks[:1]}])] == [
        "wgan-gp"
    ]


def test_a_number_that_moves_is_shown_whole() -> None:
    tricks = [
        {"name": "r1", "parameters": {"weight": f"0.0001234->0.0000123@{kimg}:linear"}}
        for kimg in (100, 200)
    ]
    labels = derive_labels("vanilla", [{"tricks": [trick]} for trick in tricks])
    assert [label.variant for label in labels] == [
        f"vanilla + r1(weight=0.0001234->0.0000123@{kimg}:linear)" for kimg in (100, 200)
    ]


def test_two_versions_of_a_dataset_are_two_datasets(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path, 0)
    make_run(tmp_path, 0, dataset_version="2")
    assert [run.dataset for run in load_runs([tmp_path])] == ["ring8 (1)", "ring8 (2)"]


def test_a_recorded_label_is_kept_while_it_means_one_thing() -> None:
    def recorded(name: str, variant: str, **config: str) -> RunRecord:
        return RunRecord(name, "done", model="vanilla", dataset="d", variant=variant, config=config)

    first, other = recorded("a", "mine", loss="x"), recorded("b", "yours", loss="y")
    assert [run.variant for run in label_variants([first, other])] == ["mine", "yours"]
    clash = [first, recorded("b", "mine")]
    assert len({run.variant for run in label_variants(clash)}) == 2


def test_a_variant_has_one_name_on_all_datasets_once_it_is_named_anew() -> None:
    """Another strength on one of two datasets, as when a report is joined with further runs."""

    def recorded(dataset: str, weight: float) -> RunRecord:
        tricks = [{"name": "r1", "parameters": {"weight": weight}}]
        return RunRecord(
            f"{dataset}{weight}", "done", model="vanilla", dataset=dataset,
            variant="vanilla + r1", config={"tricks": tricks},
        )  # fmt: skip

    plain = [
        RunRecord(
            name, "done", model="vanilla", dataset=name, variant="vanilla", config={"tricks": []}
        )
        for name in ("ring8", "grid25")
    ]
    runs = [*plain, recorded("ring8", 0.1), recorded("grid25", 0.1)]
    assert {run.variant for run in label_variants(runs)} == {"vanilla", "vanilla + r1"}
    joined = label_variants([*runs, recorded("ring8", 0.5)])
    assert {run.variant for run in joined} == {
        "vanilla", "vanilla + r1(weight=0.1)", "vanilla + r1(weight=0.5)",
    }  # fmt: skip


def rates(generator: float, discriminator: float) -> dict[str, Any]:
    """The part of a recipe with two learning rates."""
    return {
        "generator_optimizer": {"kind": "adam", "learning_rate": generator},
        "discriminator_optimizer": {"kind": "adam", "learning_rate": discriminator},
    }


def test_tricks_and_settings_are_kept_apart(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    r1 = TrickConfig(name="r1", parameters={"weight": 1.0})
    for rate in (0.001, 0.0002):
        recipe = Recipe(kimg=10, **rates(rate, rate))
        make_run(tmp_path, recipe=recipe)
        make_run(tmp_path, recipe=recipe, tricks=(r1,))
    names = [(run.variant, run.tricks, run.setting) for run in load_runs([tmp_path])]
    assert names == [
        ("vanilla, learning_rate=0.0002", "", "learning_rate=0.0002"),
        ("vanilla + r1, learning_rate=0.0002", "r1", "learning_rate=0.0002"),
        ("vanilla, learning_rate=0.001", "", "learning_rate=0.001"),
        ("vanilla + r1, learning_rate=0.001", "r1", "learning_rate=0.001"),
    ]
    make_run(tmp_path, recipe=Recipe(kimg=10, **rates(0.001, 0.004)))
    settings = {run.setting for run in load_runs([tmp_path])}
    assert len(settings) == 3
    assert all("generator_optimizer.learning_rate" in setting for setting in settings)


def test_one_label_means_one_trick_on_all_datasets() -> None:
    def of(dataset: str, *tricks: dict[str, Any]) -> RunRecord:
        config = {"loss": "x", "tricks": list(tricks)}
        return RunRecord("a", "done", model="gan", dataset=dataset, config=config)

    weak, strong = ({"name": "r1", "parameters": {"weight": weight}} for weight in (1, 10))
    runs = [of("one"), of("one", weak), of("two"), of("two", strong)]
    assert [run.tricks for run in label_variants(runs)] == ["", "r1(weight=1)", "", "r1(weight=10)"]
    always = [of("one", weak), of("two", strong)]
    assert [run.tricks for run in label_variants(always)] == ["", ""], "the model's own"


def test_the_source_of_a_users_trick_belongs_to_the_trick_and_sets_no_setting_apart() -> None:
    def of(**sources: str) -> dict[str, Any]:
        tricks = [{"name": name, "parameters": {}} for name in sources]
        return {"loss": "x", "tricks": tricks, "trick_sources": sources}

    labels = derive_labels("gan", [of(), of(loud="ab")])
    assert [(label.tricks, label.setting) for label in labels] == [("", ""), ("loud", "")]
    changed = derive_labels("gan", [of(loud="ab"), of(loud="cd")])
    assert [label.tricks for label in changed] == ["loud(source=ab)", "loud(source=cd)"]


def test_a_record_without_hashes_of_sources_is_one_with_none() -> None:
    """Runs of before there was the field are seeds of the same variant."""
    before, now = {"loss": "x"}, {"loss": "x", "loss_source": "", "trick_sources": {}}
    assert variant_key(before) == variant_key(now)
    assert [label.setting for label in derive_labels("gan", [now, {**before, "a": 1}])] == [
        "",
        "a=1",
    ]


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30))


configs = st.fixed_dictionaries(
    {
        "loss": scalars,
        "recipe": st.dictionaries(st.sampled_from(["kimg", "batch_size"]), scalars),
        "tricks": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["ema", "r1"]),
                    "parameters": st.dictionaries(st.sampled_from(["weight"]), scalars),
                }
            ),
            max_size=2,
        ),
    }
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(configs, min_size=1, max_size=4, unique_by=canonical_json))
def test_different_settings_never_share_a_label(variants: list[dict[str, Any]]) -> None:
    labels = [label.variant for label in derive_labels("gan", variants)]
    assert len(set(labels)) == len(labels)


def test_settings_stand_in_the_order_of_their_numbers() -> None:
    settings = ["lr=5e-05", "lr=0.00016", "lr=0.002", "lr=10", "lr=10, kimg=9", "lr=10, kimg=20"]
    assert sorted({*settings}, key=by_numbers) == settings
    assert sorted(["pacgan:size=10", "r1", "pacgan:size=2", "", "r2"], key=by_numbers) == [
        "",
        "pacgan:size=2",
        "pacgan:size=10",
        "r1",
        "r2",
    ]
    assert sorted(["mu=0.5", "mu=-0.5", "mu=-1"], key=by_numbers) == ["mu=-1", "mu=-0.5", "mu=0.5"]
