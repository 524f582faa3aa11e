"""LaTeX tables: the text itself, and what an engine makes of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unicodedata

import pytest
from pypdf import PdfReader

from imbench.report.latex import escape
from imbench.report.report import render_report

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}"""
EXPECTED = r"""% imbench {version}
% command: bench report --latex
% commit of the records: abc123
% Preamble: \usepackage[T1]{fontenc} \usepackage{booktabs}

\providecommand{\imbenchcell}[5]{\expandafter\gdef\csname imbench/#1\endcsname{#2}%
\expandafter\gdef\csname imbench/#1/low\endcsname{#3}%
\expandafter\gdef\csname imbench/#1/high\endcsname{#4}%
\expandafter\gdef\csname imbench/#1/seeds\endcsname{#5}}
\providecommand{\imbench}[1]{\ifcsname imbench/#1\endcsname\csname imbench/#1\endcsname\else\errmessage{imbench has no number #1}\fi}
\providecommand{\imbenchlow}[1]{\imbench{#1/low}}
\providecommand{\imbenchhigh}[1]{\imbench{#1/high}}
\providecommand{\imbenchseeds}[1]{\imbench{#1/seeds}}
\imbenchcell{digits/f1/vanilla/25}{0.300}{0.00}{0.94}{2}
\imbenchcell{digits/f1/vanilla/100}{0.550}{0.00}{1.00}{2}
\imbenchcell{digits/f1/us+cs/25}{0.550}{0.00}{1.00}{2}
\imbenchcell{digits/f1/us+cs/100}{-{}-}{-{}-}{-{}-}{0}
\imbenchcell{digits/f1/cbl-0.99/25}{0.400}{-{}-}{-{}-}{1}
\imbenchcell{digits/f1/cbl-0.99/100}{div}{-{}-}{-{}-}{0}

% data digits: fingerprint 0123456789abcdef
% seeds: 2 (majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA 0.500; cnn, 16 px; 200 steps of 64 images; seeds 0-1; data 0123456789ab)
% settings {"network":"cnn","size":16,"steps":200,"batch_size":64,"lr":0.05,"momentum":0.9,"weight_decay":0.0002,"warmup":0.05,"augment":"flip+crop","threads":1}, protocol version 1
% mean F1 of the minority (0.300 to 0.550) is not better than the trivial score, 0.700: every method at every count; to do: try --steps 800, --size 32 or more minority images, and see by `bench data show` what the network sees
% 2 seeds: differences can be described, not established; 6 are needed for a pair of methods; 7 for one method against 2 others; to do: run 7 seeds (--seeds 0-6)
\begin{table}[htbp]
\centering\footnotesize\setlength{\tabcolsep}{2pt}
\caption{digits: F1 of the minority. Majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA 0.500; cnn, 16 px; 200 steps of 64 images; seeds 0-1; data 0123456789ab.}
\label{tab:digits-f1-{code}}
\begin{tabular}{@{}lrr@{}}
\toprule
 & \multicolumn{2}{c}{minority training images} \\
\cmidrule(l){2-3}
method & 25 & 100 \\
\midrule
Vanilla & .300{\scriptsize\,[.00,.94]} & .550{\scriptsize\,[.00,1.00]} \\
US+CS & \textbf{.550}{\scriptsize\,[.00,1.00]} & -{}- \\
CBL 0.99 & .400\textsuperscript{\,1/2}\textsuperscript{\,a} & div\textsuperscript{\,b} \\
\midrule
trivial & .700 & .700 \\
\bottomrule
\end{tabular}
\par\smallskip
\begin{minipage}{\linewidth}\raggedright
\textsuperscript{a}~1 of 2 seeds: seed 1 diverged (loss is NaN at 50\% \& step\_7)\par
\textsuperscript{b}~seeds 0-1 diverged (NaN)\par
mean over seeds {[}its 95 \% t interval within 0..1{]}\par
-{}- not run\par
bold: best mean of a column\par
no bold in a column with one method only\par
only methods with the most seeds of their column can be bold\par
\end{minipage}
\end{table}

\paragraph{Verdict on digits by F1 of the minority.}
\begin{itemize}
\item 5 of 12 cells have no score (US+CS 2, CBL 0.99 3), and nothing is said of them.
\item No mean is better than the trivial score, 0.700: nothing was learned beyond it.
\item No method is above Vanilla by more than chance: 2 seeds cannot show it, 7 could.
\item Ahead of Vanilla in every seed, not established: US+CS +0.250 at 25.
\item Best: US+CS 0.550 at 25, not separated from Vanilla -0.250, CBL 0.99 -0.100 (2 seeds cannot separate the best of 3 methods, 7 can).
\item More minority images: Vanilla from 25 to 100, for a doubling: mean difference +0.125 (+0.125..+0.125) over 2 seeds, not established with fewer than 6.
\item Next: methods cannot be compared before one learns, and at 25, 100 none does; try more steps (-{}-steps, now 200), larger images (-{}-size, now 16 px) or more minority images, and look at what the network sees (bench data show).
\end{itemize}
"""  # noqa: E501


