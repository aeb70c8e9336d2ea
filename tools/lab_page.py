"""A lab in the browser: its controls worked as a learner works them, with the time that the answers take."""

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page

LONGEST_MS, LOOK_MS = 90_000, 50
KERNEL = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel"
# The idle mark on the page shows before a kernel exists, and Run All then runs nothing.
LISTENS = f"() => {KERNEL}?.connectionStatus == 'connected' && {KERNEL}.status == 'idle'"
# On the page itself: when the last key or click came, when the last picture was there, when Train was ready again.
KEEP_TIMES = """lab => {
    if (lab.times) return;
    const times = lab.times = {act: 0, picture: 0, ready: 0};
    const train = [...lab.querySelectorAll("button")].find(button => button.textContent == "Train");
    for (const kind of ["keydown", "click"]) lab.addEventListener(kind, event => times.act = event.timeStamp, true);
    lab.querySelector(".frame img").addEventListener("load", () => times.picture = performance.now());
    if (train) new MutationObserver(() => {
        if (train.getAttribute("aria-disabled") == "false") times.ready = performance.now();
    }).observe(train, {attributeFilter: ["aria-disabled"]});
}"""
# All messages are answered, and the picture is drawn for the box in which it stands.
IS_SETTLED = """lab => {
    const frame = lab.querySelector(".frame"), image = frame.querySelector("img");
    const ratio = Math.max(1, Math.min(2, devicePixelRatio)), waits = lab.querySelector("[aria-busy=true]");
    const fits = Math.abs(image.naturalWidth - Math.round(frame.clientWidth * ratio)) <= 1
        && Math.abs(image.naturalHeight - Math.round(frame.clientHeight * ratio)) <= 1;
    return !waits && image.complete && fits;
}"""
DIGEST = """async image => {
    const pixels = await (await fetch(image.src)).arrayBuffer();
    return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", pixels))).join(" ");
}"""
SCROLL = "index => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')"


def bring_into_view(page: Page, cell: int, part: str) -> Locator:
    """A part of a cell, scrolled to: a notebook keeps only the cells near the view on the page."""
    found = page.locator(f'.jp-Notebook-cell[data-windowed-list-index="{cell}"] {part}')
    page.evaluate(SCROLL, cell)
    found.scroll_into_view_if_needed(timeout=LONGEST_MS)
    return found


