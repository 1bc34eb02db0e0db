"""The Train tab in a real browser: a run is made, trained, paused, stepped, reset, compared, and found again."""

import re

from browser_window import MOMENT, expect
from server_process import serving

import chainrule as cr

SLOW = "#train?data=spiral&hidden=32,32&learning_rate=0.002&epochs=20000"


def number(page, name):
    """Read a number that the page shows."""
    return float(re.sub(r"[^\d.]", "", page.get_by_test_id(name).inner_text().split(" of ")[0]) or 0)


def await_more(page, name, than):
    """Wait until a number that the page shows is larger than another."""
    script = "([name, than]) => parseFloat(document.querySelector(`[data-testid=${name}]`).textContent.replaceAll(',', '')) > than"
    page.wait_for_function(script, arg=[name, than], timeout=MOMENT)


def test_the_spiral_is_learnt(tab, keep_screenshot):
    """A run with the settings that the page begins with separates the spiral's arms: its accuracy passes 95 %."""
    page = tab("#train?data=spiral")
    page.get_by_test_id("train-start").click()
    await_more(page, "train-accuracy", 95)
    expect(page.get_by_test_id("train-state")).to_have_text("finished")
    keep_screenshot(page, "train")
    assert page.locator("#cost-chart polyline").count() >= 2
    assert page.locator("#formulas math").count() >= 6
    assert page.locator("#deltas figure").count() == 3
    page.locator("#cost-chart summary").click()
    expect(page.locator("#cost-chart tbody tr").nth(100)).to_be_attached()


def test_a_run_is_paused_stepped_and_reset(tab):
    """Pause holds a run, a step trains one mini-batch, and reset leads back to the beginning."""
    page = tab(SLOW)
    page.get_by_test_id("train-start").click()
    await_more(page, "train-epoch", 1)
    page.get_by_test_id("train-pause").click()
    expect(page.get_by_test_id("train-state")).to_have_text("paused")
    page.wait_for_timeout(500)
    paused = number(page, "train-step-value")
    page.wait_for_timeout(500)
    assert number(page, "train-step-value") == paused
    page.get_by_test_id("train-step").click()
    expect(page.get_by_test_id("train-step-value")).to_have_text(re.compile(f"^{paused + 1:,.0f} of"))
    page.get_by_test_id("train-reset").click()
    expect(page.get_by_test_id("train-step-value")).to_have_text(re.compile("^0 of"))
    expect(page.get_by_test_id("train-state")).to_have_text("ready")


def test_tabs_have_runs_of_their_own(window):
    """Two tabs of one browser train two runs, and each shows its own; a tab can follow the other's run too."""
    browser = window()
    one, two = browser.open(SLOW), browser.open(SLOW.replace("spiral", "moons"))
    one.get_by_test_id("train-start").click()
    await_more(one, "train-epoch", 0)
    assert number(two, "train-epoch") == 0
    two.get_by_test_id("train-start").click()
    await_more(two, "train-epoch", 0)
    two.get_by_text("Runs on this server").click()
    two.get_by_role("button", name=re.compile("^Show spiral.*training|^Show spiral.*running")).first.click()
    expect(two.get_by_test_id("train-data")).to_have_value("spiral")
    await_more(two, "train-epoch", number(one, "train-epoch"))


def test_a_reload_finds_the_run_again(tab):
    """A page that is loaded again in the middle of its run shows this run, which went on in the meantime."""
    page = tab(SLOW)
    page.get_by_test_id("train-start").click()
    await_more(page, "train-epoch", 3)
    before = number(page, "train-epoch")
    page.reload()
    await_more(page, "train-epoch", before)
    expect(page.get_by_test_id("train-state")).to_have_text("training")
    expect(page.get_by_test_id("train-hidden")).to_have_value("32, 32")


def test_the_page_outlives_its_server(browser):
    """A page says that its server is gone, and after another has started in its place, that the run is lost; it begins it anew."""
    with serving() as server:
        page = browser.new_page()
        page.goto(f"{server.link}{SLOW}")
        page.get_by_test_id("train-start").click()
        await_more(page, "train-epoch", 1)
    expect(page.locator("#connection")).to_be_visible(timeout=MOMENT)
    with serving("--port", server.url.rpartition(":")[2]):
        expect(page.locator("#connection")).to_be_hidden(timeout=MOMENT)
        expect(page.locator("#run-note")).to_contain_text("no longer has this run")
        page.get_by_test_id("train-start").click()
        expect(page.get_by_test_id("train-state")).to_have_text("training")
        page.close()