@pytest.fixture
def records(make_record):
    reason = "loss is NaN at 50% & step_7"
    return [
        make_record("vanilla", 25, 0, 0.25, commit="abc123"),
        make_record("vanilla", 25, 1, 0.35),
        make_record("vanilla", 100, 0, 0.5),
        make_record("vanilla", 100, 1, 0.6),
        make_record("us+cs", 25, 0, 0.5),
        make_record("us+cs", 25, 1, 0.6),
        make_record("cbl:beta=0.99", 25, 0, 0.4),
        make_record("cbl:beta=0.99", 25, 1, None, status="diverged", reason=reason),
        make_record("cbl:beta=0.99", 100, 0, None, status="diverged", reason="NaN"),
        make_record("cbl:beta=0.99", 100, 1, None, status="diverged", reason="NaN"),
    ]


def test_whole_table(records):
    from imbench import __version__

    text = render_report(records, form="latex", command="bench report --latex")
    (code,) = re.findall(r"\\label\{tab:digits-f1-([0-9a-f]{8})\}", text)
    assert text == EXPECTED.replace("{version}", __version__).replace("{code}", code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50%_&#", r"50\%\_\&\#"),
        ("{}~^\\", r"\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("$x$ <a|b>", r"\$x\$ \textless{}a\textbar{}b\textgreater{}"),
        ("[x]*", "{[}x{]}{*}"),
        ("-- '' ,,", "-{}- '{}' ,{},"),
        ("žluť β Ω", r"žluť $\beta$ $\Omega$"),
        ("Z\u030c", "Ž"),
        ("名", "U+540D"),
        ("a\nb\x00", r"a\textbackslash{}nb\textbackslash{}x00"),
    ],
)
def test_escape(text, expected):
    assert escape(text) == expected


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_row_23_no_name_breaks_out_of_a_comment(make_record, ending):
    name = f"folder:x{ending}\\input{{/etc/passwd}}"
    record = make_record(cell={"dataset": name, "fingerprint": name}, commit=name)
    text = render_report([record], form="latex", command=f"bench report {name}")
    for line in re.split(r"[\n\r\x0b\x0c\x85\u2028\u2029]", text):
        assert r"\input" not in line or line.startswith("% ")


