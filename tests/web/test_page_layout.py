"""The page at every size and in both themes: nothing runs over, nothing comes from elsewhere, and axe finds no barrier."""

import pytest
from browser_window import expect
from hand import draw_digit

TABS = ["draw", "train"]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "rules": {"empty-table-header": {"enabled": False}},  # it takes MathML for empty
}


@pytest.mark.parametrize("width", [360, 768, 3840])
def test_nothing_is_wider_than_the_window(window, keep_screenshot, width):
    """On a phone, a tablet and a 4K screen neither tab scrolls sideways."""
    browser = window(viewport={"width": width, "height": 2160 if width == 3840 else 740})
    for name in TABS:
        page = browser.open(f"#{name}")
        expect(page.get_by_test_id("canvas" if name == "draw" else "train-start")).to_be_visible()
        expect(page.get_by_test_id("hidden-0") if name == "draw" else page.locator("#formulas math").first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        keep_screenshot(page, f"{name}-{width}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier(window, theme):
    """The checker axe finds no violation of WCAG A and AA in either tab."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    browser = window(color_scheme=theme)
    for name in TABS:
        page = browser.open(f"#{name}")
        if name == "draw":
            expect(page.get_by_test_id("hidden-0")).to_be_attached()
            draw_digit(page, 5)
            page.get_by_test_id("why").click()
            expect(page.get_by_test_id("derivation")).to_be_visible()
        else:
            page.get_by_test_id("train-step").click()
            expect(page.get_by_test_id("train-state")).to_have_text("paused")
        found = axe.Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()


def test_every_request_goes_to_the_server(window, address):
    """Both tabs ask no other host for anything, and the page with its modules is below 300 KB."""
    browser = window()
    sizes = {}
    for name in TABS:
        page = browser.open(f"#{name}")
        page.on("response", lambda response: sizes.update({response.url: response}))
        page.reload()
        page.wait_for_load_state("networkidle") if name == "never" else expect(page.get_by_test_id("canvas")).to_be_attached()
        expect(page.locator("#formulas math").first if name == "train" else page.get_by_test_id("hidden-0")).to_be_attached()
    assert all(url.startswith((address, "data:", "blob:")) for url in browser.requests)
    files = [
        response.body()
        for url, response in sizes.items()
        if "/api/" not in url and "/model.js" not in url and response.status == 200
    ]
    assert sum(map(len, files)) < 300_000
