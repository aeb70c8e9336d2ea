// What labs and questions share in the browser; it stands before their own script.

const PATIENCE_MS = 3000; // without an answer: then it is said that there is none
const SILENT = "No answer yet: the kernel is busy. If it stays so, run this cell to make it live.";
const GONE = "The kernel is gone. Run this cell to make it live.";
let ids = Math.floor(1e9 * Math.random()); // every view loads this file anew, and all share the page

function h(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Changing a text only when it differs keeps screen readers from reading it twice.
const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const set = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };
const off = (button, is) => set(button, "aria-disabled", String(is)); // `disabled` would throw the focus away
const press = (action) => (event) => { if (event.currentTarget.getAttribute("aria-disabled") !== "true") action(); };

// JupyterLab keeps Enter in a cell's lines of text from what a browser makes of it.
const onEnter = (action) => (event) => { if (event.key === "Enter") { event.preventDefault(); action(); } };

// JupyterLab takes arrows and letters for itself wherever the focused element does not say no: its parents do not help.
const keepKeys = (event) => set(event.target, "data-lm-suppress-shortcuts", "true");
