"""One person without a mouse: every stop of the focus is seen, and none is a trap."""

from dataclasses import dataclass

from playwright.sync_api import Page

_LONGEST_WAY = 160
_DESCRIBE = """() => {
  const here = document.activeElement;
  if (!here || here === document.body || here === document.documentElement) return null;
  const words = here.getAttribute("aria-label")
    || [...(here.labels || [])].map((label) => label.textContent).join(" ")
    || here.textContent || here.value || "";
  const style = getComputedStyle(here);
  const box = here.getBoundingClientRect();
  const at = [Math.min(Math.max(box.left, 0) + 3, innerWidth - 1), box.top + Math.min(box.height / 2, 200)];
  const top = document.elementFromPoint(...at);
  const group = here.closest("fieldset");
  window.narabiStops = window.narabiStops || new Map();
  if (!window.narabiStops.has(here)) window.narabiStops.set(here, window.narabiStops.size);
  return {
    stop: window.narabiStops.get(here),
    tag: here.localName,
    kind: here.type || "",
    words: words.replace(/\\s+/g, " ").trim(),
    group: group ? group.querySelector("legend").textContent.trim() : "",
    region: here.closest("header, nav, main, footer")?.localName || "body",
    ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    onScreen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: !(top && (here.contains(top) || top.contains(here) || [...(here.labels || [])].some((each) => each.contains(top)))),
  };
}"""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the focus is: the element's words and how it looks."""

    stop: int
    tag: str
    kind: str
    words: str
    group: str
    region: str
    ring: float
    onScreen: bool  # noqa: N815 - the page's own name
    covered: bool


class Keyboard:
    """Tab, Shift+Tab, arrows, Space, Enter and letters, and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, key: str) -> "Stop | None":
        """Press a key and tell where the focus is then; None outside of the page."""
        self.page.keyboard.press(key)
        return self.here()

    def here(self) -> Stop | None:
        """Tell where the focus is; it must be seen to be there."""
        found = self.page.evaluate(_DESCRIBE)
        if found is None:
            return None
        stop = Stop(**found)
        if stop.tag != "main":  # the skip link ends there; it is a place, not a control
            assert stop.ring >= 2, f"the focus is not seen on {stop} of {self.page.url}"
            assert stop.onScreen, f"the focus is off the screen on {stop} of {self.page.url}"
            assert not stop.covered, f"something covers {stop} of {self.page.url}"
        return stop

    def tab_to(self, words: str, *, group: str = "", tag: str = "") -> Stop:
        """Press Tab until the focus is on the element whose words begin like this."""
        seen: list[str] = []
        for _ in range(_LONGEST_WAY):
            stop = self.press("Tab")
            if stop is None:
                break
            fits = stop.words.startswith(words) and stop.group.startswith(group)
            if fits and tag in {"", stop.tag}:
                return stop
            seen.append(stop.words[:20])
        raise AssertionError(f"no way by Tab to {words} on {self.page.url}: {seen}")

    def skip(self) -> "Keyboard":
        """Take the first stop, the skip link, into the main part."""
        first = self.press("Tab")
        assert first is not None
        assert first.words == "本文へ移動"
        landed = self.press("Enter")
        assert landed is not None
        assert landed.tag == "main"
        return self

    def type(self, label: str, text: str, *, group: str = "") -> "Keyboard":
        """Go on to a field and type."""
        self.tab_to(label, group=group)
        self.page.keyboard.type(text)
        return self

    def follow(self, words: str, *, tag: str = "") -> "Keyboard":
        """Go on to a link or button and press Enter, which opens another page."""
        self.tab_to(words, tag=tag)
        return self.enter()

    def enter(self) -> "Keyboard":
        """Press Enter and wait for the page to which it leads."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def choose(self, group: str, words: str) -> "Keyboard":
        """Go on to a group of radios and move by the arrows to the one with these words."""
        stop: Stop | None = self.tab_to("", group=group)
        if not self.page.evaluate("document.activeElement.checked"):
            self.page.keyboard.press("Space")
        for _ in range(12):
            assert stop is not None
            if stop.words.startswith(words):
                assert self.page.evaluate("document.activeElement.checked")
                return self
            stop = self.press("ArrowDown")
        raise AssertionError(f"no {words} in {group}")

    def heading(self) -> str:
        """Return the words of the one h1."""
        return self.page.locator("h1").inner_text().strip()

    def tour(self) -> list[Stop]:
        """Press Tab from the top until the focus leaves the page, then once back into it."""
        self.page.evaluate("window.narabiStops = new Map(); document.activeElement?.blur()")
        stops: list[Stop] = []
        for _ in range(_LONGEST_WAY):
            stop = self.press("Tab")
            if stop is None or (stops and stop.stop == stops[0].stop):
                break
            assert not stops or stop.stop != stops[-1].stop, f"Tab does not leave {stop}"
            stops.append(stop)
        else:
            raise AssertionError(f"the focus never leaves {self.page.url}")
        assert len({each.stop for each in stops}) == len(stops), "the focus runs in circles"
        return stops
