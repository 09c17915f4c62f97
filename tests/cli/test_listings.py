# SPDX-License-Identifier: MIT
"""``ganbench ls``, ``show`` and ``doctor``: what there is, and what this machine can do."""

import importlib
import json
import sys

import pytest

from ganbench import losses, registry
from ganbench.cli.trick_groups import OTHER, TRICK_GROUPS
from ganbench.registry import Registry
from ganbench.trick import HOOKS

KINDS = ("models", "tricks", "metrics", "networks", "datasets", "loggers")
NAMES = [(kind, name) for kind in KINDS for name in getattr(registry, kind).names()]


def test_ls_lists_every_entry_with_summary_and_paper(cli):
    document = cli("ls", "--json").document
    assert document.keys() == {"schema", *KINDS, "backbones", "losses", "suites", "pretrained"}
    for kind in KINDS:
        entries = getattr(registry, kind).entries()
        assert [row["name"] for row in document[kind]] == list(entries)
        for row in document[kind]:
            assert row.keys() - {"acts_on"} == {"name", "summary", "paper"}
            assert row["summary"] == entries[row["name"]].summary
            assert row["paper"] == entries[row["name"]].paper
    assert {"vanilla", "dcgan", "wgan-gp"} <= {row["name"] for row in document["models"]}


def test_ls_lists_every_loss(cli):
    rows = cli("ls", "losses", "--json").document["losses"]
    for row in rows:
        assert registry.losses.get(row["name"]).name == row["name"]
        assert row["summary"].endswith(".")
    known = {one.name for one in vars(losses).values() if isinstance(one, losses.Loss)}
    assert {row["name"] for row in rows} == known
    assert any("arXiv:" in row["paper"] for row in rows)


def test_suites_are_listed_and_shown(cli):
    rows = cli("ls", "suites", "--json").document["suites"]
    assert {row["name"] for row in rows} >= {"smoke", "toy-modes", "digits-tricks", "stability"}
    assert all(row["summary"] for row in rows)
    shown = cli("show", "smoke", "--json").document
    assert (shown["kind"], shown["suite"]["models"]) == ("suite", ["vanilla", "wgan-gp"])
    assert "ganbench compare smoke" in cli("show", "smoke").out


@pytest.mark.parametrize("kind", [*KINDS, "losses", "suites", "pretrained"])
def test_ls_of_one_kind(cli, kind):
    assert cli("ls", kind, "--json").document.keys() == {"schema", kind}
    assert cli("ls", kind).out.startswith(kind)


def test_pretrained_generators_are_listed_and_shown(cli):
    rows = cli("ls", "pretrained", "*@mnist5k", "--json").document["pretrained"]
    assert {"dcgan@mnist5k", "acgan@mnist5k"} <= {row["name"] for row in rows}
    for row in rows:
        assert 0 < row["size_bytes"] < 3_000_000
        assert row["metric"] == "fid@mnist-cnn"
        assert row["data_license"] == "CC-BY-SA-3.0"
    shown = cli("show", "DCGAN@mnist5k", "--json").document
    assert (shown["kind"], shown["config"]["model"]) == ("run", "dcgan")
    assert shown["result"]["status"] == "done"
    out = cli("show", "dcgan@mnist5k").out
    assert "fid@mnist-cnn ↓" in out
    assert "The generator alone: " in out
    refused = cli("show", "dcgan@mnist5")
    assert refused.code == 2
    assert "Did you mean 'dcgan@mnist5k'" in " ".join(refused.err.split())


def test_ls_takes_a_glob(cli):
    rows = cli("ls", "models", "*GAN*", "--json").document["models"]
    assert {"dcgan", "wgan-gp"} <= {row["name"] for row in rows}
    assert "vanilla" not in {row["name"] for row in rows}
    assert cli("ls", "losses", "hinge", "--json").document["losses"][0]["name"] == "hinge"
    assert cli("ls", "models", "zzz", "--json").document["models"] == []


def test_ls_in_text_has_a_line_for_each(cli):
    out = cli("ls").out
    for _, name in NAMES:
        assert any(line.split()[:1] == [name] for line in out.splitlines()), name
    assert "arXiv:1406.2661" in out


def test_ls_names_a_broken_file_and_lists_the_others(cli, monkeypatch, tmp_path):
    folder = tmp_path / "pack_broken_sibling"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "bad.py").write_text("def broken(:\n")
    (folder / "good.py").write_text('@register\ndef good(data):\n    """A good one."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        registry.KINDS, "models", Registry("model", "pack_broken_sibling", "nothing")
    )
    outcome = cli("ls", "models", "--json")
    assert outcome.code == 0
    assert [row["name"] for row in outcome.document["models"]] == ["good"]
    assert "bad.py is not valid Python" in outcome.err.replace("\n", " ")
    sys.modules.pop("pack_broken_sibling", None)


