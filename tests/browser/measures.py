"""What can be measured of a lab on its page: what is in view, what is cut off, how colours stand out, what moves."""

import io
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from tools.lab_page import Lab

LEAST_CONTRAST = 3.0  # of what is no text
GARBAGE = ("abc", "-1e9", "0,5", "", "1e400")
CLOSE_SIDEBAR = """() => { const { commands } = window.jupyterapp, name = "application:toggle-left-area";
    if (commands.isToggled(name)) return commands.execute(name); }"""
USUAL_TEXT = """() => { localStorage.removeItem("rlhf-large"); dispatchEvent(new Event("rlhf-large")); }"""
OPEN_SIDEBAR = CLOSE_SIDEBAR.replace("if (", "if (!")
THEME = """name => window.jupyterapp.commands.execute("apputils:change-theme", {theme: name})"""
THEME_IS_SET = "light => document.body.dataset.jpThemeLight == light"
# Elements of a lab that are seen; an option of a closed list and what a closed <details> holds are not.
SEEN = """const seen = [...lab.querySelectorAll("*")].filter(e => e.checkVisibility({visibilityProperty: true})
        && !e.closest("option") && e.getClientRects().length);
    const name = e => `${e.tagName}.${e.className} ${(e.textContent || e.value || "").trim().slice(0, 30)}`;
    const view = lab.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
    const beside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1;
    const within = (a, b) => beside(a, b) && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
"""
OUT_OF_VIEW = f"""(lab, parts) => {{ {SEEN}
    return parts.filter(part => !within(lab.querySelector(part).getBoundingClientRect(), view)).map(part => {{
        const {{top, bottom, left, right}} = lab.querySelector(part).getBoundingClientRect();
        return `${{part}}: ${{[left, right, top, bottom].map(Math.round)}} in ${{
            [view.left, view.right, view.top, view.bottom].map(Math.round)}}`;
    }});
}}"""
OVERFLOWS = f"""lab => {{ {SEEN}
    const whole = lab.getBoundingClientRect();
    const out = seen.filter(e => {{
        const box = e.getBoundingClientRect(), parent = e.parentElement.getBoundingClientRect();
        return !within(box, whole) || !beside(box, parent);
    }});
    const cut = [lab, ...seen].filter(e => getComputedStyle(e).display != "inline" && !e.matches("img, select, input")
        && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
        && e.clientWidth && getComputedStyle(e).overflow != "visible");
    const spills = seen.filter(e => getComputedStyle(e).display != "inline" && e.scrollWidth > e.clientWidth + 1
        && e.clientWidth && getComputedStyle(e).overflow == "visible" && !e.matches("img, select, input"));
    return Object.entries({{out, cut, spills}}).flatMap(([how, them]) => them.map(e => `${{how}}: ${{name(e)}}`));
}}"""
SCROLLS = """lab => {
    const found = [];
    for (let e of [...lab.querySelectorAll("*"), lab, lab.parentElement, lab.parentElement.parentElement])
        if (/auto|scroll/.test(getComputedStyle(e).overflow)
            && (e.scrollHeight > e.clientHeight || e.scrollWidth > e.clientWidth)) found.push(e.className);
    for (let e = lab; !e.matches(".jp-Cell"); e = e.parentElement)
        if (/auto|scroll/.test(getComputedStyle(e).overflow)
            && e.scrollHeight > e.clientHeight) found.push(e.className);
    return [...new Set(found)];
}"""
PALE = f"""lab => {{ {SEEN}
    const context = document.createElement("canvas").getContext("2d", {{willReadFrequently: true}});
    const rgba = colour => {{
        context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data];
    }};
    const light = ([r, g, b]) => {{
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    }};
    const contrast = (a, b) => {{
        const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
        return (bright + 0.05) / (dark + 0.05);
    }};
    const ground = e => {{
        for (; e; e = e.parentElement) {{
            const colour = rgba(getComputedStyle(e).backgroundColor);
            if (colour[3] > 250) return colour;
        }}
        return [255, 255, 255, 255];
    }};
    const found = [];
    for (const e of seen) {{
        const style = getComputedStyle(e), size = parseFloat(style.fontSize);
        const writes = e.matches("input[type=text], select")
            || [...e.childNodes].some(node => node.nodeType == 3 && node.textContent.trim());
        if (!writes || e.closest("[aria-disabled=true]")) continue;
        const least = size >= 24 || (size >= 18.6 && style.fontWeight >= 700) ? 3 : 4.5;
        const under = ground(e), [r, g, b, a] = rgba(style.color);
        const ink = [r, g, b].map((v, at) => (v * a + under[at] * (255 - a)) / 255);
        const is = contrast(ink, under);
        if (is < least) found.push(`${{is.toFixed(2)}} of ${{least}}: ${{name(e)}}`);
    }}
    const badge = lab.querySelector(".badge"), face = contrast(ground(badge), ground(badge.parentElement));
    if (face < 3) found.push(`${{face.toFixed(2)}}: the badge on its ground`);
    return found;
}}"""
# The box of the picture within its lab, at every frame that the browser draws.
FOLLOW = """lab => {
    const frame = lab.querySelector(".frame"), boxes = lab.boxes = new Set();
    lab.follows = true;
    const look = () => {
        const a = frame.getBoundingClientRect(), b = lab.getBoundingClientRect();
        boxes.add([a.left - b.left, a.top - b.top, a.width, a.height].map(Math.round).join(" "));
        if (lab.follows) requestAnimationFrame(look);
    };
    look();
}"""
BOXES = "lab => { lab.follows = false; return [...lab.boxes]; }"
# An element that a screen reader cannot call by a name, in an accessibility tree as text.
UNNAMED = re.compile(r'^\s*- (slider|textbox|spinbutton|combobox|checkbox|radio|button|img)\b(?! ")', re.MULTILINE)
HAS_FOCUS = "lab => lab.contains(document.activeElement)"


