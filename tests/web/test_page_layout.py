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


def test_the_runs_buttons_are_reachable_on_a_phone(window):
    """At 360 px the buttons and numbers of the run stand above its settings, which are a summary until they are wanted."""
    page = window(viewport={"width": 360, "height": 740}).open("#train?data=xor&epochs=20000")
    expect(page.locator("#formulas math").first).to_be_attached()
    for name in ("train-start", "train-pause", "train-step", "train-reset", "train-accuracy"):
        expect(page.get_by_test_id(name)).to_be_in_viewport(ratio=1)
    expect(page.locator("#settings-summary")).to_have_text(
        "XOR; 8 hidden units, tanh; log loss; Adam at 0.01, batches of 20, 20000 epochs"
    )
    expect(page.get_by_test_id("train-rate")).to_be_hidden()
    toggle = page.get_by_role("button", name="Change", expanded=False)
    toggle.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("train-data")).to_be_focused()
    page.get_by_test_id("train-rate").fill("0.5")
    page.get_by_role("button", name="Hide", expanded=True).click()
    expect(page.locator("#settings-summary")).to_contain_text("Adam at 0.5,")
    page.get_by_test_id("train-start").click()
    expect(page.get_by_test_id("train-state")).to_have_text("training")


def test_the_order_of_the_keyboard_is_that_of_the_page(window):
    """In both tabs, at every width, the Tab key moves through the elements in the order of the document, without a tab index."""
    page = window().open("#train")
    expect(page.locator("#formulas math").first).to_be_attached()
    assert page.locator("[tabindex]").evaluate_all("nodes => nodes.every((node) => node.tabIndex <= 0)")
    order = "node => [...document.querySelectorAll('*')].indexOf(node)"
    places = [
        page.get_by_test_id(name).evaluate(order) for name in ("train-start", "train-reset", "train-data", "train-seed", "plane")
    ]
    assert places == sorted(places)


def test_a_large_screen_is_used(window):
    """At 3840 x 2160 both tabs fill the width with larger pictures, and no paragraph has lines of over 80 characters."""
    browser = window(viewport={"width": 3840, "height": 2160})
    for name, picture, least in (("draw", "canvas", 800), ("train", "plane", 900)):
        page = browser.open(f"#{name}")
        expect(page.get_by_test_id("hidden-0") if name == "draw" else page.locator("#formulas math").first).to_be_attached()
        box = page.locator("main").bounding_box()
        assert box["width"] > 0.98 * 3840
        assert page.get_by_test_id(picture).bounding_box()["width"] > least
        assert longest_line(page) <= 80


def longest_line(page):
    """Give the most characters a line that a visible paragraph has, as the browser breaks it into lines."""
    return page.evaluate(
        """() => Math.max(0, ...[...document.querySelectorAll("main p")].filter((p) => p.offsetParent).map((p) => {
            const range = document.createRange();
            range.selectNodeContents(p);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom / 8)));
            return p.textContent.trim().replace(/\\s+/g, " ").length / Math.max(1, lines.size);
        }))"""
    )


def test_the_lines_of_a_run_are_shown_as_they_are_written(window):
    """The Python lines and the command keep their lines and indents on a narrow screen too; one scrolls sideways within them."""
    page = window(viewport={"width": 360, "height": 740}).open("#train?data=xor")
    for name in ("run-python", "run-cli"):
        lines = page.get_by_test_id(name)
        expect(lines).not_to_be_empty()
        assert lines.evaluate(ROWS) == len([line for line in lines.inner_text().splitlines() if line])


ROWS = """node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return new Set([...range.getClientRects()].filter(({ width }) => width).map(({ top }) => top)).size;
}"""
