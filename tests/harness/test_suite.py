# SPDX-License-Identifier: MIT
"""Suites: what a file says, what is wrong with it and where, those that come with ganbench."""

import pytest

from ganbench.errors import ConfigError, InputError, UnknownNameError
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.harness.suite import Suite, SuiteFile, find_suite, make_suite


@pytest.fixture
def suite(tmp_path):
    """Write a suite and open it."""

    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return SuiteFile(path)

    return write


def test_a_suite_is_its_axes(suite):
    file = suite(
        'models = "vanilla"\ntricks = ["none", "r1"]\ndatasets = ["ring8"]\nseeds = "0-1,7"\n'
        "[set]\nkimg = 0.4\nrecipe.generator_optimizer.betas = [0.0, 0.9]\n"
        "[vary]\nbatch_size = [10, 20]\n"
    )
    chosen = file.read()
    assert chosen.seeds == (0, 1, 7)
    assert make_suite({"models": "vanilla", "seeds": [3, 0, 3, 1, 0]}).seeds == (3, 0, 1)
    cells = file.cells(chosen)
    assert len(cells) == 2 * 3 * 2
    assert {cell.config.recipe.kimg for cell in cells} == {0.4}
    assert {cell.config.recipe.generator_optimizer.betas for cell in cells} == {(0.0, 0.9)}
    assert {cell.config.recipe.batch_size for cell in cells} == {10, 20}


def test_flags_change_a_suite_and_settings_are_added(suite):
    file = suite('models = ["vanilla"]\ndatasets = ["ring8"]\n[set]\nkimg = 0.4\nbatch_size = 10\n')
    chosen = file.read({"seeds": "5"}, {"recipe.kimg": 0.2})
    (cell,) = file.cells(chosen)
    assert (cell.seed, cell.config.recipe.kimg, cell.config.recipe.batch_size) == (5, 0.2, 10)


def test_what_is_typed_counts_before_any_spelling_of_it_in_the_file(suite):
    file = suite(
        'models = ["vanilla"]\ndatasets = ["ring8"]\nseeds = 0\n[set]\nlearning_rate = 1e-4\n'
        '"recipe.generator_optimizer.learning_rate" = 3e-4\n'
    )
    (cell,) = file.cells(file.read({}, {"learning_rate": 2e-4}))
    assert cell.config.recipe.generator_optimizer.learning_rate == 2e-4
    assert cell.config.recipe.discriminator_optimizer.learning_rate == 2e-4


def test_a_file_that_sets_what_it_varies_is_refused_with_its_line(suite):
    file = suite(
        'models = ["vanilla"]\ndatasets = ["ring9"]\n[set]\nkimg = 1\n[vary]\nkimg = [1, 2]\n'
    )
    with pytest.raises(ConfigError) as raised:
        file.cells(file.read())
    assert "line 4: A matrix cannot both vary 'kimg' and set recipe.kimg." in raised.value.message
    file = suite('models = ["vanilla"]\ndatasets = ["ring8"]\n[vary]\nkimg = [1, 2]\n')
    with pytest.raises(ConfigError, match="cannot both vary"):
        file.cells(file.read({}, {"kimg": 7}))
    assert file.cells(file.read({"vary": {"kimg": [7]}}))


@pytest.mark.parametrize(
    ("text", "comparisons"),
    [
        ('tricks = ["none", "r1", "ema"]\ndatasets = ["ring8", "grid25"]\n', 2 * 2),
        ('tricks = ["none", "r1"]\n[vary]\nbatch_size = [10, 20, 30]\n', 3),
        ("[vary]\nbatch_size = [10, 20, 30]\n", 2),
        ("", 0),
    ],
)
def test_a_suite_knows_how_much_is_tested_on_its_primary_metric(suite, text, comparisons):
    chosen = suite(f'models = ["vanilla"]\n{text}').read()
    assert chosen.comparisons == comparisons
    assert chosen.metric is None


MISTAKES = """\
model = "dcgan"
models = ["dcgan", "vanila"]
tricks = ["none", "emma", "r1"]  # two of them
datasets = []
seeds = "4-0"

[set]
kimgs = 4

[vary]
learning_rte = [1e-3]
"""


def test_all_mistakes_are_said_with_their_lines(suite):
    with pytest.raises(ConfigError) as raised:
        suite(MISTAKES).read()
    message = raised.value.message
    assert message.splitlines()[0].endswith("mine.toml has 7 mistakes:")
    for line, part in [
        (1, "Unknown key 'model'. Did you mean 'models'?"),
        (2, "Unknown model 'vanila'. Did you mean 'vanilla'?"),
        (3, "Unknown trick 'emma'. Did you mean 'ema'?"),
        (4, "'datasets' is empty"),
        (5, "runs backwards"),
        (8, "Unknown setting 'kimgs'. Did you mean 'kimg'?"),
        (11, "Unknown setting 'learning_rte'. Did you mean 'learning_rate'"),
    ]:
        assert f"line {line}: " in message
        assert part in message.partition(f"line {line}: ")[2].splitlines()[0]


def test_a_trick_that_does_not_go_with_a_model_is_found_by_line(suite):
    file = suite('models = ["dcgan"]\ntricks = [\n  "none",\n  "pacgan:size=7",\n]\n')
    with pytest.raises(ConfigError, match=r"pacgan needs a batch size"):
        file.cells(file.read())
    two = suite('models = ["dcgan"]\ntricks = [\n  "none",\n  "pacgan:size=7",\n  "r1:w=1"]\n')
    with pytest.raises(ConfigError) as raised:
        two.cells(two.read())
    assert "line 4: pacgan needs" in raised.value.message
    assert "line 5: The trick 'r1' has no parameter 'w'" in raised.value.message


def test_a_seed_among_the_settings_is_refused_by_line(suite):
    file = suite('models = ["vanilla"]\ndatasets = "ring8"\n[set]\nkimgs = 1\nseed = 7\n')
    with pytest.raises(ConfigError, match=r"line 5: 'seed' is no setting of a matrix"):
        file.cells(file.read())


def test_a_file_that_is_no_toml_is_said(suite, tmp_path):
    with pytest.raises(InputError, match="not valid TOML"):
        suite("models = [")
    with pytest.raises(UnknownNameError, match="Did you mean 'digits-tricks'"):
        find_suite("digit-tricks")
    assert find_suite("suites/digits-tricks.toml") == builtin_suites()["digits-tricks"]


@pytest.mark.parametrize("name", sorted(builtin_suites()))
def test_the_suites_that_come_along_can_be_planned(name):
    file = SuiteFile(builtin_suites()[name])
    chosen = file.read()
    assert chosen.title
    assert file.cells(chosen)


def test_the_suites_for_publication_are_large_enough():
    for name in ("toy-modes", "digits-tricks"):
        chosen = SuiteFile(builtin_suites()[name]).read()
        assert len(chosen.seeds) >= 5
        assert len({trick for text in chosen.tricks for trick in text.split("+")} - {"none"}) >= 10


def test_a_suite_needs_a_model():
    with pytest.raises(ValueError, match="models"):
        Suite.model_validate({})
