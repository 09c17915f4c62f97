# SPDX-License-Identifier: MIT
"""``ganbench lab``: what it opens, and mistakes as sentences."""

import os
import re
import signal
import time
import urllib.request

import pytest

from ganbench.cli import lab
from ganbench.harness.plan import expand_settings, plan


def recipe_of(what, dataset=None, tricks=(), settings=None, data_root=None):
    return lab._recipe(str(what), dataset, list(tricks), settings or {}, data_root)


def test_a_model_a_recipe_or_a_run_is_opened(tmp_path, train):
    assert recipe_of("wgan_gp").values()["model"] == "wgan-gp"
    file = tmp_path / "recipe.toml"
    file.write_text('model = "dcgan"\ndataset = "digits"\ntricks = ["ema"]\n[set]\nkimg = 3\n')
    recipe = recipe_of(file, tricks=["r1"], settings={"loss": "hinge"})
    assert recipe.values() == {
        "model": "dcgan",
        "dataset": "digits",
        "tricks": ["ema", "r1"],
        "seed": 0,
        "set": {"kimg": 3, "loss": "hinge"},
    }
    run = train("wgan-gp", tricks=["gradient-penalty:off", "r1:weight=0.5"], seed=3, metrics=[])
    recipe = recipe_of(run.path)
    assert recipe.values() == {
        "model": "wgan-gp",
        "dataset": "ring8",
        "tricks": ["r1:weight=0.5,every=1", "gradient-penalty:off"],
        "seed": 3,
        "set": {"recipe.kimg": 0.3, "recipe.batch_size": 20},
    }
    settings = {**recipe.settings, "seed": recipe.seed}
    again = plan(recipe.model, recipe.dataset, tricks=recipe.tricks, settings=settings)
    assert again.config.identity == run.config.identity


def test_the_data_of_a_run_are_looked_for_in_the_folder_that_is_named(tmp_path, train, monkeypatch):
    run = train(metrics=[])
    asked = []

    def noted(*names, data_root=None, **more):
        asked.append(data_root)
        return plan(*names, **more)

    monkeypatch.setattr("ganbench.lab.run_recipe.plan", noted)
    recipe_of(run.path, data_root=tmp_path)
    assert set(asked) == {tmp_path}


@pytest.mark.parametrize(("words", "threads"), [((), 3), (("--threads", 2), 2)])
def test_a_run_is_recorded_with_the_threads_that_it_had(
    cli, tmp_path, train, monkeypatch, words, threads
):
    run = train(metrics=[])
    document = run.folder.config()
    document["options"]["threads"] = 3
    run.folder.write_config(document)
    asked = []
    monkeypatch.setattr(lab, "_record", lambda *given, quiet: asked.append(given))
    page = tmp_path / "page.html"
    assert cli("lab", run.path, "--record", "--out", page, *words).code == 0
    assert cli("lab", "vanilla", "--record", "--out", page).code == 0
    assert [given[4] for given in asked] == [threads, None]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nogan"], "Unknown model 'nogan'"),
        (["none.toml"], "There is no recipe none.toml"),
        (["--port", "99999"], "less than or equal to 65535"),
        (["--host", "203.0.113.7", "--port", "8765", "--no-browser"], "cannot listen"),
    ],
)
def test_mistakes_are_sentences(cli, words, sentence):
    outcome = cli("lab", *words)
    assert outcome.code == 2
    assert sentence in outcome.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--record", "--port", "9000"], "--port changes nothing with --record"),
        (
            ["--record", "--host", "0.0.0.0", "--no-browser"],
            "--host and --no-browser change nothing with --record",
        ),
        (["--frames", "9"], "--frames changes nothing without --record"),
        (["-q"], "--quiet changes nothing without --record"),
    ],
)
def test_what_has_no_effect_is_refused(cli, monkeypatch, words, sentence):
    def looked(*_, **__):
        raise AssertionError("It went on.")

    monkeypatch.setattr(lab, "_recipe", looked)
    outcome = cli("lab", *words)
    assert outcome.code == 2
    assert sentence in outcome.err


def test_a_recipe_with_a_mistake_is_named(cli, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('modle = "dcgan"\n')
    outcome = cli("lab", file)
    assert outcome.code == 2
    assert "Unknown key 'modle' in the recipe. Did you mean 'model'?" in outcome.err


def test_missing_packages_are_named_with_the_command_that_installs_them(cli, monkeypatch):
    from importlib import util

    there = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "uvicorn" else there(name))
    outcome = cli("lab")
    assert outcome.code == 4
    assert "needs uvicorn" in outcome.err
    assert "pip install 'ganbench[lab]'" in outcome.err


def test_a_seed_that_is_set_counts():
    assert recipe_of("vanilla", settings={"seed": 3}).values()["seed"] == 3
    assert "seed" not in recipe_of("vanilla", settings={"seed": 3}).settings


def test_what_is_typed_counts_before_any_spelling_of_it_in_a_recipe(tmp_path):
    key = "recipe.generator_optimizer.learning_rate"
    file = tmp_path / "recipe.toml"
    file.write_text(f'[set]\nlearning_rate = 1e-4\n"{key}" = 3e-4\n')
    settings = recipe_of(file, settings={"learning_rate": 2e-4}).settings
    assert expand_settings(settings)[key] == 2e-4


def test_recording_over_a_file_of_ones_own_is_refused_before_it_is_trained(cli, tmp_path):
    mine = tmp_path / "lab.html"
    mine.write_text("mine")
    done = cli("lab", "vanilla", "--record", "--out", mine)
    assert done.code != 0
    assert "ganbench did not write it" in done.err
    assert mine.read_text() == "mine"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs a system that has SIGHUP")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_it_ends_in_order_and_leaves_no_folder(start, tmp_path, monkeypatch, name):
    """With a browser that stays in the terminal, which must not keep the lab from its pages."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("BROWSER", "sh -c 'sleep 60' %s")
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        process = start("-m", "ganbench", "lab", stderr=file, start_new_session=True)
    try:
        link = wait_for(lambda: re.search(r"http://\S+", said.read_text()))[0]
        assert urllib.request.urlopen(link, timeout=60).status == 200
        assert list(tmp_path.glob("ganbench-lab-*"))
        process.send_signal(getattr(signal, name))
        process.wait(timeout=60)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the browser, too
    assert "The lab is closed." in said.read_text()
    assert "Traceback" not in said.read_text()
    assert not list(tmp_path.glob("ganbench-lab-*"))


def wait_for(find, seconds=60):
    """Return what is found, within some time."""
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found
