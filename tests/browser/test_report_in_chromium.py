"""The report in a real browser: nothing overflows on a phone, nothing is fetched, nothing
complains, the switch works.

A page of ours holds the report in a frame 390 pixels wide and measures it; the report itself runs
no script.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest

from evalweave.report.documents import MAIN
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

DEMONSTRATION = Path(__file__).parents[2] / "reports" / "ways-to-wellness"
MOST_PAGES = 10  # of the main report, as a journal or a commissioner reads it

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

MEASURE = """<!DOCTYPE html><meta charset="utf-8">
<body style="margin:0">
<iframe id="frame" src="REPORT" style="width:WIDTHpx;height:3000px;border:0"></iframe>
<pre id="said"></pre><script>
document.getElementById("frame").addEventListener("load", event => {
  const page = event.target.contentDocument, root = page.documentElement;
  const view = event.target.contentWindow;
  const shown = each => each.getClientRects().length > 0;
  const inside = each => { // what a box scrolls by itself is no overflow of the page
    for (let up = each.parentElement; up; up = up.parentElement)
      if (["auto", "scroll", "hidden"].includes(view.getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const before = [...page.querySelectorAll(".u1")].filter(shown).length;
  const hidden = [...page.querySelectorAll(".u2")].filter(shown).length;
  page.getElementById("unit-2").click();
  const said = {
    scroll: root.scrollWidth, width: root.clientWidth,
    beyond: [...page.querySelectorAll("main *")].filter(each => shown(each) && !inside(each)
      && each.getBoundingClientRect().right > root.clientWidth + 1)
      .map(each => each.outerHTML.slice(0, 80)),
    sections: [...page.querySelectorAll("main > section")].filter(shown).map(each => each.id),
    before, hidden, after: [...page.querySelectorAll(".u2")].filter(shown).length,
    gone: [...page.querySelectorAll(".u1")].filter(shown).length,
    text: Math.min(...[...page.querySelectorAll("main p, main td, main th, main dd, main li")]
      .filter(shown).map(each => parseFloat(view.getComputedStyle(each).fontSize))),
    drawn: [...page.querySelectorAll("figure svg text")].filter(shown).length,
    letters: Math.min(...[...page.querySelectorAll("figure svg text, svg.strip text")]
      .filter(each => shown(each) && each.textContent.trim())
      .map(each => parseFloat(view.getComputedStyle(each).fontSize) * each.getScreenCTM().d)),
    body: view.getComputedStyle(page.body).fontSize,
  };
  document.getElementById("said").textContent = JSON.stringify(said);
});
</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("study")
    made = Made(methods=(("wild_bootstrap", -2.1, -0.3),))
    file = study_file(folder, made)
    where = results(folder, made)
    write_report(gather(load_study(file), file, where), file, where, folder / "report")
    yield folder / "report" / "report.html"


def chromium(folder: Path, page: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Open a page in headless Chromium without any traffic of its own."""
    assert CHROMIUM, "Chromium is needed where CI runs"
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-default-apps",
        "--allow-file-access-from-files",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=4000",
        "--enable-logging=stderr",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        *more,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)


def measured(folder: Path, report: Path, width: int) -> dict[str, object]:
    page = folder / "measure.html"
    page.write_text(MEASURE.replace("REPORT", report.as_uri()).replace("WIDTH", str(width)))
    done = chromium(folder, page, "--dump-dom", "--window-size=1400,3200")
    found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert found and found[1], done.stdout[-500:] + done.stderr[-500:]
    value: dict[str, object] = json.loads(unescape(found[1]))
    return value


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_overflows_and_every_section_is_there(
    tmp_path: Path, report: Path, width: int
) -> None:
    said = measured(tmp_path, report, width)
    assert said["width"] == width
    assert said["scroll"] == width, said["beyond"]
    assert said["beyond"] == []
    assert said["sections"] == [key for key in MAIN if key in said["sections"]]
    assert set(said["sections"]) >= set(MAIN) - {"outcomes", "costs"}
    assert float(str(said["text"])) >= 12.5


AXE = """<script src="axe.js"></script><pre id="found"></pre><script>
axe.run(document, {resultTypes: ["violations"]}).then(done => {
  const told = done.violations.map(one => [one.id, one.impact,
    one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))]);
  document.getElementById("found").textContent = JSON.stringify([told, done.passes.length]);
});</script>"""


def axe(folder: Path, page: Path, *more: str) -> tuple[list[list[object]], int]:
    """Return what axe-core finds wrong with a page, and how many of its rules are kept."""
    package = find_spec("axe_playwright_python")
    assert package is not None and package.submodule_search_locations
    shutil.copy(Path(package.submodule_search_locations[0]) / "axe.min.js", folder / "axe.js")
    html = page.read_text(encoding="utf-8")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    copy = folder / f"axe-{page.name}"
    copy.write_text(html.replace("</body>", f"{AXE}</body>"), encoding="utf-8")
    done = chromium(folder, copy, "--dump-dom", "--virtual-time-budget=60000", *more)
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, done.stderr[-500:]
    violations, passed = json.loads(unescape(found[1]))
    return violations, passed


@pytest.mark.parametrize("name", ["report", "supplement"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(tmp_path: Path, report: Path, name: str, width: int) -> None:
    page = report.with_name(f"{name}.html")
    violations, passed = axe(tmp_path, page, f"--window-size={width},3000")
    assert violations == []
    assert passed > 20


def test_axe_would_find_something(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html><html><body><img src='x.png'><input></body></html>")
    violations, _ = axe(tmp_path, page)
    assert {"image-alt", "html-has-lang", "label"} <= {one[0] for one in violations}


def test_text_of_figures_is_large_enough_on_a_phone(tmp_path: Path, report: Path) -> None:
    for name in ("report", "supplement"):
        said = measured(tmp_path, report.with_name(f"{name}.html"), 360)
        assert said["drawn"] and float(str(said["letters"])) >= 11, name


def test_the_switch_of_units_needs_no_script(tmp_path: Path, report: Path) -> None:
    said = measured(tmp_path, report, 1280)
    assert int(str(said["before"])) > 0 and said["hidden"] == 0
    assert int(str(said["after"])) > 0 and said["gone"] == 0


def asked_by_the_page(log: Path) -> set[str]:
    """Return what a page asked the network for; the browser's own requests have no origin."""
    found = json.loads(log.read_text())
    asked = [event.get("params") or {} for event in found["events"]]
    return {
        str(each["url"])
        for each in asked
        if str(each.get("url", "")).startswith(("http:", "https:", "ws:", "wss:"))
        and each.get("initiator", "not an origin") != "not an origin"
    }


def test_nothing_is_fetched_and_nothing_complains(tmp_path: Path, report: Path) -> None:
    log = tmp_path / "net.json"
    done = chromium(tmp_path, report, "--dump-dom", f"--log-net-log={log}")
    assert 'id="scope"' in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert asked_by_the_page(log) == set()


def test_a_fetch_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<img src="http://pictures.invalid/one.png"><script>console.error("so")</script>'
    )
    log = tmp_path / "net.json"
    done = chromium(tmp_path, page, "--dump-dom", f"--log-net-log={log}")
    assert asked_by_the_page(log) == {"http://pictures.invalid/one.png"}
    assert any("CONSOLE" in line for line in done.stderr.splitlines())


def printed(folder: Path, page: Path) -> list[str]:
    """Return the text of each page of a report as printed on A4."""
    paper = folder / f"{page.stem}.pdf"
    chromium(folder, page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    assert paper.read_bytes().startswith(b"%PDF")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("pdftotext is not installed")
    command = [reader, "-layout", str(paper), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.removesuffix("\f").split("\f")


def test_the_printed_report_has_pages_that_say_simulated(tmp_path: Path, report: Path) -> None:
    pages = printed(tmp_path, report)
    assert 3 < len(pages) <= MOST_PAGES
    assert all("Simulated data" in page for page in pages)
    text = " ".join(" ".join(pages).split())
    assert "In the supplement: Each claim on its own page" in text
    assert "Difference (percentage points)" in text  # of the figure, in the unit shown first only
    assert "Difference (mmol/mol)" not in text
    assert "Label stability" not in text  # what a reader opens stands in the supplement


def test_the_demonstrations_main_report_has_at_most_ten_printed_pages(tmp_path: Path) -> None:
    page = DEMONSTRATION / "report.html"
    if not page.is_file():
        pytest.skip("the demonstration was not run: uv run snakemake --cores all")
    pages = printed(tmp_path, page)
    assert 3 < len(pages) <= MOST_PAGES
    assert "The two together" in " ".join(pages)