class Lab:
    """A lab on the page, as a learner sees it. Its main knob is the first slider, or the first list if it has none.

    A lab that asks something first is unveiled, by Skip or by its first preset, unless it is to stay `veiled`.
    """

    def __init__(self, page: Page, cell: int, veiled: bool = False):
        self.page = page
        self.cell = cell
        self.come_into_view()
        self.image = self.root.locator(".frame img")
        self.veil = self.root.locator(".veil").filter(visible=True)
        self.root.evaluate(KEEP_TIMES)
        self.title = self.root.locator("h3").inner_text()
        self.trains = self.button("Train").count() == 1
        self.has_slider = self.root.locator("input[type=range]").count() > 0
        self.knob = self.root.locator(".knob.number" if self.has_slider else ".knob.list").first
        self.hand = self.knob.locator("input[type=range], select")
        self.has_knob = self.hand.count() == 1
        if not veiled and self.veil.count():
            skip = self.veil.get_by_role("button", name="Skip", exact=True)
            (skip if skip.count() else self.root.locator(".presets button").first).click()
            self.veil.wait_for(state="hidden")
            self.wait_until_settled()

    @property
    def verdict(self) -> str:
        """What the lab says of its picture, in words."""
        word, sentence = (self.root.locator(f".verdict {part}").text_content() or "" for part in (".badge", "p"))
        return f"{word[:1].upper()}{word[1:]}. {sentence}"

    @property
    def value(self) -> str:
        """What the main knob stands at."""
        knob = self.knob.locator(".exact") if self.has_slider else self.hand
        return knob.input_value() if self.has_knob else self.settings

    @property
    def settings(self) -> str:
        """What all knobs stood at for the picture, as code."""
        return self.root.locator("details code").text_content() or ""

    @property
    def presets(self) -> list[str]:
        """The names of the buttons that turn knobs."""
        return self.root.locator(".presets button").all_inner_texts()

    def come_into_view(self) -> None:
        """Scroll the notebook to the lab, and wait until its picture is drawn for where it stands."""
        self.root = bring_into_view(self.page, self.cell, ".rlhf-stage")
        self.root.evaluate("lab => lab.scrollIntoView({block: 'start'})")
        self.wait_until_settled()

    def wait_until_settled(self) -> None:
        """Until the lab has answered all that was done, with a picture of the right size."""
        lab = self.root.element_handle(timeout=LONGEST_MS)
        self.page.wait_for_function(IS_SETTLED, arg=lab, timeout=LONGEST_MS)

    def picture(self) -> str:
        """A digest of the picture."""
        return self.image.evaluate(DIGEST)

    def button(self, name: str) -> Locator:
        """The button with this name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def press(self) -> None:
        """An arrow key on the main knob: one that finds it free to move. Without one, all is set at random."""
        if not self.has_knob:
            self.button("surprise me").press("Enter")
        elif self.has_slider:
            self.hand.press("ArrowRight" if self.hand.evaluate("hand => +hand.value < +hand.max") else "ArrowLeft")
        else:
            self.hand.press("ArrowUp" if self.hand.evaluate("list => list.selectedIndex") else "ArrowDown")

    def drag(self, share: float) -> None:
        """The main knob, by mouse, to a share of its way; of a list, the last entry. Without one, the last preset."""
        if not self.has_knob:
            self.root.locator(".presets button").filter(has_not_text="reset").last.click()
        elif not self.has_slider:
            self.hand.select_option(index=self.hand.locator("option").count() - 1)
        if not self.has_slider:
            return
        way = self.hand.bounding_box()
        assert way, f"{self.title}: the main knob is not on the page"
        start = self.hand.evaluate("hand => hand.value / hand.max")
        height = way["y"] + way["height"] / 2
        self.page.mouse.move(way["x"] + start * way["width"], height)
        self.page.mouse.down()
        self.page.mouse.move(way["x"] + share * way["width"], height, steps=5)
        self.page.mouse.up()

    def step(self) -> float:
        """Press a key on the main knob; milliseconds until the new picture."""
        return self._act(self.press, "picture")

    def preset(self, name: str) -> None:
        """Press a button that turns knobs, and wait for all that it brings at once."""
        self.button(name).click()
        self.wait_until_settled()

    def train(self) -> float:
        """Press Train; milliseconds until the first live picture."""
        return self._act(self.button("Train").click, "picture")

    def stop(self) -> float:
        """Press Stop; milliseconds until the lab is ready to train again."""
        return self._act(self.button("Stop").click, "ready")

    def wait_until_trained(self) -> None:
        """To the end of a training."""
        self.root.locator("button[aria-disabled=false]", has_text="Train").wait_for(timeout=LONGEST_MS)

    def look(self) -> dict[str, str]:
        """What can be seen of the lab: `value` of the main knob, `picture` (a digest) and `verdict`."""
        return {"value": self.value, "picture": self.picture(), "verdict": self.root.locator(".verdict").inner_text()}

    def wait_for_new(self, before: dict[str, str], *names: str) -> None:
        """Until the named parts of the look have all changed. Raises TimeoutError if they do not."""
        last = time.monotonic() + LONGEST_MS / 1000
        while same := [name for name, now in self.look().items() if name in names and now == before[name]]:
            if time.monotonic() > last:
                raise TimeoutError(f"{self.title}: no new {' and '.join(same)} within {LONGEST_MS / 1000:g} s")
            self.page.wait_for_timeout(LOOK_MS)

    def _act(self, action: Callable[[], None], until: str) -> float:
        before = self.root.evaluate("(lab, until) => lab.times[until]", until)
        action()
        later = "([lab, until, before]) => lab.times[until] > before"
        self.page.wait_for_function(later, arg=[self.root.element_handle(), until, before], timeout=LONGEST_MS)
        return self.root.evaluate("(lab, until) => lab.times[until] - lab.times.act", until)
