# SPDX-License-Identifier: MIT
"""``ganbench run``: what it prints, what it leaves, how it ends."""

import re
from pathlib import Path

import pytest
from PIL import Image

from ganbench.records.run_folder import find_runs, open_run


def test_a_run_prints_its_table_and_where_its_samples_are(tiny, tmp_path):
    outcome = tiny("-o", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    (folder,) = find_runs(tmp_path / "out")
    assert f"Samples: {folder.path / 'samples' / 'final.png'}\n" in outcome.out
    assert "vanilla on ring8, seed 0" in outcome.out
    for line in ("modes ↑", "high-quality ↑", "reverse-kl ↓"):
        assert line in outcome.out
    status = folder.result()["status"]
    assert re.search(
        rf"^{status}: 0\.[\d]+ kimg in \d+ s, [\d,]+ images/s\.$", outcome.out, re.MULTILINE
    )


def test_json_is_one_document_with_the_stable_keys(tiny, stable, tmp_path):
    outcome = tiny("--json", "--seed", 4)
    document = outcome.document
    assert document["schema"] == 1
    stable(document)
    assert (document["model"], document["dataset"], document["seed"]) == ("vanilla", "ring8", 4)
    folder = open_run(Path(document["run"]))
    assert folder.path.parent == tmp_path / "runs", "GANBENCH_RUNS says where"
    assert folder.result()["metrics"] == document["metrics"]
    command = folder.config()["command"]
    assert command.startswith("ganbench run -m vanilla -d ring8")


def test_several_seeds_are_a_list(tiny, stable):
    document = tiny("--json", "--seeds", "3,0-1").document
    assert document.keys() == {"schema", "runs"}
    assert [result["seed"] for result in document["runs"]] == [3, 0, 1]
    for result in document["runs"]:
        stable(result)
    assert len({result["run"] for result in document["runs"]}) == 3


def test_one_seed_is_one_object_even_as_a_list(tiny):
    assert tiny("--json", "--seeds", "2").document["seed"] == 2


def test_a_dry_run_trains_nothing_and_prints_what_it_would(cli, tmp_path):
    words = ("run", "-m", "wgan-gp", "-d", "ring8", "--kimg", "7", "-b", "32", "--dry-run")
    outcome = cli(*words, "-t", "ema", "--set", "loss=hinge", "--json")
    assert outcome.code == 0
    config = outcome.document["config"]
    assert config["recipe"]["kimg"] == 7.0
    assert config["recipe"]["batch_size"] == 32
    assert config["loss"] == "hinge"
    assert [trick["name"] for trick in config["tricks"]] == ["ema", "gradient-penalty"]
    assert re.fullmatch("[0-9a-f]{16}", outcome.document["identity"])
    several = cli(*words, "--seeds", "0-1", "--json").document["runs"]
    assert [planned["config"]["seed"] for planned in several] == [0, 1]
    plain = cli(*words)
    assert "Nothing was trained" in plain.out
    assert '"batch_size": 32' in plain.out
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_move_are_texts_from_the_command_line_to_the_record(tiny, cli, tmp_path):
    words = ("-t", "r1:weight=10 -> 1@0.05:linear,every=2", "--set", "learning_rate=2e-4->0")
    words = (*words, "--set", "schedule=constant")
    folder = open_run(Path(tiny(*words, "--json").document["run"]))
    config = folder.config()["config"]
    for role in ("generator", "discriminator"):
        assert config["recipe"][f"{role}_optimizer"]["learning_rate"] == "0.0002->0"
    (trick,) = config["tricks"]
    assert trick["parameters"] == {"weight": "10->1@0.05:linear", "every": 2}
    shown = cli("show", folder.path)
    assert '"learning_rate": "0.0002->0"' in shown.out
    assert '"weight": "10->1@0.05:linear"' in shown.out
    assert tiny(*words, "--resume", "--json").document["run"] == str(folder.path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "learning_rate=2e-4->"), "or one that moves during training: '10->1'"),
        (("--set", "learning_rate=2e-4->0", "--set", "schedule=cosine"), "moves by itself"),
        (("-t", "r1:weight=1->-1"), "greater than or equal to 0, not '1->-1'"),
        (("-t", "instance-noise:sigma=1->0,until=0.5"), "so until cannot be set"),
    ],
)
def test_a_number_that_cannot_move_so_is_one_sentence(tiny, words, message):
    outcome = tiny(*words)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.split())
    assert "Traceback" not in outcome.err


