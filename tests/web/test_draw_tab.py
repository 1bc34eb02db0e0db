"""The Draw tab in a real browser: what is drawn is read, in the page itself, as the library reads it."""

import re

import numpy as np
from browser_window import expect
from drawn_pages import STROKES
from hand import draw_digit
from server_process import serving

import chainrule as cr

READY = re.compile("outputs")


def ready(page):
    """Wait until the page has a network."""
    expect(page.get_by_test_id("model-state")).to_have_text(READY)
    expect(page.get_by_test_id("hidden-0")).to_be_attached()
    return page


def test_drawn_digits_are_read(tab, keep_screenshot):
    """Digits that are drawn with the mouse are read, wherever they stand and however large they are, and the server agrees."""
    page = ready(tab("#draw"))
    places = [{}, {"scale": 0.35, "left": 0.05, "top": 0.6}, {"scale": 0.9, "left": 0.05, "top": 0.05}]
    read = []
    for digit in STROKES:
        draw_digit(page, digit, **places[digit % 3])
        expect(page.get_by_test_id("agreement")).to_have_text(re.compile("same outputs"))
        read.append(page.get_by_test_id("answer").inner_text())
        if digit == 5:
            keep_screenshot(page, "draw")
        page.get_by_test_id("clear").click()
        expect(page.get_by_test_id("answer")).to_have_text("–")
    assert sum(answer == str(digit) for digit, answer in enumerate(read)) >= 9, read


def test_the_input_is_centred(tab):
    """The network's input has its centre of mass in the middle, though the digit is drawn in a corner."""
    page = ready(tab("#draw"))
    draw_digit(page, 3, scale=0.3, left=0.65, top=0.65)
    page.wait_for_function("document.querySelector('[data-testid=answer]').dataset.blank === 'false'")
    opacity = page.get_by_test_id("input").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, k) => k % 4 === 3)"
    )
    ink = np.array(opacity, float).reshape(28, 28)
    centre = [np.arange(28) @ ink.sum(axis=1 - axis) / ink.sum() for axis in (0, 1)]
    np.testing.assert_allclose(centre, 14, atol=0.55)


def test_undo_takes_back_one_stroke(tab):
    """Undo removes the last stroke only, and the drawing is read anew."""
    page = ready(tab("#draw"))
    draw_digit(page, 1)
    expect(page.get_by_test_id("answer")).to_have_text("1")
    draw_digit(page, 0)
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("answer")).to_have_text("1")
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("answer")).to_have_text("–")
    expect(page.get_by_test_id("undo")).to_be_disabled()


def test_a_hidden_unit_shows_what_it_adds(tab):
    """The numbers that all hidden units add to an output, and its bias, sum to the output's z: its softmax is the output."""
    page = ready(tab("#draw"))
    draw_digit(page, 3)
    expect(page.get_by_test_id("answer")).to_have_text("3")
    added = np.zeros(10)
    units = page.locator("#hidden .units.first .unit")
    for unit in range(units.count()):
        units.nth(unit).evaluate("node => node.dispatchEvent(new PointerEvent('pointerenter'))")
        added += [float(text.replace("−", "-") or 0) for text in page.locator("#outputs .adds").all_inner_texts()]
    biases = page.evaluate("import('/model.js').then((m) => [...m.layers.at(-1).biases])")
    z = added + biases
    shown = [float(text) for text in page.locator("#outputs .value").all_inner_texts()]
    np.testing.assert_allclose(np.exp(z - z.max()) / np.exp(z - z.max()).sum(), shown, atol=0.2)


def test_the_inspected_unit_is_shown_enlarged(tab):
    """The enlarged picture beside the outputs is that of the unit that is pointed at, and units are counted from 1."""
    page = ready(tab("#draw"))
    draw_digit(page, 3)
    picture = "canvas => canvas.toDataURL()"
    page.get_by_test_id("hidden-2").hover()
    expect(page.get_by_test_id("inspected")).to_contain_text("Unit 3 has activation")
    enlarged = page.get_by_test_id("inspected-weights")
    assert enlarged.evaluate(picture) == page.get_by_test_id("hidden-2").locator("canvas").evaluate(picture)
    assert enlarged.bounding_box()["width"] > 2 * page.get_by_test_id("hidden-2").bounding_box()["width"]


