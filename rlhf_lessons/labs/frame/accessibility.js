// Makes a lab usable by keyboard and screen reader. It runs in the browser once for each lab, with `element` a node
// inside it. Left alone, ipywidgets gives a slider's handle and a picture no name, lets a screen reader say a
// logarithmic slider's position in place of its value, and puts each new text into a new node, which is not read out.

const setIfNew = (node, name, value) => node.getAttribute(name) === value || node.setAttribute(name, value);

function valueAt(row, position) {
  const number = Number((row.matches(".rlhf-log") ? 10 ** position : position).toPrecision(3));
  return `${row.matches(".rlhf-whole") ? Math.round(number) : number} ${row.querySelector("small").textContent}`.trim();
}

function describe(lab) {
  // Otherwise JupyterLab takes their keys: arrows, to move between cells, and Enter, to edit one.
  lab.querySelectorAll("select, button, .noUi-handle").forEach((c) => setIfNew(c, "data-lm-suppress-shortcuts", "true"));
  lab.querySelectorAll("img[title]").forEach((image) => setIfNew(image, "alt", image.title));
  for (const text of lab.querySelectorAll(".rlhf-announced > .widget-html-content")) {
    setIfNew(text, "role", "status");
    setIfNew(text, "aria-live", text.closest(".rlhf-quiet") ? "off" : "polite");
  }
  for (const handle of lab.querySelectorAll(".rlhf-knob .noUi-handle")) {
    const row = handle.closest(".rlhf-knob"), position = handle.getAttribute("aria-valuetext");
    setIfNew(handle, "aria-label", row.querySelector("label").textContent);
    if (position !== null && position !== handle.dataset.value) { // else it is the value that was put there below
      handle.dataset.value = valueAt(row, Number(position));
      setIfNew(handle, "aria-valuetext", handle.dataset.value);
    }
  }
}

const appears = new ResizeObserver(() => {
  const lab = element.closest(".rlhf-lab");
  if (!lab) return;
  appears.disconnect();
  const attributeFilter = ["title", "class", "aria-valuetext"];
  new MutationObserver(() => describe(lab)).observe(lab, { subtree: true, childList: true, attributeFilter });
  describe(lab);
});
appears.observe(element);
