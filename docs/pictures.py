"""Makes the pictures of the documentation from a report of the demonstration, with Chromium.

uv run evalweave run config/config.yaml
uv run python docs/pictures.py reports/ways-to-wellness
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

OUT = Path(__file__).parent / "assets"
LIMIT = 150_000  # bytes of a picture
# name → document, what of it is shown, width and greatest height in CSS pixels
SHOWN = {
    "answer": ("report.html", "#answer", 1000, 900),
    "phone": ("report.html", "#answer", 390, 844),
    "believed": ("report.html", "#believed", 1000, 1200),
    "studied": ("report.html", "#studied", 1000, 1100),
    "happened": ("report.html", "#happened", 1000, 1300),
    "said": ("report.html", "#said", 1000, 1000),
    "together": ("report.html", "#together", 1000, 1100),
    "quality": ("supplement.html", "#quality", 1000, 900),
    "methods": ("supplement.html", "#methods", 1000, 1000),
    "checklists": ("supplement.html", "#checklists", 1000, 900),
    "provenance": ("supplement.html", "#provenance", 1000, 800),
}


def picture(page: Path, shown: str, width: int, height: int) -> Image.Image:
    """Return what a section of a document looks like, without the blank below it."""
    alone = f"""<style>
      main > :not({shown}), nav, aside, .toc {{ display: none !important }}
      main {{ margin: 0 auto !important; padding: 16px !important }}
      body {{ display: block !important; width: {width}px !important; margin: 0 !important }}
    </style></head>"""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "page.html"
        copy.write_text(
            page.read_text(encoding="utf-8").replace("</head>", alone, 1), encoding="utf-8"
        )
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if chromium is None:
            sys.exit("Chromium is not installed.")
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--force-device-scale-factor=1.5",
                f"--user-data-dir={scratch}/profile",
                f"--window-size={max(width, 500)},{height}",
                f"--screenshot={scratch}/shot.png",
                copy.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        shot = Image.open(f"{scratch}/shot.png").convert("RGB")
        shot.load()
    blank = Image.new("RGB", shot.size, shot.getpixel((0, shot.height - 1)))
    box = ImageChops.difference(shot, blank).getbbox() or (0, 0, *shot.size)
    return shot.crop((0, 0, min(shot.width, int(width * 1.5)), min(shot.height, box[3] + 24)))


def small(image: Image.Image) -> bytes:
    """Return a picture as WebP of at most `LIMIT` bytes."""
    for quality in (80, 65, 50, 35, 20):
        written = io.BytesIO()
        image.save(written, "WEBP", quality=quality, method=6)
        if written.tell() <= LIMIT:
            return written.getvalue()
    sys.exit("A picture is too large whatever its quality: show less of the page.")


def main(report: Path, names: list[str]) -> None:
    """Write the pictures asked for, or all of them."""
    for name in names or SHOWN:
        document, shown, width, height = SHOWN[name]
        written = small(picture(report / document, shown, width, height))
        (OUT / f"{name}.webp").write_bytes(written)
        print(f"{name}.webp: {len(written) / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
