# SPDX-License-Identifier: MIT
"""What runs, reports, suites and names use, and which papers are cited for it."""

from pathlib import Path

import pytest

from ganbench import registry
from ganbench.errors import InputError, UnknownNameError
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.papers.credits import (
    Use,
    credits_of,
    entries_by_paper,
    papers_of,
    uses_of_run,
    uses_of_suite,
)
from ganbench.papers.paper import known_papers
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

ROOT = Path(__file__).resolve().parents[2]
FID = "fid/v1@inception:6726825d/299px-bilinear-tf1/ddof=1/cifar10:v1/split=train/n_fake=500"
ADAM = {"kind": "adam", "learning_rate": 2e-4}


def identifiers(*names, suites=None):
    """The arXiv identifiers and DOIs that are cited for names."""
    cited = credits_of(names, builtin_suites() if suites is None else suites).papers
    return {paper.arxiv or paper.doi or paper.url for paper in cited}


def run(**config):
    """A run that was measured with FID on Inception's features."""
    return RunRecord(
        name="a-run",
        status="done",
        model="dcgan",
        dataset="cifar10",
        config={"model": "dcgan", "dataset": "cifar10@32", **config},
        metrics={"fid": Measurement(value=1.0, protocol=FID)},
    )


def test_a_run_uses_all_that_it_was_made_and_measured_with():
    tricks = [{"name": "r1", "parameters": {"weight": 0.1}}, {"name": "ema"}]
    momentum = {"kind": "sgd", "learning_rate": 0.1, "momentum": -0.5}
    recipe = {"generator_optimizer": ADAM, "discriminator_optimizer": momentum}
    made = run(loss="hinge", tricks=tricks, recipe=recipe)
    assert set(uses_of_run(made)) == {
        Use("model", "dcgan"),
        Use("dataset", "cifar10"),
        Use("loss", "hinge"),
        Use("trick", "r1"),
        Use("trick", "ema"),
        Use("optimizer", "adam"),
        Use("optimizer", "negative-momentum"),
        Use("metric", "fid"),
        Use("network", "inception"),
    }


def test_a_loss_that_belongs_to_its_model_is_no_use_of_its_own():
    assert Use("loss", "exchanged-labels") not in set(uses_of_run(run(loss="exchanged-labels")))
    mine = set(uses_of_run(run(loss="./mine.py:soft", loss_source="1a2b3c4d")))
    assert Use("loss", "./mine.py:soft") in mine


def test_a_backbone_by_name_is_used_where_there_are_backbones(monkeypatch):
    backbones = registry.Registry("backbone", "ganbench.zoo", "ganbench.none", forms=("function",))
    monkeypatch.setitem(registry.KINDS, "backbones", backbones)
    assert Use("backbone", "dcgan") in set(uses_of_run(run(parameters={"backbone": "DCGAN"})))
    for name in ("auto", "mine"):
        uses = set(uses_of_run(run(parameters={"backbone": name})))
        assert "backbone" not in {use.kind for use in uses}


def test_plain_momentum_and_rmsprop_are_nobodys_paper():
    for settings in ({"kind": "sgd", "momentum": 0.9}, {"kind": "rmsprop"}):
        recipe = {"generator_optimizer": settings, "discriminator_optimizer": settings}
        assert not {use for use in uses_of_run(run(recipe=recipe)) if use.kind == "optimizer"}


def test_a_record_without_a_configuration_still_has_a_model_and_data():
    uses = set(uses_of_run(RunRecord(name="old", status="done", model="dcgan", dataset="ring8")))
    assert uses == {Use("model", "dcgan"), Use("dataset", "ring8")}


def test_a_report_is_cited_from_its_records():
    cited = credits_of([str(ROOT / "reports/digits-tricks")], {})
    named = {paper.arxiv for paper in cited.papers}
    assert named >= {
        "1511.06434",  # dcgan
        "1406.2661",  # its loss
        "1802.05957",  # spectral-norm
        "1704.00028",  # gradient-penalty
        "1801.04406",  # r1, r2
        "2006.10738",  # diffaugment
        "1712.04086",  # pacgan
        "2006.14567",  # lookahead
        "1706.08500",  # fid
        "1412.6980",  # adam
    }
    assert not named & {"1701.07875", "1512.00567"}  # no WGAN, and no Inception: mnist-cnn was used
    assert Use("network", "mnist-cnn") in cited.without_paper
    assert list(cited.papers) == sorted(cited.papers, key=lambda paper: paper.key)


