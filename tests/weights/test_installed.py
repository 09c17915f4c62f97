# SPDX-License-Identifier: MIT
"""The store of weights: what comes into it, from where, what is refused, and what is loaded."""

import json
import shutil
from dataclasses import asdict, replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ganbench import paths, weights
from ganbench.errors import InputError, MissingDataError, UnknownNameError
from ganbench.weights import convert, store
from ganbench.weights.catalogue import CATALOGUE, find_weights


def trunk_of(published, name):
    return {
        key: value
        for key, value in published.tensors[name].items()
        if CATALOGUE[name].in_trunk(key)
    }


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# -- the catalogue -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_is_consistent(name):
    entry = CATALOGUE[name]
    hashes = [entry.sha256]
    if entry.package:
        hashes += [entry.package.sha256, entry.package.member_sha256]
        assert entry.package.version in entry.package.file
        assert entry.package.size_bytes > 1e7
    assert all(len(digits) == 64 and int(digits, 16) for digits in hashes)
    assert len(set(hashes)) == len(hashes)
    assert entry.address.startswith("https://")
    assert entry.size_bytes > 5e7
    assert entry.metrics
    assert bool(entry.rest) == bool(entry.whole_metrics)
    if name != "dinov2-vitl14":  # the publishers put the hash, or its beginning, into the address
        assert entry.sha256[:8] in entry.address
    assert find_weights(name) is entry


def test_a_name_that_is_not_there():
    for call in (weights.load, weights.fetch, weights.have, weights.identity, weights.verify):
        with pytest.raises(UnknownNameError, match="Did you mean 'inception'") as caught:
            call("incepton")
        assert "vgg16" in caught.value.hint


# -- loading -----------------------------------------------------------------------------------


def test_what_is_not_there_is_named_with_the_command(published):
    for call in (weights.load, weights.identity, weights.verify):
        with pytest.raises(MissingDataError, match="weights of vgg16 are not on") as caught:
            call("vgg16")
        assert caught.value.hint == "ganbench weights fetch vgg16"
    assert not weights.have("vgg16")
    assert weights.state("vgg16") == "missing"
    assert weights.stored("vgg16") is None


def test_the_final_layer_is_only_in_the_official_file(published):
    weights.import_file(published.package("inception"))
    assert weights.have("inception")
    assert not weights.have("inception", whole=True)
    assert weights.state("inception") == "trunk"
    with pytest.raises(MissingDataError, match="only the official file has them") as caught:
        weights.load("inception", whole=True)
    assert CATALOGUE["inception"].address in caught.value.message
    assert "ganbench weights import PATH" in caught.value.hint
    assert caught.value.exit_code == 4


def test_a_damaged_byte_is_noticed(published):
    weights.import_file(published.official("inception"))
    path = paths.weights() / "inception.safetensors"
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    fields = json.loads(content[8:header])
    altered = bytearray(content)
    altered[header + fields["fc.weight"]["data_offsets"][0]] ^= 1
    path.write_bytes(altered)
    assert weights.load("inception"), "the trunk is whole"
    for call in (weights.verify, lambda name: weights.load(name, whole=True)):
        with pytest.raises(InputError, match="is damaged") as caught:
            call("inception")
        assert caught.value.hint == "Delete it, then: ganbench weights fetch inception"
    altered = bytearray(content)
    altered[header + fields["Mixed_7c.branch_pool.bn.bias"]["data_offsets"][1] - 1] ^= 1
    path.write_bytes(altered)
    with pytest.raises(InputError, match="is damaged"):
        weights.load("inception")


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 64])
def test_a_file_that_is_none_is_replaced_by_the_next_fetch(server, content):
    paths.weights().mkdir()
    (paths.weights() / "inception.safetensors").write_bytes(content)
    assert weights.state("inception") == "damaged"
    for call in (weights.load, weights.identity, weights.verify):
        with pytest.raises(InputError, match="is damaged"):
            call("inception")
    assert weights.fetch("inception") == weights.verify("inception")


def test_a_file_in_another_networks_place(published):
    weights.import_file(published.official("alexnet"))
    shutil.copy(store.path_of(CATALOGUE["alexnet"]), store.path_of(CATALOGUE["vgg16"]))
    assert weights.state("vgg16") == "damaged"
    for call in (weights.load, weights.identity, weights.verify):
        with pytest.raises(InputError, match=r"vgg16\.safetensors is damaged"):
            call("vgg16")


# -- importing ---------------------------------------------------------------------------------


def test_every_kind_of_file_is_recognized(published, tmp_path):
    kinds = {
        published.official("inception"): ["inception"],
        published.package("inception"): ["inception"],
        published.member("inception"): ["inception"],
        published.package("vgg16"): ["alexnet", "vgg16"],
        published.member("alexnet"): ["alexnet"],
        published.official("vgg16"): ["vgg16"],
    }
    for number, (path, names) in enumerate(kinds.items()):
        renamed = tmp_path / str(number)  # it is the content that counts
        shutil.copy(path, renamed)
        records = weights.import_file(renamed)
        assert [record.name for record in records] == names
        for name in names:
            assert same(weights.load(name), trunk_of(published, name))


