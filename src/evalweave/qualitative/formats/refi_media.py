"""Pictures, audio, video and PDF in a REFI-QDA project: their transcripts and their places.

REFI-QDA 1.5 gives a picture's region in pixels (firstX … secondY), a recording's stretch in
milliseconds (begin, end), a PDF's region on a page (page from 0). A transcript's stretch runs
between two sync points, each a time with, usually, a position in the transcript's text.
"""

from __future__ import annotations

from typing import Any

MEDIA = {
    "PictureSource": "picture",
    "AudioSource": "audio",
    "VideoSource": "video",
    "PDFSource": "pdf",
}
TEXTS_OF = ("Transcript", "Representation", "TextDescription")
SELECTIONS = ("PictureSelection", "AudioSelection", "VideoSelection", "PDFSelection")
TRANSCRIBED = "TranscriptSelection"


def place_of(selection: Any) -> str:
    """Return where a selection lies in a picture, recording or PDF, in words."""
    region = [selection.get(name) for name in ("firstX", "firstY", "secondX", "secondY")]
    corner = f"region {region[0]},{region[1]} to {region[2]},{region[3]}" if all(region) else ""
    page = (selection.get("page") or "").strip()
    if page:
        number = str(int(page) + 1) if page.isdecimal() else page
        return f"page {number}" + (f", {corner}" if corner else "")
    begin, end = selection.get("begin"), selection.get("end")
    if begin is not None or end is not None:
        times = f"{clock(begin)} to {clock(end)}"
        return times + (f", {corner}" if corner else "")
    return corner or "a place that the file does not say"


def clock(milliseconds: str | None) -> str:
    """Return a time in a recording as h:mm:ss.mmm; what is no number stays as it is written."""
    text = (milliseconds or "").strip()
    if not text.isdecimal():
        return text or "?"
    seconds, rest = divmod(int(text), 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
