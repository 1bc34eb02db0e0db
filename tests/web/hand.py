"""A hand that draws digits on the page."""

from drawn_pages import STROKES

STEPS = 3  # moves of the mouse along one line


def draw_digit(page, digit, *, scale=0.6, left=0.2, top=0.2):
    """Draw a digit with the mouse; its size and place are shares of the canvas."""
    canvas = page.get_by_test_id("canvas")
    canvas.scroll_into_view_if_needed()  # an earlier click may have scrolled to a button far below
    box = canvas.bounding_box()

    def place(point):
        return box["x"] + box["width"] * (left + scale * point[0]), box["y"] + box["height"] * (top + scale * point[1])

    for stroke in STROKES[digit]:
        page.mouse.move(*place(stroke[0]))
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*place(point), steps=STEPS)
        page.mouse.up()