def test_the_flags_go_before_set(cli):
    words = ("run", "-m", "vanilla", "-d", "ring8", "-n", "--json", "--set", "recipe.kimg=3")
    assert cli(*words).document["config"]["recipe"]["kimg"] == 3.0
    assert cli(*words, "--kimg", 4).document["config"]["recipe"]["kimg"] == 4.0
    assert cli(*words, "--precision", "bf16").document["config"]["precision"] == "bf16"
    assert cli(*words, "--set", "seed=6").document["config"]["seed"] == 6
    assert cli(*words, "--set", "seed=6", "--seed", 7).document["config"]["seed"] == 7


def test_a_file_is_a_model(tiny, constant_model, monkeypatch):
    monkeypatch.chdir(constant_model.parent)
    outcome = tiny(model="./constant.py")
    assert outcome.code == 0
    assert "collapsed: " in outcome.out
    assert "All samples look the same" in outcome.out
    document = tiny("--json", "--resume", model="./constant.py").document
    assert document["status"] == "collapsed"
    assert document["model"] == "./constant.py"


def test_a_run_that_diverges_says_so_and_exits_with_zero(cli):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "4", "-q")
    kind = "recipe.generator_optimizer"
    outcome = cli(*words, "--set", f"{kind}.kind=sgd", "--set", f"{kind}.learning_rate=1e30")
    assert outcome.code == 0
    assert "diverged: " in outcome.out
    assert "lower learning rate" in outcome.out


def test_resume_takes_a_finished_run_as_it_is(tiny, tmp_path):
    words = ("--out", tmp_path, "--resume", "--json")
    assert tiny(*words).document == tiny(*words).document
    assert len(list(find_runs(tmp_path))) == 1
    tiny("--out", tmp_path)
    assert len(list(find_runs(tmp_path))) == 2


def test_progress_is_on_stderr_and_quiet_is_quiet(cli, tmp_path):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "2", "--samples", "64")
    loud = cli(*words, "--evaluations", "2", "--json")
    assert loud.document["status"]
    assert re.search(r"seed 0: 100%, 2\.0 kimg, 0 s left · [\d,]+ images/s · loss D ", loud.err)
    assert re.search(r"^  [\d.]+ kimg: modes \d", loud.err, re.MULTILINE)
    assert cli(*words, "--evaluations", "2", "--json", "-q").err == ""


def test_chosen_metrics_only(tiny):
    assert list(tiny("--json", "--metrics", "modes, reverse-kl").document["metrics"]) == [
        "modes",
        "reverse-kl",
    ]