def test_a_trunk_does_not_take_the_place_of_the_whole(published):
    whole = weights.import_file(published.official("inception"))
    assert weights.import_file(published.package("inception")) == whole
    assert weights.have("inception", whole=True)


def test_a_file_of_another_store(published, monkeypatch, tmp_path):
    (record,) = weights.import_file(published.package("inception"))
    path = paths.weights() / "inception.safetensors"
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path / "other"))
    assert weights.import_file(path) == [record]
    assert same(weights.load("inception"), trunk_of(published, "inception"))


@pytest.mark.parametrize("field", ["source_sha256", "weights_sha256", "tensors_sha256"])
def test_a_file_of_another_store_that_does_not_fit_its_record(published, tmp_path, field):
    (record,) = weights.import_file(published.package("inception"))
    with safe_open(paths.weights() / "inception.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in weights.load("inception")}
    save_file(tensors, tmp_path / "fake", metadata={**asdict(record), field: "0" * 64})
    with pytest.raises(InputError):
        weights.import_file(tmp_path / "fake")


@pytest.mark.parametrize("content", [b"", b"anything", None])
def test_what_is_not_known_is_refused_with_what_is(published, tmp_path, content):
    path = tmp_path / "file"
    if content is None:
        save_file({"fc.bias": torch.ones(1)}, path, metadata={"name": "inception"})
    else:
        path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"no weights that are known: its SHA-256 is \w{64}\."
    ) as caught:
        weights.import_file(path)
    assert CATALOGUE["inception"].file in caught.value.hint
    assert not paths.weights().exists()


def test_what_cannot_be_opened(published, tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match=f"{path} cannot be read"):
            weights.import_file(path)


def test_an_official_file_of_another_network_is_refused(published, monkeypatch):
    path = published.official("inception")
    wrong = replace(CATALOGUE["alexnet"], sha256=CATALOGUE["inception"].sha256)
    monkeypatch.setitem(CATALOGUE, "alexnet", wrong)
    monkeypatch.delitem(CATALOGUE, "inception")
    with pytest.raises(InputError, match="holds no tensors of alexnet"):
        weights.import_file(path)


@pytest.mark.parametrize("name", ["inception", "vgg16"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"member_sha256": "0" * 64}, "holds another .* than expected"),
        ({"member": "nothing"}, "cannot be read: it lacks nothing"),
    ],
)
def test_a_package_with_another_member_is_refused(published, monkeypatch, name, change, expected):
    entry = CATALOGUE[name]
    wrong = replace(entry, package=replace(entry.package, **change))
    monkeypatch.setitem(CATALOGUE, name, wrong)
    with pytest.raises(InputError, match=expected):
        weights.import_file(published.package(name))
    assert not weights.have(name)


@pytest.mark.parametrize("name", ["inception", "vgg16"])
def test_a_member_with_another_layout_is_refused(published, monkeypatch, tmp_path, name):
    other = {"inception": "script.pt", "vgg16": "arrays.pkl"}[name]
    if name == "inception":
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / other))
    else:
        import pickle

        import numpy as np

        tree = {"VGG16_0": {"Conv_0": {"kernel": np.ones((1, 1, 1, 1), "f4")}}}
        (tmp_path / other).write_bytes(pickle.dumps(tree, protocol=3))
    with pytest.raises(InputError, match="does not hold the"):
        convert.packaged(CATALOGUE[name], tmp_path / other)


# -- against the libraries that load these names -----------------------------------------------


def test_the_names_are_those_of_torch_fidelity_and_torchvision(published):
    from torch_fidelity import feature_extractor_inceptionv3 as theirs
    from torchvision.models import alexnet, vgg16

    class Blank(theirs.FeatureExtractorInceptionV3):
        def load_state_dict(self, *_):
            """Load nothing: the constructor would download it."""

    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
        expected = Blank("inception", ["2048"]).state_dict()
        for name, made in (("alexnet", alexnet), ("vgg16", vgg16)):
            names = {key for key in made().state_dict() if key.startswith("features")}
            assert trunk_of(published, name).keys() == names
    expected = [name for name in expected if not name.endswith("num_batches_tracked")]
    weights.import_file(published.official("inception"))
    assert set(weights.load("inception", whole=True)) == set(expected)
    order = [name.removesuffix(".conv.weight") for name in expected if ".conv.weight" in name]
    assert order == convert.inception_convolutions()


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inception", "2880397385c127930be1f918f46a156bdc0843c2c6d32bf5f131cc254f21ff9a"),
        ("alexnet", "b46189e918b5839984e730473cc7329f473de17968d8502d355c0f0fd30797e7"),
        ("vgg16", "441a19f14162bd7500dada8abf5ea122eae6bfb8beb0157b85974ee9aae8a060"),
    ],
)
def test_the_published_weights_have_one_identity(request, name, expected):
    request.getfixturevalue("weights")(name)
    assert weights.verify(name).weights_sha256 == weights.identity(name) == expected
    tensors = weights.load(name)
    assert len(tensors) == {"inception": 470, "alexnet": 10, "vgg16": 26}[name]
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