def test_points_of_ones_own_are_learnt(tab):
    """Points that are clicked in, and one that is placed by keyboard, are trained on, and the lines hold them."""
    page = tab("#train?data=points&epochs=2000")
    expect(page.locator("#run-note")).to_contain_text("both classes")
    plane = page.get_by_test_id("plane")
    side = plane.bounding_box()["width"]
    for x in (0.2, 0.25, 0.3):
        plane.click(position={"x": x * side, "y": 0.5 * side})
    page.get_by_test_id("class-1").check()
    plane.click(position={"x": 0.8 * side, "y": 0.5 * side})
    plane.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#points-count")).to_have_text("5 points")
    page.get_by_test_id("train-start").click()
    await_more(page, "train-accuracy", 99)
    expect(page.get_by_test_id("run-python")).to_contain_text("[0.05, 0.0, 1]")
    assert "points=" in page.get_by_test_id("run-link").get_attribute("href")
    with page.expect_download() as download:
        page.get_by_test_id("run-csv").click()
    assert download.value.suggested_filename == "points.csv"
    assert len(download.value.path().read_text().splitlines()) == 1 + 5


def test_two_runs_are_compared(tab):
    """A run is kept, another is trained beside it, and the charts show the curves of both and where their settings differ."""
    page = tab("#train?data=xor&epochs=20")
    page.get_by_test_id("train-start").click()
    expect(page.get_by_test_id("train-state")).to_have_text("finished")
    page.get_by_test_id("compare").click()
    page.get_by_test_id("train-rate").fill("0.1")
    page.get_by_test_id("train-rate").press("Tab")
    page.get_by_test_id("train-start").click()
    expect(page.get_by_test_id("train-state")).to_have_text("finished")
    rows = page.locator("#comparison tr")
    expect(rows).to_have_count(3)
    assert rows.nth(0).locator("th").all_inner_texts() == ["run", "learning rate", "epoch", "cost", "accuracy"]
    assert rows.nth(1).locator("th, td").all_inner_texts()[:3] == ["kept run", "0.01", "20"]
    present = rows.nth(2).locator("th, td").all_inner_texts()
    assert present[:3] == ["this run", "0.1", "20"]
    assert present[3:] == [page.get_by_test_id(name).inner_text() for name in ("train-cost-value", "train-accuracy")]
    assert page.locator("#cost-chart polyline.other").count() >= 2
    page.get_by_test_id("compare-end").click()
    expect(page.locator("#cost-chart polyline.other")).to_have_count(0)


def test_a_refused_setting_is_told(window):
    """A setting that is out of its limits is refused with the server's reason, and the next one that is valid is taken."""
    browser = window()
    page = browser.open("#train?data=moons")
    page.get_by_test_id("train-rate").fill("-1")
    page.get_by_test_id("train-start").click()
    expect(page.get_by_test_id("run-error")).to_have_text(
        "learning_rate must be a number above 0 and at most 1,000, but it is -1; send more than 0"
    )
    expect(page.get_by_test_id("train-rate")).to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("train-rate").fill("0.05")
    page.get_by_test_id("train-start").click()
    expect(page.get_by_test_id("train-state")).not_to_have_text("ready")
    expect(page.get_by_test_id("run-error")).to_be_hidden()
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    assert all("400 (Bad Request)" in fault for fault in browser.faults)
    browser.faults.clear()


def test_another_data_set_brings_its_own_settings(tab):
    """Settings that were typed for one data set do not stay for the next; one that is typed after it was chosen does."""
    page = tab("#train?data=spiral")
    page.get_by_test_id("train-rate").fill("0.5")
    page.get_by_test_id("train-rate").press("Tab")
    page.get_by_test_id("train-data").select_option("mnist")
    expect(page.get_by_test_id("train-rate")).to_have_value("3")
    page.get_by_test_id("train-epochs").fill("2")
    page.get_by_test_id("train-epochs").press("Tab")
    expect(page.get_by_test_id("run-cli")).to_contain_text("chainrule train mnist")
    expect(page.get_by_test_id("run-cli")).to_contain_text("--hidden 30 ")
    expect(page.get_by_test_id("run-cli")).to_contain_text("--epochs 2 ")


def test_a_run_is_trained_by_keyboard_alone(tab):
    """With the keyboard alone one changes to the Train tab, starts a run, and pauses it."""
    page = tab("#draw")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("tab-train")).to_be_focused()
    for name in ("train-epochs", "train-start"):
        while page.evaluate("document.activeElement.dataset.testid") != name:
            page.keyboard.press("Tab")
        page.keyboard.press("Enter") if name == "train-start" else page.keyboard.type("20000")
    expect(page.get_by_test_id("train-state")).to_have_text("training")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.testid") == "train-pause"
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("train-state")).to_have_text("paused")


def test_ten_tabs_learn_at_once(window):
    """Ten tabs of one browser train ten runs over one stream of events, and all go on, though a browser opens six connections."""
    browser = window()
    tabs = [browser.open(SLOW.replace("hidden=32,32", f"hidden={8 + k}")) for k in range(10)]
    for page in tabs:
        page.bring_to_front()
        page.get_by_test_id("train-start").click()
        await_more(page, "train-epoch", 0)
    for page in tabs:
        page.bring_to_front()
        await_more(page, "train-epoch", number(page, "train-epoch"))
        page.get_by_test_id("train-pause").click()
        expect(page.get_by_test_id("train-state")).to_have_text("paused")


