# SPDX-License-Identifier: MIT
"""BibTeX entries of papers, in ASCII, so that every version of BibTeX can read them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ganbench.papers.paper import OTHERS, Paper

CONFERENCES = {
    "AAAI": "AAAI Conference on Artificial Intelligence",
    "ACCV": "Asian Conference on Computer Vision",
    "ACML": "Asian Conference on Machine Learning",
    "AISTATS": "International Conference on Artificial Intelligence and Statistics",
    "Asilomar": "Asilomar Conference on Signals, Systems and Computers",
    "CCS": "ACM Conference on Computer and Communications Security",
    "CVPR": "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
    "CVPR Workshops": "IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops",
    "ECCV": "European Conference on Computer Vision",
    "ECCV Workshops": "European Conference on Computer Vision Workshops",
    "ICASSP": "IEEE International Conference on Acoustics, Speech and Signal Processing",
    "ICANN": "International Conference on Artificial Neural Networks",
    "ICCV": "IEEE/CVF International Conference on Computer Vision",
    "ICCV Workshops": "IEEE/CVF International Conference on Computer Vision Workshops",
    "ICDM": "IEEE International Conference on Data Mining",
    "ICLR": "International Conference on Learning Representations",
    "ICML": "International Conference on Machine Learning",
    "IJCNN": "International Joint Conference on Neural Networks",
    "IPMI": "Information Processing in Medical Imaging",
    "Interspeech": "Interspeech",
    "KDD": "ACM SIGKDD Conference on Knowledge Discovery and Data Mining",
    "MICCAI": "Medical Image Computing and Computer-Assisted Intervention",
    "MLHC": "Machine Learning for Healthcare Conference",
    "NeurIPS": "Advances in Neural Information Processing Systems",
    "SIGGRAPH": "ACM SIGGRAPH Conference Proceedings",
    "SIGGRAPH Asia": "ACM SIGGRAPH Asia Conference Proceedings",
    "WACV": "IEEE/CVF Winter Conference on Applications of Computer Vision",
}
"""The full names of conferences; a venue that is not among them is a journal."""

_PROPER_NOUNS = (
    "Banach",
    "Bayes",
    "Cramer",
    "Fisher",
    "Fréchet",
    "Gaussian",
    "Gumbel",
    "Hastings",
    "Inception",
    "Japanese",
    "Jacobian",
    "Langevin",
    "Laplacian",
    "Lipschitz",
    "Markov",
    "Metropolis",
    "Nash",
    "Sobolev",
    "Vendi",
    "Wasserstein",
)
_SPECIAL = {
    "\\": r"{\textbackslash}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    "ß": r"{\ss}",
    "ø": r"{\o}",
    "Ø": r"{\O}",
    "ł": r"{\l}",
    "Ł": r"{\L}",
    "æ": r"{\ae}",
    "Æ": r"{\AE}",
    "œ": r"{\oe}",
    "đ": r"{\dj}",
    "ı": r"{\i}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": "...",
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u ",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r ",
    "\u030b": "H ",
    "\u030c": "v ",
    "\u0327": "c ",
    "\u0328": "k ",
}
"""LaTeX's commands of combining characters."""
_DOTLESS = {"i": r"\i", "j": r"\j"}


def bibliography(papers: Iterable[Paper]) -> str:
    """Return the entries of papers, in the order of their keys, each once."""
    by_key = {paper.key: paper for paper in papers}
    return "\n".join(bibtex(by_key[key]) for key in sorted(by_key))


def bibtex(paper: Paper) -> str:
    """Return the BibTeX entry of a paper.

    A conference's paper is an ``@inproceedings``, a journal's an ``@article``, and any other a
    ``@misc``. Words of the title that must keep their capitals are in braces.
    """
    kind, home = _home(paper)
    fields = {
        "author": " and ".join(map(_author, paper.authors)),
        "title": _title(paper.title),
        **home,
        "year": str(paper.year),
        "eprint": paper.arxiv,
        "archiveprefix": "arXiv" if paper.arxiv else "",
        "doi": paper.doi,
        "url": paper.url,
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{paper.key},\n" + ",\n".join(lines) + "\n}\n"


def _home(paper: Paper) -> tuple[str, dict[str, str]]:
    """Return the type of an entry, and the field that says where the paper was published."""
    if not paper.venue:
        return "misc", {}
    if conference := CONFERENCES.get(paper.venue):
        return "inproceedings", {"booktitle": latex(conference)}
    return "article", {"journal": latex(paper.venue)}


def _author(name: str) -> str:
    """Return the name of an author; a name without a comma is that of a group."""
    if name == OTHERS or "," in name:
        return latex(name)
    return f"{{{latex(name)}}}"


def _title(title: str) -> str:
    """Return a title with braces around the words whose capitals BibTeX must not lower."""
    return re.sub(r"\S+", lambda word: _protected(word[0]), title)


def _protected(word: str) -> str:
    """Return a word of a title, in braces if it has capitals that are not only its first letter.

    >>> [_protected(word) for word in ("Generative", "GANs", "f-GAN:", "Wasserstein")]
    ['Generative', '{GANs}', '{f-GAN}:', '{Wasserstein}']
    """
    core = re.sub(r"^\W+|\W+$", "", word)
    lead, _, trail = word.partition(core) if core else (word, "", "")
    keeps = any(
        letter.isupper() and core[index - 1].isalnum() for index, letter in enumerate(core[1:], 1)
    )
    keeps |= any(part.startswith(_PROPER_NOUNS) for part in core.split("-"))
    keeps |= core[:1].islower() and any(letter.isupper() for letter in core)
    keeps |= len(core) == 1 and core.isupper() and core != "A"
    body = f"{{{latex(core)}}}" if keeps else latex(core)
    return f"{latex(lead)}{body}{latex(trail)}"


def latex(text: str) -> str:
    r"""Return a text as LaTeX writes it in ASCII.

    >>> latex("Bińkowski & Łukasz_1")
    "Bi{\\'n}kowski \\& {\\L}ukasz\\_1"
    """
    return "".join(map(_escaped, unicodedata.normalize("NFC", text)))


def _escaped(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    decomposed = unicodedata.normalize("NFD", letter)
    base, accents = decomposed[0], decomposed[1:]
    for accent in accents:
        if accent not in _ACCENTS:
            return letter
        base = f"\\{_ACCENTS[accent]}{_DOTLESS.get(base, base)}"
    return f"{{{base}}}" if accents else base