def resize(lab: Lab, size: tuple[int, int], dark: bool = False) -> None:
    """Show the lab in a window of this size, in a theme; a phone has its left sidebar closed."""
    lab.page.set_viewport_size({"width": size[0], "height": size[1]})
    lab.page.evaluate(CLOSE_SIDEBAR if size[0] < 700 else OPEN_SIDEBAR)
    wears(lab, dark)
    lab.page.evaluate(USUAL_TEXT)
    lab.come_into_view()


def wears(lab: Lab, dark: bool) -> None:
    """Put on a theme, and wait until the picture wears it too."""
    lab.page.evaluate(THEME, f"JupyterLab {'Dark' if dark else 'Light'}")
    lab.page.wait_for_function(THEME_IS_SET, arg=str(not dark).lower())


def pale_parts(lab: Lab) -> list[str]:
    """What hardly stands out from its ground: texts, the badge, the thumb and the track of the first slider."""
    found = lab.root.evaluate(PALE)
    if lab.has_slider:
        lab.page.mouse.move(0, 0)
        pixels = Image.open(io.BytesIO(lab.hand.screenshot())).convert("RGB")
        width, height = pixels.size
        share = lab.hand.evaluate("hand => hand.value / hand.max")
        ground, middle = _luminance(pixels.getpixel((width // 2, 1))), height // 2
        row = [_luminance(pixels.getpixel((x, middle))) for x in range(2, width - 2)]
        thumb = row[round(8 + share * (width - 16)) - 2]
        track = row[-4] if share < 0.5 else row[4]
        for name, colour in (("thumb", thumb), ("track", track)):
            dark, bright = sorted((colour, ground))
            contrast = (bright + 0.05) / (dark + 0.05)
            found += [f"{contrast:.2f}: the slider's {name}"] if contrast < LEAST_CONTRAST else []
    return found


def _luminance(colour: tuple[int, ...]) -> float:
    parts = [v / 255 for v in colour]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@contextmanager
def picture_in_place(lab: Lab) -> Iterator[None]:
    """Holds that the picture's box is the same at every frame that is drawn meanwhile."""
    lab.root.evaluate(FOLLOW)
    try:
        yield
    finally:
        boxes = lab.root.evaluate(BOXES)
    assert len(boxes) == 1, f"{lab.title}: the picture's box moved: {boxes}"


def act_at_random(lab: Lab, dice: random.Random) -> str:
    """Do one thing that learners do, by keyboard or mouse; gives it in words."""
    kind = dice.choice(("key", "key", "type", "list", "tick", "button"))
    controls = {
        "key": "input[type=range]", "type": "input.exact", "list": ".knob select", "tick": "input[type=checkbox]",
        "button": "button:not(.large):not([aria-disabled=true]), summary",
    }  # fmt: skip
    if kind == "button":  # an answer that is on its way may take some of them away
        lab.wait_until_settled()
    those = lab.root.locator(controls[kind]).filter(visible=True)
    if not (count := those.count()):
        return f"no {kind}"
    one = those.nth(dice.randrange(count))
    if kind == "key":
        what = dice.choice(("ArrowLeft", "ArrowRight", "Home", "End", "PageUp"))
        one.press(what)
    elif kind == "type":
        what = dice.choice((*GARBAGE, "1", "0.5"))
        one.fill(what)
        one.press("Enter")
    elif kind == "list":
        what = str(dice.randrange(one.locator("option").count()))
        one.select_option(index=int(what))
    else:
        what = one.inner_text() if kind == "button" else "tick"
        one.click()
    return f"{kind} {what}"