def test_weight_pictures_change(tab):
    """The pictures of the first layer's weights of a network of digits change while it trains."""
    page = tab("#train?data=mnist")
    picture = page.locator("#weights canvas").first
    before = picture.evaluate("canvas => canvas.toDataURL()")
    page.get_by_test_id("train-start").click()
    changed = "(before) => document.querySelector('#weights canvas').toDataURL() !== before"
    page.wait_for_function(changed, arg=before, timeout=MOMENT)
    assert page.locator("#weights canvas").count() == 30


def test_a_run_folder_is_watched(browser, tmp_path):
    """A training with checkpoints of another process opens the page, without the settings and the buttons of a run of its own."""
    data = cr.datasets.moons()
    net = cr.Network([2, 8, 2], activation="tanh", cost="log_loss", seed=0)
    cr.train(net, data.train, epochs=12, batch_size=20, learning_rate=0.5, validation=data.validation, checkpoint=tmp_path / "run")
    with serving("--run", tmp_path / "run") as server:
        page = browser.new_page()
        page.goto(server.link)
        expect(page.locator("#run-note")).to_have_text("This is the run folder run. Its training has ended.")
        expect(page.get_by_test_id("train-state")).to_have_text("finished")
        expect(page.get_by_test_id("train-epoch")).to_have_text("12")
        for name in ("train-start", "train-pause", "train-step", "train-reset"):
            expect(page.get_by_test_id(name)).to_be_disabled()
        expect(page.get_by_test_id("train-data")).to_be_hidden()
        expect(page.get_by_test_id("run-cli")).to_be_hidden()
        assert page.locator("#cost-chart polyline").count() >= 2
        page.get_by_test_id("own-run").click()
        expect(page.locator("#run-note")).not_to_contain_text("run folder")
        expect(page.get_by_test_id("run-cli")).to_be_visible()
        page.close()


def open_list(page):
    """Open the list of the server's runs; give its items."""
    page.locator("#others summary").click()
    return page.get_by_test_id("runs").locator("li")


def test_the_list_of_runs_tells_them_apart(tab):
    """Each run is named by the settings in which it is not usual, with its present state and what it is to this tab."""
    page = tab("#train?data=xor&epochs=20")
    items = open_list(page)
    names = items.locator("span")
    expect(names).to_have_text(["xor, 8 hidden units, epochs 20: ready (shown here)"])
    page.get_by_test_id("train-start").click()
    expect(names).to_have_text(["xor, 8 hidden units, epochs 20: finished, epoch 20 (shown here)"])
    page.get_by_test_id("compare").click()
    page.get_by_test_id("train-rate").fill("0.1")
    page.get_by_test_id("train-rate").press("Tab")
    kept = "xor, 8 hidden units, epochs 20: finished, epoch 20 (compared here)"
    expect(names).to_have_text([kept, "xor, 8 hidden units, learning rate 0.1, epochs 20: ready (shown here)"])
    expect(items.nth(1).get_by_role("button")).to_have_count(0)
    items.nth(0).get_by_role("button", name="Remove xor").click()
    expect(names).to_have_text(["xor, 8 hidden units, learning rate 0.1, epochs 20: ready (shown here)"])
    expect(page.get_by_test_id("compared")).to_be_hidden()
    expect(page.locator("#others summary")).to_be_focused()


def test_a_run_of_another_tab_outlives_its_visitor(window):
    """A tab that has shown another tab's run does not remove it when it starts one of its own, or is closed."""
    browser = window()
    one, two = browser.open(SLOW), browser.open("#train?data=moons")
    one.get_by_test_id("train-start").click()
    await_more(one, "train-epoch", 0)
    one.get_by_test_id("train-pause").click()
    open_list(two)
    for _ in range(2):
        two.get_by_role("button", name="Show spiral").click()
        expect(two.get_by_test_id("train-state")).to_have_text("paused")
        two.get_by_test_id("train-rate").fill("0.05")
        two.get_by_test_id("train-start").click()
        expect(two.get_by_test_id("train-state")).to_have_text("training")
        two.get_by_test_id("train-pause").click()
    two.close()
    one.bring_to_front()
    one.get_by_test_id("train-step").click()
    expect(one.get_by_test_id("train-state")).to_have_text("paused")
    expect(one.locator("#run-note")).to_be_hidden()


def test_the_start_button_says_what_it_does(tab):
    """A run is started, a paused one goes on, and one that has ended is started again, from the beginning."""
    page = tab("#train?data=xor&epochs=30")
    start = page.get_by_test_id("train-start")
    expect(start).to_have_text("Start")
    page.get_by_test_id("train-step").click()
    expect(start).to_have_text("Go on")
    start.click()
    expect(page.get_by_test_id("train-state")).to_have_text("finished")
    expect(start).to_have_text("Start again")
    start.click()
    expect(page.get_by_test_id("train-state")).to_have_text("finished")
