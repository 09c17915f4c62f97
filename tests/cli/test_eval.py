# SPDX-License-Identifier: MIT
"""``ganbench eval`` as a user meets it: every source, the JSON, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import ganbench
from ganbench.data import open_dataset
from ganbench.records.own_files import MANIFEST

NAMES = "fid@mnist-cnn,modes@mnist-cnn"


@pytest.fixture(scope="module")
def digits():
    return open_dataset("mnist5k").load("test").values[:120]


@pytest.fixture
def folder(tmp_path, digits):
    target = tmp_path / "images"
    (target / "deep").mkdir(parents=True)
    for index, image in enumerate(digits):
        place = target / ("deep" if index % 2 else ".") / f"{index:03d}.png"
        Image.fromarray(image[0].numpy()).save(place)
    return target


@pytest.fixture
def measure(cli):
    def call(*words, code=0):
        outcome = cli("eval", *words, "--json", "-q")
        assert outcome.code == code, outcome.err + outcome.out
        return outcome.document

    return call


def test_the_document_is_the_one_that_scripts_rely_on(measure, folder):
    document = measure(folder, "--real", "mnist5k", "--metrics", NAMES)
    assert document["schema"] == 1
    assert list(document["metrics"]) == ["fid@mnist-cnn", "modes"]
    fid = document["metrics"]["fid@mnist-cnn"]
    for key in ("value", "low", "high", "n", "floor", "floor_note", "protocol", "bias", "warning"):
        assert key in fid
    assert fid["n"] == 120
    assert fid["floor_note"].startswith("120 held-out real samples against the other 3,880")
    assert fid["protocol"].startswith("fid/v")
    assert "/mnist5k:v1/split=train/n_real=4000/n_fake=120" in fid["protocol"]
    assert document["fake"]["count"] == 120
    assert document["fake"]["name"] == "images"
    assert document["compute"]["precision"] == "fp32"
    assert document["compute"]["tf32"] is False
    assert "torch" in document["environment"]["packages"]
    assert str(folder.parent) not in json.dumps(document)


def test_the_table_says_for_what_counts_floors_hold(cli, folder):
    outcome = cli("eval", folder, "--real", "mnist5k", "--metrics", "coverage@mnist-cnn", "-q")
    told = "Real vs. real of coverage@mnist-cnn: expected at 4,000 real and 120 fake samples"
    assert told in " ".join(outcome.out.split())


def test_all_forms_of_the_same_samples_give_the_same_numbers(measure, folder, digits, tmp_path):
    import shutil

    pixels = digits.permute(0, 2, 3, 1).numpy()
    order = sorted(range(120), key=lambda i: f"deep/{i:03d}" if i % 2 else f"{i:03d}")
    np.savez(tmp_path / "images.npz", images=pixels[order])
    np.save(tmp_path / "images.npy", pixels[order])
    shutil.make_archive(str(tmp_path / "zipped"), "zip", folder)
    shutil.make_archive(str(tmp_path / "tarred"), "gztar", folder)
    forms = [
        folder,
        *(tmp_path / n for n in ("images.npz", "images.npy", "zipped.zip", "tarred.tar.gz")),
    ]
    measured = [
        measure(form, "--real", "mnist5k:test", "--metrics", "fid@mnist-cnn")["metrics"]
        for form in forms
    ]
    values = [metrics["fid@mnist-cnn"]["value"] for metrics in measured]
    assert values == pytest.approx([values[0]] * len(values), rel=1e-6)


def test_generators_are_drawn_from(measure, tmp_path):
    (tmp_path / "noise.py").write_text(
        "import torch\n"
        "def draw(count, generator):\n"
        "    return torch.rand(count, 1, 28, 28, generator=generator) * 2 - 1\n"
    )
    words = (f"{tmp_path / 'noise.py'}:draw", "--real", "mnist5k", "--metrics", "fid@mnist-cnn")
    first = measure(*words, "--samples", "60")
    assert first["metrics"]["fid@mnist-cnn"]["n"] == 60
    assert measure(*words, "--samples", "60")["metrics"] == first["metrics"]
    other = measure(*words, "--samples", "60", "--seed", "1")["metrics"]
    assert other["fid@mnist-cnn"]["value"] != first["metrics"]["fid@mnist-cnn"]["value"]


@pytest.mark.parametrize("tricks", [(), ("-t", "ema")])
def test_a_run_is_measured_against_what_it_was_trained_on(measure, cli, tmp_path, tricks):
    words = ("-m", "vanilla", "--kimg", "0.5", "--samples", "100", *tricks, "--json", "-q")
    result = cli("run", *words, "--out", tmp_path / "runs").document
    document = measure(result["run"], "--samples", "100")
    assert document["real"]["name"] == "mnist5k"
    assert document["fake"]["version"].startswith("weights-")
    assert (
        document["fake"]["version"] == measure(result["run"], "--samples", "9")["fake"]["version"]
    )
    conditions = "/sampler=ema" if tricks else ""
    assert document["metrics"]["fid@mnist-cnn"]["protocol"].endswith(f"/n_fake=100{conditions}")
    for name, record in document["metrics"].items():
        assert record["value"] == pytest.approx(result["metrics"][name]["value"], rel=1e-9)
        assert record["protocol"] == result["metrics"][name]["protocol"]


def test_points_from_a_table_are_measured(measure, tmp_path):
    random = np.random.default_rng(0)
    for name in ("real", "fake"):
        np.savetxt(tmp_path / f"{name}.csv", random.normal(size=(300, 2)), delimiter=",")
    metrics = measure(tmp_path / "fake.csv", "--real", tmp_path / "real.csv")["metrics"]
    assert list(metrics) == [
        "mind@points", "precision@points", "recall@points", "coverage@points"
    ]  # fmt: skip
    assert metrics["precision@points"]["value"] > 0.8
    ring = measure("ring8:train", "--real", "ring8", "--samples", "400")["metrics"]
    assert ring["modes"]["value"] == 8


def test_statistics_are_saved_and_measured_against(measure, folder, tmp_path):
    file = tmp_path / "digits.npz"
    words = ("--metrics", "fid@mnist-cnn")
    direct = measure(folder, "--real", "mnist5k", *words, "--save-statistics", file)
    again = measure(folder, "--real", file, *words)
    first, second = (document["metrics"]["fid@mnist-cnn"] for document in (direct, again))
    assert (first["value"], first["low"], first["floor"]) == (
        second["value"], second["low"], second["floor"]
    )  # fmt: skip
    with np.load(file) as arrays:
        assert arrays["mu"].shape == (128,)
        assert arrays["sigma"].shape == (128, 128)


def test_images_that_cannot_be_read_are_named_and_counted(measure, cli, folder):
    (folder / "broken.png").write_bytes((folder / "000.png").read_bytes()[:60])
    (folder / "text.png").write_text("no image")
    document = measure(folder, "--real", "mnist5k", "--metrics", "modes")
    assert document["metrics"]["modes"]["n"] == 120
    assert set(document["fake"]["skipped"]) == {"broken.png", "text.png"}
    shown = cli("eval", folder, "--real", "mnist5k", "--metrics", "modes", "-q")
    assert "2 files of images were left out" in shown.out
    strict = cli("eval", folder, "--real", "mnist5k", "--metrics", "modes", "-q", "--strict")
    assert strict.code == 2
    assert "broken.png" in strict.err


def test_the_table_carries_its_warnings(cli, folder):
    shown = cli("eval", folder, "--real", "mnist5k", "--metrics", "fid@mnist-cnn", "-q")
    assert shown.code == 0
    assert "images (120) against mnist5k (4,000)" in shown.out
    assert "fid@mnist-cnn: " in shown.out  # n is below the number of features


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "The samples to measure are missing"),
        (("mnist5k",), 2, "Real samples are needed"),
        (("./nowhere", "--real", "mnist5k"), 4, "nowhere"),
        (("mnist5k", "--real", "./nowhere"), 4, "nowhere"),
        (("mnist5k", "--real", "minst5k"), 2, "Did you mean 'mnist5k'"),
        (("ring8", "--real", "mnist5k"), 2, "holds points"),
        (("mnist5k", "--real", "mnist5k", "--metrics", "fidd"), 2, "Did you mean"),
        (("mnist5k", "--real", "mnist5k", "--metrics", "fid@nothing"), 2, "feature network"),
        (("mnist5k", "--real", "mnist5k", "--precision", "fp64"), 2, "fp32 or bf16"),
        (("mnist5k", "--real", "mnist5k", "--engine", "abacus"), 2, "abacus"),
        (("mnist5k", "--real", "mnist5k", "--metrics", "fid@alexnet"), 4, "alexnet"),
        (("mnist5k", "--real", "mnist5k", "--metrics", "lpips-paired"), 4, "alexnet"),
        (("--self-check", "--real", "ring8"), 2, "holds points"),
        (("mnist5k", "--self-check"), 2, "--self-check"),
        *(
            (("--self-check", *words), 2, f"{words[0]} changes nothing in a self-check")
            for words in [
                ("--held-out", "mnist5k"),
                ("--network", "pixels"),
                ("--seed", "0"),
                ("--strict",),
                ("--per-class",),
                ("--no-floor",),
                ("--no-cache",),
                ("--classes", "3"),
                ("--save-statistics", "x.npz"),
            ]
        ),
    ],
)
def test_mistakes_are_a_sentence(cli, monkeypatch, tmp_path, words, code, message):
    for name in ("GANBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    outcome = cli("eval", *words, "-q")
    assert outcome.code == code, outcome.err
    assert message in outcome.err


def test_plain_fid_says_how_to_get_inception(cli, monkeypatch, tmp_path):
    for name in ("GANBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    for words in (
        ("eval", "mnist5k:test", "--real", "mnist5k", "--metrics", "fid,kid,lpips"),
        ("run", "-m", "vanilla", "--kimg", "0.1", "--metrics", "fid,kid,lpips"),
        ("compare", "-m", "vanilla", "--kimg", "0.1", "--metrics", "fid,kid,lpips"),
    ):
        outcome = cli(*words, "-q")
        assert outcome.code == 4
        assert "ganbench weights fetch inception" in outcome.err


def test_what_cannot_be_had_leaves_the_rest(cli, measure, monkeypatch, tmp_path, folder):
    for name in ("GANBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    words = (folder, "--real", "mnist5k", "--metrics", "fid,is@mnist-cnn,ndb,lpips,kid-full")
    document = measure(*words, "--samples", "60", "-o", tmp_path / "result.json", code=4)
    written = json.loads((tmp_path / "result.json").read_text())
    for result in (document, written):
        assert list(result["metrics"]) == ["is@mnist-cnn", "ndb"]
        assert set(result["unmeasured"]) == {"fid", "lpips", "kid-full"}
        reason = result["unmeasured"]["lpips"]
        assert reason["kind"] == "missing"
        assert reason["hint"] == "ganbench weights fetch inception alexnet"
    outcome = cli("eval", *words)
    assert outcome.code == 4
    assert "lpips was not measured: The weights of alexnet" in outcome.out
    assert "hint: ganbench weights fetch inception alexnet" in outcome.out
    # Too few samples of one set for one metric, and of one class for another.
    document = measure(folder, "--real", folder, "--metrics", "ndb,fid@mnist-cnn")
    assert document["unmeasured"] == {}
    document = measure(
        folder, "--real", folder, "--metrics", "ndb,fid@mnist-cnn", "--samples", "1", code=4
    )
    assert "at least 2 fake samples" in document["unmeasured"]["fid@mnist-cnn"]["message"]


def test_a_name_that_is_wrong_is_known_before_anything_is_opened(cli, monkeypatch):
    monkeypatch.setattr("ganbench.harness.evaluate.open_samples", None)
    outcome = cli("eval", "mnist5k:test", "--real", "mnist5k", "--metrics", "ndb,fidd", "-q")
    assert outcome.code == 2
    assert "Unknown metric 'fidd'. Did you mean 'fid'" in outcome.err


def test_nan_generators_are_named(cli, tmp_path):
    (tmp_path / "lost.py").write_text(
        "import torch\n"
        "def draw(count, generator):\n"
        "    return torch.full((count, 1, 28, 28), float('nan'))\n"
    )
    outcome = cli("eval", f"{tmp_path / 'lost.py'}:draw", "--real", "mnist5k", "-q")
    assert outcome.code == 2
    assert "NaN" in outcome.err


def test_one_image_and_identical_images_are_no_silent_number(cli, measure, tmp_path, digits):
    single = tmp_path / "one.npz"
    np.savez(single, images=digits[:1].permute(0, 2, 3, 1).numpy())
    outcome = cli("eval", single, "--real", "mnist5k", "--metrics", "fid@mnist-cnn", "-q")
    assert outcome.code == 2
    assert "at least" in outcome.err
    same = tmp_path / "same.npz"
    np.savez(same, images=digits[:1].expand(200, -1, -1, -1).permute(0, 2, 3, 1).numpy())
    names = "fid@mnist-cnn,kid@mnist-cnn,recall@mnist-cnn,is@mnist-cnn"
    for name, record in measure(same, "--real", "mnist5k", "--metrics", names)["metrics"].items():
        assert "identical" in record["warning"], name


def test_the_self_check_writes_its_page(cli, tmp_path):
    words = ("--self-check", "--real", "mnist5k", "--metrics", "fid@mnist-cnn,modes")
    outcome = cli("eval", *words, "--samples", "60", "-o", tmp_path / "check", "-q")
    assert outcome.code == 0
    assert "noticed by" in outcome.out
    assert {path.name for path in (tmp_path / "check").iterdir()} == {
        "README.md", "responses.svg", "result.json", MANIFEST
    }  # fmt: skip


def test_from_python_both_sides_are_named(digits):
    result = ganbench.evaluate(
        fake=digits[:60].float() / 127.5 - 1, real=digits, metrics=["fid@mnist-cnn"]
    )
    assert result["metrics"]["fid@mnist-cnn"]["n"] == 60
    with pytest.raises(TypeError):
        ganbench.evaluate(digits, digits)


def test_bf16_says_by_how_much_it_moved_the_metric(measure):
    words = ("mnist5k:test", "--real", "mnist5k", "--metrics", "fid@mnist-cnn", "--samples", "300")
    plain, fast = measure(*words), measure(*words, "--precision", "bf16")
    exact, moved = (document["metrics"]["fid@mnist-cnn"] for document in (plain, fast))
    assert "precision_deviation" not in exact
    assert moved["precision_deviation"] != 0
    assert abs(moved["precision_deviation"]) < 0.1 * exact["value"]
    assert "/bf16/" in moved["protocol"]
    assert moved["value"] != exact["value"]
    assert torch.get_default_dtype() == torch.float32


def test_openvino_gives_the_numbers_of_torch(measure):
    pytest.importorskip("openvino", reason="needs the extra: pip install ganbench[openvino]")
    words = (
        "mnist5k:test",
        "--real",
        "mnist5k:test",
        "--metrics",
        "fid@mnist-cnn,recall@mnist-cnn",
    )
    plain, other = (
        measure(*words, "--samples", "200", *more) for more in ((), ("--engine", "openvino"))
    )
    assert other["compute"]["engine"] == "openvino"
    for name, record in other["metrics"].items():
        assert record["value"] == pytest.approx(plain["metrics"][name]["value"], rel=1e-4)
        assert "/openvino/mnist5k:v1/" in record["protocol"]
        plainly = record["protocol"].replace("/openvino", "")
        assert plainly == plain["metrics"][name]["protocol"]


@pytest.mark.weights
def test_a_run_is_measured_with_inception_where_its_weights_are(cli, weights, tmp_path, digits):
    weights("inception", "alexnet")
    np.savez(tmp_path / "few.npz", images=digits[:60].permute(0, 2, 3, 1).numpy())
    words = ("run", "-m", "vanilla", "-d", tmp_path / "few.npz", "--kimg", "0.3", "--json", "-q")
    outcome = cli(*words, "--metrics", "fid,kid,lpips", "--samples", "40")
    assert outcome.code == 0, outcome.out + outcome.err
    metrics = outcome.document["metrics"]
    assert list(metrics) == ["fid", "kid", "lpips"]
    assert metrics["fid"]["value"] > 10
    assert metrics["fid"]["protocol"].startswith("fid/v1@inception:")
    assert metrics["lpips"]["protocol"].startswith("lpips-diversity/v1@alexnet:")
    assert 0 <= metrics["lpips"]["low"] < metrics["lpips"]["high"] < 1
    assert "40 fake samples are too few" in metrics["fid"]["warning"]


def test_what_was_passed_over_and_how_files_differ_is_said_once(measure, cli, folder, tmp_path):
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "features.npy").touch()
    real = tmp_path / "real"
    for index, path in enumerate(sorted(folder.rglob("*.png"))[:100]):
        if path.exists():
            name = "ab"[index % 2]
            (real / name).mkdir(parents=True, exist_ok=True)
            with Image.open(path) as image:
                image.save(real / name / f"{index}.jpg")
    words = (folder, "--real", real, "--metrics", "fid@mnist-cnn")
    notes = [
        "images: passed over: broken links (1), files ending in .npy (1).",
        "real: 2 folders (a, b) were taken for classes.",
        "The files differ in file format: fake 120 PNG; real 100 JPEG.",
    ]
    document = measure(*words)
    assert document["notes"] == notes
    assert document["fake"]["passed_over"] == {"broken links": 1, "files ending in .npy": 1}
    assert document["real"]["passed_over"] == {}
    shown = cli("eval", *words, "-q")
    assert [shown.out.count(note) for note in notes] == [1, 1, 1]
    strict = cli("eval", *words, "-q", "--strict")
    assert strict.code == 2
    assert "broken links (1), files ending in .npy (1)" in strict.err
    assert measure("mnist5k:test", "--real", "mnist5k", "--metrics", "modes")["notes"] == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("{f}", "--real", "mnist5k", "--out", "{f}"), "f.npz is an input"),
        (("mnist5k:test", "--real", "{f}", "--out", "{f}"), "f.npz is an input"),
        (("{f}", "--real", "mnist5k", "--save-statistics", "{f}"), "f.npz is an input"),
        (("{f}", "--real", "mnist5k", "--out", "{d}/note.json"), "did not write it"),
        (("{f}", "--real", "mnist5k", "--save-statistics", "{d}/other.npz"), "did not write it"),
        (("--self-check", "--real", "mnist5k", "--out", "{d}/page"), "was not written by ganbench"),
    ],
)
def test_neither_an_input_nor_a_file_of_another_is_replaced(cli, digits, tmp_path, words, reason):
    np.savez(tmp_path / "f.npz", images=digits[:40].permute(0, 2, 3, 1).numpy())
    np.savez(tmp_path / "other.npz", mu=np.zeros(2), sigma=np.eye(2))
    (tmp_path / "note.json").write_text('{"schema": 1, "metrics": {}}')
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "README.md").write_text("# Mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    filled = [word.format(f=tmp_path / "f.npz", d=tmp_path) for word in words]
    outcome = cli("eval", *filled, "--metrics", "modes@mnist-cnn", "-q")
    assert outcome.code == 1
    assert reason in outcome.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_own_result_is_replaced_unless_it_is_read(cli, digits, tmp_path):
    np.savez(tmp_path / "f.npz", images=digits[:40].permute(0, 2, 3, 1).numpy())
    targets = ("--out", tmp_path / "r.json", "--save-statistics", tmp_path / "s.npz")
    words = ("eval", tmp_path / "f.npz", "--metrics", "fid@mnist-cnn", "-q")
    for _ in range(2):
        assert cli(*words, "--real", "mnist5k:test", *targets).code == 0
    outcome = cli(*words, "--real", tmp_path / "s.npz", *targets)
    assert (outcome.code, "s.npz is an input" in outcome.err) == (1, True)