def test_names_of_the_registry_and_of_papers():
    assert identifiers("dcgan") == {"1511.06434"}
    assert identifiers("DCGAN", "wgan_gp") == {"1511.06434", "1704.00028"}
    assert identifiers("fid") == {"1706.08500", "1512.00567"}  # with the network that it needs
    assert identifiers("fd-dinov2") == {"2306.04675", "2304.07193"}
    assert identifiers("fid@inception-clean") == {"1706.08500", "2104.11222"}
    assert identifiers("karras2020analyzing", "arXiv:1406.2661") == {"1912.04958", "1406.2661"}
    assert "1709.08894" in identifiers("gradient-penalty")  # one_sided is another paper's


def test_a_name_of_two_things_stands_for_both_and_may_say_which(monkeypatch):
    doubles = registry.Registry("trick", "ganbench.zoo", "ganbench.none", forms=("function",))
    monkeypatch.setitem(registry.KINDS, "tricks", doubles)
    assert identifiers("dcgan") == identifiers("models/dcgan") == {"1511.06434"}
    assert identifiers("tricks/dcgan") == {"1511.06434"}
    with pytest.raises(
        UnknownNameError, match=r"Nothing is called 'tricks/dcgn'\. Did you mean 'dcgan'"
    ):
        identifiers("tricks/dcgn")


def test_suites_by_name_and_by_file(tmp_path):
    assert identifiers("toy-modes") >= {"1712.04086"}
    file = tmp_path / "mine.toml"
    file.write_text(
        'models = "vanilla"\ndatasets = ["ring8", "mnist5k@32"]\n'
        'tricks = ["none", "r1:weight=0.1+ema", "pacgan:off"]\nmetric = "fid@inception-clean"\n'
        '[vary]\nloss = ["hinge"]\n'
    )
    cited = identifiers(str(file), suites={})
    assert cited == {
        "1406.2661",
        "1712.04086",  # ring8's, not the trick that is off
        "10.1109/5.726791",
        "1801.04406",
        "1806.04498",
        "1706.08500",
        "2104.11222",
        "1705.02894",
    }
    assert Use("trick", "pacgan") not in set(uses_of_suite({"tricks": ["pacgan:off"]}))


@pytest.mark.parametrize("table", ["set", "vary"])
def test_the_backbones_of_a_suite_are_cited(table):
    named = ["sagan:width=8", "stylegan2", "auto"]
    suites = [{table: {"model.backbone": name}} for name in named]
    suites.append({table: {"model.backbone": named}})
    uses = [set(uses_of_suite(suite)) for suite in suites]
    sagan, stylegan2 = Use("backbone", "sagan"), Use("backbone", "stylegan2")
    assert uses == [{sagan}, {stylegan2}, set(), {sagan, stylegan2}]


def test_the_backbone_of_a_run_is_cited_with_parameters_as_well():
    for text in ("sagan", "sagan:width=8"):
        assert Use("backbone", "sagan") in set(uses_of_run(run(parameters={"backbone": text})))
    without = [*uses_of_run(run()), *uses_of_run(run(parameters={"backbone": "auto"}))]
    assert not [use for use in without if use.kind == "backbone"]


def test_a_bundled_suite_cites_its_backbones():
    cited = identifiers("zoo-backbones", suites=builtin_suites())
    assert {"1805.08318", "1912.04958", "2501.05441", "2101.04775"} <= cited


def test_what_has_no_paper_is_told_apart(tmp_path):
    file = tmp_path / "mygan.py"
    file.write_text(
        'from ganbench import register\n\n\n@register\ndef mygan(data):\n    """Mine."""\n'
    )
    cited = credits_of([str(file), "digits", "dcgan"], {})
    assert cited.without_paper == (Use("dataset", "digits"), Use("model", str(file)))
    assert [paper.arxiv for paper in cited.papers] == ["1511.06434"]


def test_a_file_cites_the_paper_of_its_docstring(tmp_path):
    file = tmp_path / "mygan.py"
    file.write_text(
        "from ganbench import register\n\n\n@register\ndef mygan(data):\n"
        '    """Mine.\n\n    Paper: Goodfellow et al., 2014, arXiv:1406.2661\n    """\n'
    )
    assert identifiers(str(file)) == {"1406.2661"}


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match=r"Nothing is called 'dcgn'\. Did you mean 'dcgan'"):
        credits_of(["dcgn"], {})
    with pytest.raises(InputError, match="no run in"):
        credits_of([str(tmp_path)], {})
    with pytest.raises(InputError, match="no file"):
        credits_of(["./missing.py"], {})


def test_entries_by_paper_is_the_other_direction_of_papers_of():
    by_paper = entries_by_paper()
    assert set(by_paper) == set(known_papers())
    for catalogue in registry.KINDS.values():
        kind = catalogue.kind.rpartition(" ")[2]
        for name, entry in catalogue.entries().items():
            keys = {paper.key for paper in papers_of(kind, entry)}
            assert keys == {key for key, names in by_paper.items() if f"{kind}:{name}" in names}
