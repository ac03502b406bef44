"""Takes the pictures of the README from a run's page: its top with the trials, and the listening part.

    python scripts/screenshots.py reports/demo/RUN [docs/pictures]

The page must be there (`python -m evalkit report RUN`); the browser is Debian's Chromium.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SHOTS = {"page": ("header", 1140), "listening": ("#listening", 720)}  # file -> where it begins, and its height
WIDTH = 1280
MOST_BYTES = 300_000


def main() -> int:
    """Returns 1 if there is no browser, no page, or a picture is too large."""
    folder, pictures = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/pictures")
    browser_path = shutil.which("chromium")
    if browser_path is None or not (folder / "index.html").is_file():
        print("needs Chromium, and a page: type python -m evalkit report RUN", file=sys.stderr)
        return 1
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light")
        page.goto((folder.resolve() / "index.html").as_uri())
        sizes = [_taken(page, *shot, pictures / f"{name}.png") for name, shot in SHOTS.items()]
        browser.close()
    return 1 if max(sizes) > MOST_BYTES else 0


def _taken(page: Page, part: str, height: int, path: Path) -> int:
    """Takes a picture of the page from a part on; returns its size in bytes."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.evaluate(f"document.querySelector('{part}').scrollIntoView({{behavior: 'instant'}})")
    page.wait_for_timeout(500)
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path}: {size / 1000:.0f} kB")
    return size


if __name__ == "__main__":
    sys.exit(main())