# -- show --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_show_tells_all_of_anything(cli, kind, name):
    entry = getattr(registry, kind).entries()[name]
    typed = f"{kind}/{name.upper().replace('-', '_')}"
    document = cli("show", typed, "--json").document
    assert document["name"] == name
    assert document["kind"] == kind.removesuffix("s")
    for key in ("summary", "paper", "documentation"):
        assert document[key] == getattr(entry, key)
    assert document["source"] == entry.origin
    keys = {
        "models": {"recipe on mnist5k", "loss", "tricks"},
        "tricks": {"parameters"},
        "metrics": {"better", "version", "needs", "network"},
        "networks": set(),
        "loggers": set(),
        "datasets": {"shape", "classes", "version"},
    }
    for_other_data = kind == "models" and "on mnist5k" in document
    assert keys[kind] <= document.keys() or for_other_data


def test_show_in_text(cli):
    out = cli("show", "wgan-gp", "-d", "ring8").out
    assert out.startswith("wgan-gp (model)\n")
    assert "arXiv:1704.00028" in out
    order = [out.index(word) for word in ("recipe on ring8", "loss\n", "tricks\n", "source: ")]
    assert order == sorted(order)
    assert '"discriminator_steps": 5' in out
    assert out == cli("show", "wgan-gp", "-d", "ring8").out


@pytest.mark.parametrize(
    ("name", "kind", "plain"),
    [
        ("mnist5k@32", "dataset", "mnist5k"),
        ("datasets/mnist5k@16", "dataset", "mnist5k"),
        ("fid@inception-clean", "metric", "fid"),
        ("metrics/kid@pixels", "metric", "kid"),
    ],
)
def test_show_of_a_dataset_at_a_size_and_of_a_metric_on_a_network(cli, name, kind, plain):
    document = cli("show", name, "--json").document
    assert (document["kind"], document["name"]) == (kind, plain)
    if kind == "dataset":
        assert document["shape"] == [1, int(name[-2:]), int(name[-2:])]


def test_show_of_what_is_neither_says_what_pretrained_generators_there_are(cli):
    outcome = cli("show", "dcgann@mnist5k")
    assert outcome.code == 2
    assert "no run and no pretrained generator 'dcgann@mnist5k'" in " ".join(outcome.err.split())


def test_show_of_a_file(cli, constant_model):
    document = cli("show", constant_model, "--json").document
    assert (document["kind"], document["name"]) == ("model", "constant")


def test_show_of_a_run(cli, tmp_path, interrupting):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "1", "--samples", "64", "-q")
    interrupting(2)
    cli(*words)
    (path,) = (tmp_path / "runs").iterdir()
    document = cli("show", path, "--json").document
    assert (document["kind"], document["run"]) == ("run", str(path))
    health = document["result"].pop("health")
    assert document["result"] == {"status": "unfinished", "kimg": 0.256, "metrics": {}}
    assert health["events"] == []
    assert "oscillation" in health["unchecked"], "it has hardly begun"
    assert "unfinished: 0.256 of 1 kimg" in cli("show", path).out
    cli(*words, "--resume")
    document = cli("show", path, "--json").document
    assert document["config"]["model"] == "vanilla"
    assert document["result"] == json.loads((path / "result.json").read_text())
    out = cli("show", path).out
    assert "modes ↑" in out
    assert f"Samples: {path / 'samples' / 'final.png'}" in out


# -- doctor ------------------------------------------------------------------------------------


def test_doctor_checks_what_is_needed(cli):
    outcome = cli("doctor", "--json")
    assert outcome.code == 0
    document = outcome.document
    assert document["problems"] == 0
    checks = {check["what"]: check for check in document["checks"]}
    assert {"python", "torch", "cpu", "datasets without download", "folder for runs"} <= set(checks)
    assert all(check["status"] in {"ok", "absent", "problem"} for check in document["checks"])
    import torch

    assert checks["torch"]["detail"].split("+")[0] == torch.__version__.split("+")[0]
    assert cli("doctor").code == 0