def test_the_page_computes_what_the_server_does(tab):
    """The forward pass of the page's network gives the outputs of ``POST /api/predict`` to 1e-4, for random pixels too."""
    page = ready(tab("#draw"))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 784)).tolist()
    difference = page.evaluate(
        """async (pictures) => {
            const { loadNetwork } = await import("/static/draw/network.js");
            const { largestDifference } = await import("/static/draw/agreement.js");
            const { post } = await import("/static/shared/api.js");
            const network = await loadNetwork("of the test");
            const differences = pictures.map(async (pixels) =>
                largestDifference(network.activations(pixels).at(-1), (await post("/api/predict", { pixels })).outputs));
            return Math.max(...await Promise.all(differences));
        }""",
        pixels,
    )
    assert difference < 1e-4


def test_the_derivation_is_shown(tab):
    """The derivation for the digit that was meant is the library's explanation, with its pictures and formulas."""
    page = ready(tab("#draw"))
    draw_digit(page, 5)
    page.get_by_test_id("truth-3").click()
    page.get_by_test_id("why").click()
    derivation = page.get_by_test_id("derivation")
    expect(derivation).to_contain_text("The target is 1 for output 3 and 0 for the others.")
    assert derivation.locator("math").count() > 20
    assert derivation.locator("img").evaluate_all("images => images.every((image) => image.complete && image.naturalWidth > 0)")


def test_a_cleared_drawing_takes_its_true_digit_along(tab):
    """The true digit that was chosen for one drawing does not count for the next: there the network's answer counts as true."""
    page = ready(tab("#draw"))
    draw_digit(page, 5)
    page.get_by_test_id("truth-3").click()
    page.get_by_test_id("clear").click()
    expect(page.get_by_test_id("truth-3")).to_have_attribute("aria-pressed", "false")
    draw_digit(page, 1)
    expect(page.get_by_test_id("answer")).to_have_text("1")
    page.get_by_test_id("why").click()
    expect(page.get_by_test_id("derivation")).to_contain_text("The target is 1 for output 1 and 0 for the others.")


def test_a_model_that_does_not_read_drawings_is_refused_beside_the_canvas(browser, tmp_path):
    """The reason is an error above the canvas, and no drawing is said to wait for a training that does not take place."""
    cr.Network([2, 3, 2], seed=0).save(tmp_path / "plane.safetensors")
    with serving(tmp_path / "plane.safetensors") as server:
        page = browser.new_page()
        page.goto(server.link)
        refused = page.get_by_role("alert").filter(has_text="plane.safetensors: drawings are images of 28 x 28 pixels")
        expect(refused).to_be_visible()
        assert refused.bounding_box()["y"] < page.get_by_test_id("canvas").bounding_box()["y"]
        draw_digit(page, 1)
        expect(page.get_by_test_id("undo")).to_be_enabled()
        page.wait_for_timeout(500)
        expect(page.get_by_test_id("agreement")).to_be_empty()
        page.close()


def test_a_digit_is_drawn_by_keyboard_alone(tab):
    """With the keyboard alone one reaches the canvas, draws a 1, hears the answer, and asks for the derivation."""
    page = ready(tab("#draw"))
    while page.evaluate("document.activeElement.dataset.testid") != "canvas":
        page.keyboard.press("Tab")
    page.keyboard.down(" ")
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    page.keyboard.up(" ")
    expect(page.get_by_test_id("answer")).to_have_text("1")
    expect(page.locator("#announcer")).to_contain_text("The answer is 1")
    while page.evaluate("document.activeElement.dataset.testid") != "why":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("derivation")).to_be_focused()
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("Backspace")
    expect(page.get_by_test_id("answer")).to_have_text("–")


