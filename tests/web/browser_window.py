"""A window of the browser, as a test sees it."""

MOMENT = 60_000  # milliseconds: the tests wait for a state, not for a time


class Window:
    """A window of the browser with its own storage; ``faults`` are what its console says against the pages."""

    def __init__(self, browser, address, **options):
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(MOMENT)
        self.faults, self.requests = [], []

    def open(self, link="#draw"):
        """Open a tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.address + link)
        return page