def test_doctor_tells_a_package_that_does_not_import(cli, monkeypatch):
    import_module = importlib.import_module

    def broken(name, package=None):
        if name == "altair":
            raise ImportError("No module named 'altair'")
        return import_module(name, package)

    monkeypatch.setattr(importlib, "import_module", broken)
    outcome = cli("doctor", "--json")
    assert outcome.code == 1
    problems = [check for check in outcome.document["checks"] if check["status"] == "problem"]
    assert [check["what"] for check in problems] == ["altair"]
    assert "pip install altair" in problems[0]["detail"]


def test_doctor_tells_a_folder_that_cannot_be_written(cli, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("GANBENCH_RUNS", str(tmp_path / "file" / "runs"))
    outcome = cli("doctor", "--json")
    assert outcome.code == 1
    problems = [check for check in outcome.document["checks"] if check["status"] == "problem"]
    assert [check["what"] for check in problems] == ["folder for runs"]
    assert cli("doctor").code == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.fixture
def tuned(monkeypatch):
    """Let every model be as fast as usual; return the models that were to be tuned."""
    from ganbench.speed import autotune

    asked = []

    def tune(config, *given, **named):
        asked.append(config.model)
        usual = autotune.ComputeChoice()
        return autotune.TuningResult(usual, 100.0, {usual.label: 1.0})

    monkeypatch.setattr(autotune, "tune", tune)
    monkeypatch.setattr(autotune, "keep", lambda *given: None)
    return asked


@pytest.mark.parametrize("dataset", ["mnist5k", "ring8"])
def test_doctor_tunes_all_models_that_suit_the_data(cli, tuned, dataset):
    outcome = cli("doctor", "--tune", "--dataset", dataset, "--json")
    assert outcome.code == 0
    left_out = outcome.document["left_out"]
    assert list(outcome.document["choices"]) == tuned
    assert sorted([*tuned, *left_out]) == registry.models.names()
    assert "vanilla" in tuned
    assert f"draws sounds, and {dataset} holds" in left_out["wavegan"]
    assert f"wavegan is left out: {left_out['wavegan']}" in " ".join(outcome.err.split())


def test_doctor_refuses_models_that_are_named_and_do_not_fit(cli, tuned):
    outcome = cli("doctor", "--tune", "--model", "vanilla,wavegan")
    assert outcome.code == 2
    assert "wavegan draws sounds, and mnist5k holds images" in outcome.err
    outcome = cli("doctor", "--tune", "--model", ",")
    assert outcome.code == 2
    assert "--model names nothing" in outcome.err
    assert tuned == []


def test_backbones_are_listed_and_shown(cli):
    rows = cli("ls", "backbones", "--json").document["backbones"]
    assert {"dcgan", "mlp", "resnet"} <= {row["name"] for row in rows}
    for row in rows:
        shown = cli("show", f"backbones/{row['name']}", "--json").document
        assert (shown["kind"], shown["name"]) == ("backbone", row["name"])
        assert "width" in shown["parameters"]


def test_a_name_of_two_things_says_where_the_other_is(cli):
    both = cli("show", "dcgan")
    assert "dcgan (model)" in both.out
    assert "of the same name: ganbench show backbones/dcgan" in both.out
    assert "(backbone)" in cli("show", "backbones/dcgan").out
    wrong = cli("show", "backbones/dcgn")
    assert wrong.code == 2
    assert "Nothing is called 'backbones/dcgn'. Did you mean 'dcgan'?" in wrong.err


def test_tricks_are_listed_by_what_they_act_on(cli):
    rows = {row["name"]: row["acts_on"] for row in cli("ls", "tricks", "--json").document["tricks"]}
    assert OTHER not in rows.values()
    assert rows["r1"] == "penalties and other terms of the loss"
    assert rows["spectral-norm"] == "the networks"
    assert rows["ema"] == "how weights move"
    assert rows["drs"] == "how samples are drawn"
    text = cli("ls", "tricks").out
    assert text.index("tricks on the networks") < text.index("spectral-norm")
    grouped = set().union(*TRICK_GROUPS.values())
    assert set(HOOKS) - grouped == {"check", "check_parts", "start"}


def test_show_says_what_the_paper_of_a_trick_claims(cli):
    document = cli("show", "tricks/pacgan", "--json").document
    assert (
        document["claim"]["source"] == "Lin, Khetan, Fanti and Oh, 2018, arXiv:1712.04086, table 1"
    )
    shown = " ".join(cli("show", "tricks/pacgan").out.split())
    assert f"what its paper claims: {document['claim']['claim']}" in shown
    assert "claim" not in cli("show", "tricks/wgan-div", "--json").document
    assert "claim" not in cli("show", "dcgan", "--json").document
