# SPDX-License-Identifier: MIT
"""Foreign archives: read as numpy and torch read them, and nothing in them is ever called."""

import collections
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.errors import InputError
from ganbench.weights.archives import read_archive_arrays, read_checkpoint, read_script


class Trap:
    """Unpickled as Python does it, this leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(3, 4).half())
        self.register_buffer("counts", torch.arange(6).view(2, 3).t())
        self.sizes = [1, 2, 3]
        self.names = {"a": torch.ones(2)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.sizes[0] + self.names["a"].sum()


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(()))
        self.first = Inner()
        self.second = nn.Sequential(Inner(), nn.Linear(2, 3))
        self.tied = nn.Parameter(torch.randn(5, 4)[1:, ::2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second[0](self.first(x)) + self.bias + self.tied.sum()


# -- TorchScript -------------------------------------------------------------------------------


def test_a_script_is_read_as_torch_reads_it(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.script(Outer()).save(str(path))
    expected = torch.jit.load(str(path)).state_dict()
    tensors = read_script(path)
    assert expected.keys() <= tensors.keys()
    assert len(expected) == 8
    for name, tensor in expected.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].is_contiguous()
    # What torch does not count as state is read, too: an attribute that holds tensors.
    assert tensors.keys() - expected.keys() == {"first.names.a", "second.0.names.a"}


def test_the_order_is_the_archives(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.script(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))).save(str(path))
    assert list(read_script(path)) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def script_of(path, value, storage=b"\0" * 16):
    """Write an archive around any pickle; ``value`` may hold a Storage."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return value.identifier if isinstance(value, Storage) else None

    with path.with_suffix(".pkl").open("wb") as file:
        Pickler(file, protocol=2).dump(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".pkl"), "top/data.pkl")
        archive.writestr("top/data/0", storage)
    return path


class Storage:
    def __init__(self, kind=torch.FloatStorage, count=4, word="storage"):
        self.identifier = (word, kind, "0", "cpu", count)


class Rebuilt:
    def __init__(self, storage, offset, size, stride):
        self.arguments = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return (torch._utils._rebuild_tensor_v2, self.arguments)


def test_a_tensor_is_a_view_of_its_storage(tmp_path):
    storage = np.arange(4, dtype="<f4").tobytes()
    path = script_of(tmp_path / "a.pt", {"one": Rebuilt(Storage(), 1, (2,), (2,))}, storage)
    assert read_script(path)["one"].tolist() == [1.0, 3.0]
    path = script_of(tmp_path / "b.pt", {"none": Rebuilt(Storage(), 0, (0, 3), (3, 1))}, storage)
    assert read_script(path)["none"].shape == (0, 3)


@pytest.mark.parametrize(
    "given",
    [
        (Storage(), 1, (2, 2), (2, 1)),
        (Storage(), 4, (1,), (1,)),
        (Storage(), -1, (1,), (1,)),
        (Storage(), 3, (2,), (-1,)),
        (Storage(), 0, (2,), (1, 1)),
        (Storage(count=5), 0, (5,), (1,)),
        (Storage(kind=torch.DoubleStorage), 0, (2,), (1,)),
        (Storage(word="module"), 0, (2,), (1,)),
    ],
)
def test_a_tensor_that_leaves_its_storage_is_refused(tmp_path, given):
    path = script_of(tmp_path / "bad.pt", {"one": Rebuilt(*given)})
    with pytest.raises(InputError, match=r"bad\.pt cannot be read as a TorchScript archive"):
        read_script(path)


def test_a_script_calls_nothing(tmp_path):
    path = script_of(tmp_path / "trap.pt", {"one": Trap(tmp_path / "sprung")})
    with pytest.raises(InputError, match="TorchScript"):
        read_script(path)
    assert not (tmp_path / "sprung").exists()


# -- pickled arrays ----------------------------------------------------------------------------


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    path = tmp_path / "arrays.pkl"
    tree = {
        "a": {"kernel": np.random.default_rng(0).normal(size=(2, 3, 4)).astype("f4")},
        "b": collections.OrderedDict(bias=np.float32([1, 2])),
        "c": np.zeros((0, 2), "f4"),
    }
    for protocol in (3, 4, 5):
        path.write_bytes(pickle.dumps(tree, protocol=protocol))
        if protocol == 5:  # which asks numpy for its bytes in another way
            with pytest.raises(InputError):
                read_archive_arrays(path)
            continue
        arrays = read_archive_arrays(path)
        assert arrays.keys() == {"a.kernel", "b.bias", "c"}
        assert torch.equal(arrays["a.kernel"], torch.from_numpy(tree["a"]["kernel"]))
        assert arrays["b.bias"].tolist() == [1.0, 2.0]
        assert arrays["c"].shape == (0, 2)


class Named:
    def __init__(self, function, *given):
        self.reduced = (function, given)

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    "value",
    [
        np.ones(3, "f8"),
        np.ones(3, "i4"),
        np.ones(3, ">f4"),
        np.asfortranarray(np.ones((2, 3), "f4")),
        np.array([{}], dtype=object),
        Named(np.ndarray, (2,)),
        Named(eval, "1"),
        Named(getattr, "a", "upper"),
        np.float32(1),
    ],
    ids=[
        "double",
        "integers",
        "big-endian",
        "columns-first",
        "objects",
        "ndarray",
        "eval",
        "getattr",
        "scalar",
    ],
)
def test_all_but_plain_float32_arrays_are_refused(tmp_path, value):
    path = tmp_path / "arrays.pkl"
    path.write_bytes(pickle.dumps({"one": value}, protocol=3))
    with pytest.raises(InputError, match="cannot be read as a pickle of float32 arrays"):
        read_archive_arrays(path)


def test_arrays_call_nothing(tmp_path):
    path = tmp_path / "arrays.pkl"
    path.write_bytes(pickle.dumps({"one": Trap(tmp_path / "sprung")}, protocol=3))
    with pytest.raises(InputError):
        read_archive_arrays(path)
    assert not (tmp_path / "sprung").exists()


# -- checkpoints -------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_old_and_new(tmp_path, zipped):
    path = tmp_path / "a.pth"
    tensors = collections.OrderedDict(one=torch.randn(2, 3), two=nn.Parameter(torch.randn(4)))
    torch.save(tensors, path, _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(path)
    assert list(checkpoint) == ["one", "two"]
    assert torch.equal(checkpoint["one"], tensors["one"])


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_calls_nothing(tmp_path, zipped):
    path = tmp_path / "a.pth"
    torch.save({"one": Trap(tmp_path / "sprung")}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="cannot be read as a torch checkpoint"):
        read_checkpoint(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("value", [[torch.ones(1)], {"epoch": 3}, torch.ones(2)])
def test_a_checkpoint_of_something_else(tmp_path, value):
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(InputError, match="dictionary of tensors"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("read", [read_script, read_archive_arrays, read_checkpoint])
@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04", b"\x80\x02}q\x00"])
def test_what_is_no_archive(tmp_path, read, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "nothing")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_archives_that_were_cut(files, tmp_path, share):
    for path, read in (
        (files.member("inception"), read_script),
        (files.member("vgg16"), read_archive_arrays),
        (files.official("inception"), read_checkpoint),
        (files.official("vgg16"), read_checkpoint),
    ):
        content = path.read_bytes()
        (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / "cut")
