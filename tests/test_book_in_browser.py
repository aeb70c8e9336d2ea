"""The book, opened from its folder in a real browser: ten pages, on a screen and on a phone, light and dark."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import one_browser

pytestmark = pytest.mark.slow
TEN = [
    "index", "notebooks/00_start_here", "notebooks/03_reward_model_failure", "notebooks/04_reward_model_diagnosis",
    "notebooks/06_ppo", "notebooks/09_groups_and_verifiers", "docs/claims", "docs/formats", "CONTRIBUTING",
    "api/rlhf_lessons.objectives",
]  # fmt: skip
WIDTH = "() => document.documentElement.scrollWidth"
# The least contrast (WCAG) of a paragraph's, a link's and a code's colour with the page it stands on.
CONTRAST = """() => {
    const numbers = text => text.match(/[\\d.]+/g).map(Number);
    const light = rgb => rgb.slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const [r, g, b, alpha = 1] = numbers(getComputedStyle(e).backgroundColor);
            if (alpha > 0) return light([r, g, b]);
        }
        return 1;
    };
    const contrast = element => {
        const pair = [light(numbers(getComputedStyle(element).color)), ground(element)];
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    };
    const elements = [...document.querySelectorAll("article :is(p, a, td, th, pre, h2, summary)")];
    return Math.min(...elements.filter(e => e.innerText?.trim()).map(contrast));
}"""


# One that ends with this file: its event loop would be in the way of other tests of the process.
context = pytest.fixture(one_browser, scope="module")


@pytest.fixture
def page(context: BrowserContext):
    """A tab that knows what it complained of, and what it asked of a network."""
    tab = context.new_page()
    tab.complaints = []
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda asked: None if asked.url[:5] in ("file:", "data:") else tab.complaints.append(asked.url))
    yield tab
    assert tab.complaints == []
    tab.close()


@pytest.mark.parametrize("name", TEN)
def test_a_page_fits_a_phone_and_is_legible_in_both_themes(pages, page, name):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((pages / f"{name}.html").as_uri())
    assert page.evaluate(WIDTH) == 390
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert page.evaluate(CONTRAST) >= 4.5, theme


def test_search_finds_and_next_leads_on(pages, page):
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto((pages / "index.html").as_uri())
    page.get_by_placeholder("Search").fill("reward model")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results")).to_contain_text("05 · The reward model, fixed")
    page.get_by_role("link", name="03 · A reward model that fails: reproduce it").last.click()
    page.locator("a.next-page").click()
    expect(page).to_have_url((pages / "notebooks" / "04_reward_model_diagnosis.html").as_uri())