def compiled(tables, folder, *, package=""):
    """Return the text of the PDF and the log, or skip; `package` is one more to load."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (Debian: texlive-latex-recommended)")
    preamble = PREAMBLE
    if package:
        found = subprocess.run(["kpsewhich", f"{package}.sty"], capture_output=True)
        if found.returncode:
            pytest.skip(f"no LaTeX package {package} here (Debian: texlive-latex-recommended)")
        preamble = PREAMBLE.replace("\n", f"\n\\usepackage{{{package}}}\n", 1)
    source = f"{preamble}\n\\begin{{document}}\n{tables}\\end{{document}}\n"
    (folder / "report.tex").write_text(source, encoding="utf-8")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report"],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "max_print_line": "1000"},
        timeout=280,
    )
    log = (folder / "report.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-2000:]
    pages = PdfReader(folder / "report.pdf").pages
    text = "\n".join(page.extract_text() for page in pages)
    return unicodedata.normalize("NFKC", text), log


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_it_compiles_and_reads_back(records, tmp_path):
    text, log = compiled(render_report(records, form="latex", metrics=["f1", "acsa"]), tmp_path)
    flat = squeezed(text)
    assert "Vanilla.300[.00,.94].550[.00,1.00]" in flat
    assert "US+CS.550[.00,1.00]--" in flat
    assert "CBL0.99.4001/2adivb" in flat
    assert "ACSA(balancedaccuracy)" in flat
    assert "Overfull" not in log
    assert "undefined" not in log


PROSE = r"""US+CS reaches \imbench{digits/f1/us+cs/25} (\imbenchlow{digits/f1/us+cs/25} to \
\imbenchhigh{digits/f1/us+cs/25}, \
\imbenchseeds{digits/f1/us+cs/25} seeds), ACSA \imbench{digits/acsa/us+cs/25}, CBL \
\imbench{digits/f1/cbl-0.99/100}, US+CS at 100 \imbench{digits/f1/us+cs/100}.
"""


def test_prose_cites_cells_before_and_after_the_tables(records, tmp_path):
    metrics = ["f1", "acsa"]
    alone = render_report(records, form="macros", metrics=metrics)
    tables = render_report(records, form="latex", metrics=metrics)
    assert alone in tables
    text, log = compiled(f"{alone}{PROSE}{tables}{PROSE}", tmp_path)
    said = "US+CSreaches0.550(0.00to1.00,2seeds),ACSA0.550,CBLdiv,US+CSat100--."
    assert squeezed(text).count(said) == 2
    assert "undefined" not in log


def test_a_number_that_is_not_there_stops_latex(records, tmp_path):
    alone = render_report(records, form="macros")
    with pytest.raises(AssertionError, match="imbench has no number digits/f1/us/25"):
        compiled(f"{alone}\\imbench{{digits/f1/us/25}}", tmp_path)


def test_paragraphs_compile_and_read_back(make_record, tmp_path):
    records = [
        make_record(recipe, count, seed, score + seed / 100, cell={"dataset": "folder:50%_&#{}"})
        for recipe, score in (("vanilla", 0.3), ("us+cs", 0.5), ("cbl:beta=0.99", 0.4))
        for count in (25, 100)
        for seed in range(6)
    ]
    tables = render_report(
        records, form="latex", compare=["us+cs", "vanilla"], claims=True, ranks=True
    )
    text, log = compiled(tables, tmp_path, package="cmap")
    flat = squeezed(text)
    assert "folder:50%_&#{}:US+CSagainstVanillabyF1oftheminority." in flat
    assert "25minorityimages:US+CSbeatsVanillaonthesetestimages:meandifference+0.200" in flat
    assert "averageranksover2cells" in flat
    assert "1.Vanillacollapsesatthesmallestcountandriseswiththecount:doesnothold" in flat
    assert "undefined" not in log
    assert "Missing character" not in log


def test_no_two_cells_share_a_macro(make_record):
    cells = [
        {},
        {"fingerprint": "f" * 16},
        {"fingerprint": "e" * 16, "dataset": "Digits"},
        {"versions": {"vanilla": 2}},
        {"recipe": "a_b"},
        {"recipe": "a-b"},
        {"recipe": "\u540d"},
    ]
    records = [
        make_record(seed=seed, cell=cell, **{"recipe": cell.pop("recipe", "vanilla")})
        for cell in cells
        for seed in (0, 1)
    ]
    lines = render_report(records, form="macros", metrics=["f1", "acsa"]).splitlines()
    keys = re.findall(r"^\\imbenchcell\{(.*?)\}", "\n".join(lines), re.M)
    assert len(keys) == len(set(keys)) == 2 * len(cells)
    assert all(re.fullmatch(r"[a-z0-9.+/-]+", key) for key in keys)


AWKWARD = [
    "50%_&#{}~^\\",
    "$x$ <script>alert(1)</script>",
    "[a]*|b| \"q\" 'r' `s` ?` !` -- --- '' ,, << >>",
    "\\input{/etc/hostname} \\end{table} ^^M %",
    "žluťoučký kůň ÅØßÞ Ąęő",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_row_23_awkward_names_read_back_as_they_are(make_record, tmp_path, name):
    tables = render_report([make_record(name, cell={"dataset": f"csv:{name}"})], form="latex")
    # Without cmap the PDF prints accented letters but does not say which ones they are.
    text, _ = compiled(tables, tmp_path, package="" if name.isascii() else "cmap")
    flat = squeezed(text).replace("\u2019", "'").replace("\u2018", "`").replace("\u2033", '"')
    expected = squeezed(unicodedata.normalize("NFKC", name))
    assert flat.count(expected) >= 2, flat[:400]


def test_other_scripts_are_spelt_out_and_compile(make_record, tmp_path):
    tables = render_report([make_record("名前 ☃ βΩ → ≥")], form="latex")
    text, _ = compiled(tables, tmp_path)
    assert "U+540DU+524DU+2603βΩ→≥" in squeezed(text).replace("\u2126", "Ω")


def test_every_letter_kept_has_a_glyph(tmp_path):
    from imbench.report.latex import _GREEK, _LATIN, _SPECIAL

    letters = sorted(_LATIN | _GREEK | _SPECIAL.keys())
    _, log = compiled("\n\n".join(map(escape, letters)), tmp_path)
    assert "Missing character" not in log
    assert "undefined" not in log


def test_the_papers_whole_table_beside_ours_fits_its_pages(make_record, tmp_path):
    from imbench.training.recipe import PAPER_METHODS

    records = [
        make_record(recipe, count, seed, 0.5 + 0.1 * seed, cell={"dataset": "celeba"})
        for recipe in PAPER_METHODS
        for count in (50, 100, 200, 300, 400, 500)
        for seed in range(3)
    ]
    plain, log = compiled(render_report(records, form="latex"), tmp_path)
    assert "Overfull" not in log
    assert squeezed(plain).count(".600[.35,.85]") == 14 * 6
    beside, log = compiled(render_report(records, form="latex", vs_paper=True), tmp_path)
    assert "Overfull" not in log
    assert "too large" not in log
    for value in (".6736", ".9226", ".1500"):
        assert value in beside
