// Labs of words in the browser: a chat with a model, and pairs of answers to label. Native controls throughout.

function chat(spec, send) {
  const id = `rlhf-${++ids}`;
  const log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Conversation", tabindex: 0 });
  const status = h("p", { class: "status", role: "status" });
  const box = h("textarea", { id, rows: 2, maxlength: 2000, placeholder: "Enter sends, Escape stops" });
  const knobs = spec.knobs.map(({ name, words, about }) => {
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", title: about });
    return { name, input, label: h("label", {}, words, input) };
  });
  const say = press(() => {
    if (!box.value.trim()) return box.focus();
    send({ do: "say", text: box.value, ...Object.fromEntries(knobs.map(({ name, input }) => [name, input.value])) });
    sent = box.value;
  });
  const button = (name, action, given = {}) => h("button", { type: "button", onclick: action, ...given }, name);
  const go = button("Send", say, { class: "main" }), stop = button("Stop", press(() => send({ do: "stop" })));
  const anew = button("Start anew", press(() => send({ do: "anew" })));
  let sent = "", last = {};
  const form = h("div", { hidden: !spec.live }, h("label", { for: id }, "Your message"), box,
    h("div", { class: "row" }, go, stop, anew, ...knobs.map(({ label }) => label)));
  const write = ({ role, content }, at) => {
    if (!log.children[at]) log.append(h("p", {}, h("b"), h("span")));
    const [who, words] = log.children[at].children;
    set(log.children[at], "class", role);
    put(who, role === "user" ? "You: " : "Model: ");
    put(words, content);
  };
  return {
    parts: [log, status, form],
    onkeydown: (event) => {
      if (event.key === "Escape") { stop.click(); event.preventDefault(); }
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("textarea, input")) return;
      event.preventDefault();
      go.click();
    },
    update: (state) => {
      const follows = state.running && log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
      set(log, "aria-busy", String(state.running)); // a screen reader hears an answer once, when it is there
      while (log.children.length > state.messages.length) log.lastChild.remove();
      state.messages.forEach(write);
      if (follows) log.scrollTop = log.scrollHeight;
      if (state.running && !last.running && box.value === sent) box.value = "";
      if (state.draft && !last.draft && !box.value) box.value = state.draft;
      for (const { name, input } of knobs) if (input !== document.activeElement && state.knobs[name] !== last.knobs?.[name]) input.value = state.knobs[name];
      off(go, state.running);
      off(anew, state.running || !state.messages.length);
      off(stop, !state.running);
      put(status, state.status);
      last = state;
    },
  };
}

function labelPairs(spec, send) {
  const id = `rlhf-${++ids}`;
  const count = h("p", { class: "count" }), question = h("p", { class: "question" });
  const texts = ["1", "2"].map((digit) => h("div", { class: "answer", role: "group", "aria-label": `Answer ${digit}` }, h("kbd", { "aria-hidden": "true" }, digit), h("span")));
  const pair = h("div", { "aria-live": "polite", "aria-atomic": "true" }, question, h("div", { class: "pair" }, ...texts));
  let state = {}, pressed = -1;
  const label = (choice) => press(() => {
    if (pressed === state.number) return; // a second press is not meant for a pair that nobody has read
    pressed = state.number;
    send({ do: "label", choice, number: state.number });
  });
  const button = (key, words, action) => h("button", { type: "button", onclick: action, "aria-keyshortcuts": key }, h("kbd", { "aria-hidden": "true" }, key), ` ${words}`);
  const choices = [["1", "Answer 1 is better", "1"], ["2", "Answer 2 is better", "2"], ["t", "Tie", "tie"], ["s", "Skip", "skip"]];
  const buttons = Object.fromEntries(choices.map(([key, words, choice]) => [key, button(key, words, label(choice))]));
  buttons.u = button("u", "Undo", press(() => send({ do: "undo" })));
  const status = h("p", { class: "status", role: "status" }), making = h("p", { role: "status" });
  const own = h("input", { id, type: "text", maxlength: 500, autocomplete: "off", onkeydown: onEnter(() => ask.click()) });
  const ask = h("button", { type: "button", onclick: () => { send({ do: "ask", text: own.value }); } }, "Ask");
  const agreement = h("ul"), place = h("small", { class: "place" });
  return {
    parts: [count, pair, h("div", { class: "row keys", role: "group", "aria-label": "Which answer is better?" }, ...Object.values(buttons),
      h("small", { class: "hint" }, "Click here to use the keys.")), status,
      h("div", { class: "row", hidden: !spec.live }, h("label", { for: id }, "A prompt of your own"), own, ask), making, agreement, place],
    onkeydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input")) return;
      const hit = buttons[event.key.toLowerCase()];
      if (hit) { hit.click(); event.preventDefault(); }
    },
    update: (now) => {
      if (now.making && !state.making) own.value = "";
      state = now;
      if (state.message) pressed = -1; // it was not kept: press again
      pair.hidden = !state.question;
      put(count, state.progress);
      put(question, state.question);
      texts.forEach((text, at) => put(text.children[1], state.answers[at]));
      for (const key of "12ts") off(buttons[key], !state.question);
      off(buttons.u, !state.can_undo);
      put(status, state.status);
      put(making, state.making);
      agreement.replaceChildren(...state.agreement.map((words) => h("li", {}, words)));
      put(place, `Kept after each press in ${state.place}`);
    },
  };
}

const KINDS = { chat, label_pairs: labelPairs };

function render({ model, el }) {
  const spec = model.get("spec");
  let sent = Date.now(), patience = 0;
  const gone = h("p", { class: "gone", role: "status" }), message = h("p", { class: "refused", role: "alert" });
  const send = (content) => {
    model.send({ ...content, n: ++sent });
    clearTimeout(patience);
    patience = setTimeout(() => put(gone, SILENT), PATIENCE_MS);
  };
  const { parts, update, onkeydown } = KINDS[spec.kind](spec, send);
  const panel = h("section", { class: `rlhf-talk ${spec.kind}`, "aria-label": spec.title, tabindex: 0, onfocusin: keepKeys, onkeydown },
    h("h3", {}, spec.title), gone, ...parts, message, h("small", {}, spec.note));
  el.append(panel);
  const hear = () => {
    const state = model.get("state");
    if (state.answered === sent) { clearTimeout(patience); put(gone, ""); }
    update(state);
    put(message, state.message);
  };
  const dies = () => {
    clearTimeout(patience);
    put(gone, GONE);
    panel.inert = true;
  };
  model.on("change:state", hear);
  model.on("comm_live_update", dies);
  hear();
  if (el.closest(".jupyter-widgets-disconnected")) dies(); // out of a saved notebook
  return () => {
    clearTimeout(patience);
    model.off("change:state", hear);
    model.off("comm_live_update", dies);
  };
}

export default { render };