def test_points_of_an_unknown_density_are_measured_against_each_other(cli, tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(0).normal(size=(50, 1)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", points=points)
    words = ("run", "-m", "vanilla", "-d", "./mine.npz", "--kimg", "0.2", "-q")
    outcome = cli(*words)
    assert outcome.code == 0
    (folder,) = find_runs(tmp_path / "runs")
    assert folder.path.name.startswith("vanilla-mine.npz-seed0-")
    document = cli(*words, "--json").document
    names = ["mind@points", "precision@points", "recall@points", "coverage@points"]
    assert list(document["metrics"]) == names
    assert document["dataset"] == "./mine.npz"


def test_no_record_holds_a_path_of_this_machine(tiny, tmp_path):
    document = tiny("--json", f"--out={tmp_path / 'deep' / 'runs'}").document
    folder = open_run(Path(document["run"]))
    for file in (folder.config_file, folder.environment_file, folder.result_file):
        assert str(tmp_path) not in file.read_text()
        assert str(Path.home()) + "/" not in file.read_text()
    assert "--out=runs" in folder.config()["command"]


# -- interruptions -----------------------------------------------------------------------------


@pytest.mark.parametrize("tick", [1, 2])
def test_ctrl_c_saves_says_how_to_go_on_and_exits_with_130(cli, interrupting, tmp_path, tick):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "1", "--samples", "64", "-q")
    interrupting(tick)
    outcome = cli(*words, "-o", tmp_path)
    assert outcome.code == 130
    (folder,) = find_runs(tmp_path)
    seen = tick * 0.128
    assert f"interrupted after {seen:.1f} kimg." in outcome.out
    assert "repeat the command with --resume" in " ".join(outcome.out.split())
    assert not folder.finished
    document = cli(*words, "-o", tmp_path, "--resume", "--json").document
    assert document["run"] == str(folder.path)
    assert document["kimg"] == 1.024
    assert [row["kimg"] for row in folder.stats()] == [
        pytest.approx(0.128 * index) for index in range(1, 9)
    ]


def test_an_interrupted_run_is_json_too(tiny, interrupting):
    interrupting(1)
    outcome = tiny("--json")
    assert outcome.code == 130
    assert outcome.document["status"] == "interrupted"
    assert outcome.document["metrics"] == {}
    assert outcome.document["schema"] == 1


def test_ctrl_c_ends_a_list_of_seeds(tiny, interrupting):
    ticks = interrupting(4)  # three ticks make a run
    outcome = tiny("--seeds", "0-4", "--json")
    assert outcome.code == 130
    statuses = [result["status"] for result in outcome.document["runs"]]
    assert statuses[1:] == ["interrupted"]
    assert len(ticks) == 4


def test_ctrl_c_after_the_last_iteration_finishes_the_run_but_not_the_list(tiny, interrupting):
    interrupting(3)
    outcome = tiny("--seeds", "0-4", "--json")
    assert outcome.code == 130
    assert [result["status"] for result in outcome.document["runs"]] == ["collapsed"]
    interrupting(3)
    assert tiny("--seed", "0", "--json").code == 0


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_second_ctrl_c_ends_at_once_in_one_sentence(tiny, interrupting, form):
    interrupting(1, times=2)
    outcome = tiny(*form)
    assert outcome.code == 130
    if form:
        assert outcome.document["error"]["kind"] == "interrupted"
        assert "--resume" in outcome.document["error"]["hint"]
    else:
        assert outcome.err.startswith("error: Stopped at once")
        assert "--resume" in outcome.err


def test_a_finished_run_is_measured_or_left_and_that_is_said(tiny):
    tiny("--resume", "--metrics", "modes")
    again = tiny("--resume", "--metrics", "modes", "--json")
    assert again.err == "Nothing was left to do: the run is finished.\n"
    added = tiny("--resume", "--metrics", "modes,high-quality", "--json")
    assert added.err == "Measured high-quality.\n"
    assert list(added.document["metrics"]) == ["modes", "high-quality"]


def test_resuming_what_is_not_there_says_what_differs(tiny, tmp_path):
    (folder,) = [Path(tiny("--metrics", "", "--json").document["run"])]
    outcome = tiny("--resume", "--metrics", "", "--kimg", "0.6", "--json")
    assert outcome.code == 0
    assert "holds no run of these settings, so a new one begins." in outcome.err
    assert f"{folder.name} differs in recipe.kimg (0.3, not 0.6)." in outcome.err
    assert f"--from {folder}" in outcome.err
    assert "a new one begins" not in tiny("--metrics", "", "--json").err


def test_a_run_goes_on_from_another(tiny, cli, tmp_path):
    first = tiny("--metrics", "", "--json", "-t", "ema", "--seed", 2).document
    words = ("run", "--from", first["run"], "--metrics", "", "-q")
    outcome = cli(*words, "--kimg", "0.7", "--json")
    assert outcome.code == 0, outcome.err
    folder = open_run(Path(outcome.document["run"]))
    assert folder.description().origin.run == first["identity"]
    assert outcome.document["seed"] == 2
    shown = cli("show", folder.path)
    assert f"It went on from the run {first['identity'][:8]}, at 0.384 kimg." in shown.out
    assert cli("show", folder.path, "--json").document["config"]["origin"]["kimg"] == 0.384
    for wrong, sentence in (
        (("--model", "dcgan"), "--from goes on with the model of its run."),
        ((), "has been trained for 0.384 kimg, and kimg counts from its start."),
    ):
        refused = cli(*words, *wrong)
        assert refused.code == 2
        assert sentence in refused.err
    assert cli("run", "--from", tmp_path / "none").code == 2
    assert "--model: name a GAN, or a run with --from." in cli("run", "--dataset", "ring8").err


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("compare",),
        ("compare", "--search", "random:2", "--vary", "learning_rate=1e-4,1e-3"),
    ],
    ids=["run", "compare", "search"],
)
def test_how_a_folder_was_read_is_said_once(cli, tmp_path, words):
    for index in range(8):
        path = tmp_path / "photos" / f"{index // 4:02d}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 30 * index).save(path)
    (tmp_path / "photos" / "notes.txt").touch()
    words = (*words, "--model", "vanilla", "--dataset", f"{tmp_path / 'photos'}@8", "--dry-run")
    words = (*words, "--metrics", "kid@pixels")
    shown = cli(*words, "--seeds", "0,1")
    notices = [
        "photos: passed over: files ending in .txt (1).",
        "photos: 2 folders (00, 01) were taken for parts of one numbered list, not for classes.",
    ]
    assert shown.code == 0
    assert [shown.err.count(notice) for notice in notices] == [1, 1], shown.err
    assert cli(*words, "--json", "-q").err == ""


def test_a_recording_is_in_the_document_as_on_the_screen(cli, tmp_path):
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "--samples", 50, "-q")
    document = cli(*words, "--record", "--json").document
    assert Path(document["recording"]).is_file()
    shown = cli(*words, "--record", "--resume")
    assert f"Recording: {document['recording']}" in shown.out
    assert "recording" not in cli(*words, "--seed", 1, "--json").document