def test_the_training_of_the_better_network_is_cancelled(tab):
    """A button beside the progress ends the training, by keyboard too, and the network of before answers on."""
    page = ready(tab("#draw"))
    before = page.get_by_test_id("model-state").inner_text()
    page.get_by_test_id("train-distorted").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("model-progress")).to_be_visible()
    expect(page.get_by_test_id("train-distorted")).to_be_disabled()
    expect(page.get_by_test_id("train-cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("train-cancel")).to_be_hidden()
    expect(page.get_by_test_id("train-distorted")).to_be_focused()
    expect(page.get_by_test_id("model-state")).to_have_text(before)
    page.get_by_test_id("canvas").scroll_into_view_if_needed()
    draw_digit(page, 1)
    expect(page.get_by_test_id("answer")).to_have_text("1")


def test_a_networks_figures_outlive_a_reload(tab):
    """The epochs, the seconds and the accuracies of the network in use are shown again after the page is loaded anew."""
    page = ready(tab("#draw"))
    row = page.locator("#model-figures tbody tr")
    expect(row).to_have_text(re.compile(r"on plain digits4 epochs in [\d.]+ s, in use9\d\.\d\d %\d\d\.\d\d %"))
    before = row.inner_text()
    page.reload()
    ready(page)
    expect(row).to_have_text(re.compile("in use"))
    assert row.inner_text() == before


def test_a_blank_drawing_has_no_answer(tab):
    """After Clear, and after Undo of the only stroke, the page says that nothing is drawn, and shows no output and no input."""
    page = ready(tab("#draw"))
    note = page.get_by_test_id("answer-note")
    expect(note).to_have_text("Nothing is drawn: draw a digit.")
    for button in ("clear", "undo"):
        draw_digit(page, 1)
        expect(note).to_have_text(re.compile(r"with output [01]"))
        page.get_by_test_id(button).click()
        expect(note).to_have_text("Nothing is drawn: draw a digit.")
        expect(page.locator("#announcer")).to_have_text("Nothing is drawn.")
        expect(page.get_by_test_id("answer")).to_have_text("–")
        expect(page.locator("#outputs .largest")).to_have_count(0)
        expect(page.get_by_test_id("agreement")).to_be_empty()
        expect(page.get_by_test_id("why")).to_be_disabled()
        assert "".join(page.locator("#outputs .value").all_inner_texts()) == ""
        assert page.locator("#hidden .unit").evaluate_all(
            "units => units.every((unit) => unit.style.getPropertyValue('--activation') == 0)"
        )
        ink = "c => c.getContext('2d').getImageData(0, 0, 28, 28).data.some((level) => level)"
        assert not page.get_by_test_id("input").evaluate(ink)
        page.get_by_test_id("hidden-2").hover()
        expect(page.get_by_test_id("inspected")).to_have_text("Unit 3: draw a digit to see what it adds.")


PAINTED = """canvas => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const columns = Array.from({ length: width }, (_, x) => x).filter((x) => {
        for (let y = 0; y < height; y++) if (data[4 * (y * width + x) + 3] > 127) return true;
        return false;
    });
    return columns.length ? (280 * (columns.at(-1) - columns[0] + 1)) / width : 0;
}"""
"""The width of what a canvas shows, in units of the paper."""


def test_the_pens_width_is_shown(tab):
    """While the slider has the focus, and below the mouse, the pen is shown in its own width, and that is no ink."""
    page = ready(tab("#draw"))
    canvas, pen = page.get_by_test_id("canvas"), page.get_by_test_id("pen")
    assert canvas.evaluate(PAINTED) == 0
    pen.focus()
    for key, width in (("Home", 8), ("End", 40)):
        page.keyboard.press(key)
        assert width < canvas.evaluate(PAINTED) < width + 4.5
    pen.blur()
    assert canvas.evaluate(PAINTED) == 0
    canvas.hover()
    assert 40 < canvas.evaluate(PAINTED) < 44.5
    page.mouse.move(1, 1)
    assert canvas.evaluate(PAINTED) == 0
    expect(page.get_by_test_id("answer")).to_have_text("–")
    expect(page.get_by_test_id("undo")).to_be_disabled()
    canvas.hover()
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_test_id("undo")).to_be_enabled()
    page.mouse.move(1, 1)
    assert abs(canvas.evaluate(PAINTED) - 40) < 1.5
