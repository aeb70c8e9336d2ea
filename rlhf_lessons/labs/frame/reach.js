// Runs in the browser once for each lab, with `element` a node inside it. ipywidgets names neither a slider's
// handle nor a picture for screen readers, reads a logarithmic slider's position out for its value, and puts
// every new text into a new node, which is not announced. All that is in the page already is put in its place.

const mark = (node, name, value) => node.getAttribute(name) === value || node.setAttribute(name, value);

function value(row, position) {
  const number = Number((row.matches(".rlhf-log") ? 10 ** position : position).toPrecision(3));
  return `${row.matches(".rlhf-whole") ? Math.round(number) : number} ${row.querySelector("small").textContent}`.trim();
}

function speak(lab) {
  // Otherwise JupyterLab takes their keys: arrows, to move between cells, and Enter, to edit one.
  lab.querySelectorAll("select, button, .noUi-handle").forEach((c) => mark(c, "data-lm-suppress-shortcuts", "true"));
  lab.querySelectorAll("img[title]").forEach((image) => mark(image, "alt", image.title));
  for (const words of lab.querySelectorAll(".rlhf-live > .widget-html-content")) {
    mark(words, "role", "status");
    mark(words, "aria-live", words.closest(".rlhf-quiet") ? "off" : "polite");
  }
  for (const handle of lab.querySelectorAll(".rlhf-knob .noUi-handle")) {
    const row = handle.closest(".rlhf-knob"), position = handle.getAttribute("aria-valuetext");
    mark(handle, "aria-label", row.querySelector("label").textContent);
    if (position !== null && position !== handle.dataset.said) {
      handle.dataset.said = value(row, Number(position));
      mark(handle, "aria-valuetext", handle.dataset.said);
    }
  }
}

const shown = new ResizeObserver(() => {
  const lab = element.closest(".rlhf-lab");
  if (!lab) return;
  shown.disconnect();
  const attributeFilter = ["title", "class", "aria-valuetext"];
  new MutationObserver(() => speak(lab)).observe(lab, { subtree: true, childList: true, attributeFilter });
  speak(lab);
});
shown.observe(element);
