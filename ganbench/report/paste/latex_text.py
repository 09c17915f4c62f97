# SPDX-License-Identifier: MIT
"""Words and numbers as LaTeX that typesets them as they are."""

from __future__ import annotations

import re

from ganbench.analysis.number_text import MINUS, NOTHING

_WORDS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    MINUS: r"$-$",
    NOTHING: "--",
    "—": "---",
    "±": r"$\pm$",
    "×": r"$\times$",
    "²": r"$^2$",
    "³": r"$^3$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "σ": r"$\sigma$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "’": "'",
    "“": "``",
    "”": "''",
    "\n": " ",
    "\t": " ",
    "\u00a0": "~",
}
_THOUSANDS = re.compile(r"(?<=\d),(?=\d)")
_BREAKS = r"\allowbreak{}"


def latex_words(text: str) -> str:
    r"""Return a text as LaTeX; a character that plain LaTeX cannot typeset becomes a question mark.

    >>> print(latex_words("50 % of {ring_8} ↓"))
    50 \% of \{ring\_8\} $\downarrow$
    """
    return "".join(_WORDS.get(letter) or _letter(letter) for letter in text)


def latex_protocol(text: str) -> str:
    r"""Return a protocol in typewriter letters, which may break after its slashes.

    >>> print(latex_protocol("is/v1"))
    \texttt{is/\allowbreak{}v1}
    """
    return rf"\texttt{{{latex_words(text).replace('/', f'/{_BREAKS}')}}}"


def latex_number(text: str) -> str:
    """Return a number that was written for a page: a true minus sign, no gaps after commas.

    >>> print(latex_number("−12,345.7"))
    $-12{,}345.7$
    """
    if text == NOTHING:
        return latex_words(text)
    return f"${_THOUSANDS.sub('{,}', text.replace(MINUS, '-'))}$"


def _letter(letter: str) -> str:
    """Return a letter of the Latin alphabets as it is, which inputenc reads."""
    return letter if letter.isprintable() and ord(letter) < 0x180 else "?"
