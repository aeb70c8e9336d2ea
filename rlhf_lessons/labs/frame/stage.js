// A lab in the browser. Python says what there is (`spec`, once) and how it stands (`state`, `picture`); what the
// learner does goes back as messages {do, ...}. Native controls throughout, so that keyboard and screen readers work.

const WIDE = 700; // pixels of width from which knobs stand beside the picture
const LEAST_HEIGHT = 520, MOST_HEIGHT = 980, LEAST_PICTURE = 220;
const SETTLED_MS = 120; // a size that has not changed for so long is drawn for

// Messages are numbered on from a number that no earlier page had: an answer to it is news.
// One message at a time: while an answer is on its way, only the latest move of each knob is kept. `heard` is told
// false when no answer has come for a while, and true when one comes; `waits`, whether anything is unanswered.
// `send.moves` says whether a knob is: answers to its older moves would pull it back.
function conversation(model, heard, waits) {
  let sent = Date.now(), open = null, queue = [], patience = 0;
  const next = () => {
    if (!open && queue.length) {
      open = queue.shift();
      model.send({ ...open, n: ++sent });
      patience = setTimeout(() => heard(false), PATIENCE_MS);
    }
    waits(open !== null);
  };
  const answered = () => {
    if (model.get("state").answered !== sent) return;
    open = null;
    clearTimeout(patience);
    heard(true);
    next();
  };
  model.on("change:state", answered);
  const send = (message) => {
    const same = (other) => other.do === message.do && other.knob === message.knob && other.test === message.test && message.do !== "preset";
    queue = [...queue.filter((other) => !same(other)), message];
    next();
  };
  send.answered = () => !open && !queue.length;
  send.moves = (knob) => [open, ...queue].some((message) => message?.knob === knob);
  send.end = () => { model.off("change:state", answered); clearTimeout(patience); };
  return send;
}

function numberKnob(spec, send) {
  const id = `rlhf-${++ids}`;
  const slider = h("input", {
    type: "range", id, min: 0, max: spec.stops.length - 1, step: 1, "aria-describedby": `${id}-about`,
    oninput: () => { speak(spec.stops[slider.value]); send({ do: "move", knob: spec.name, place: Number(slider.value) }); },
  });
  const type = () => { if (box.value !== last) send({ do: "type", knob: spec.name, text: box.value }); };
  const box = h("input", {
    type: "text", class: "exact", inputmode: "decimal", autocomplete: "off", "aria-label": `${spec.words}, exact value`,
    "aria-describedby": `${id}-about`, onchange: type, onkeydown: onEnter(type),
  });
  let last;
  const speak = (text) => set(slider, "aria-valuetext", `${text} ${spec.unit}`.trim());
  return {
    id, control: slider, beside: [box, h("span", { class: "unit" }, spec.unit)],
    update: (knob) => {
      slider.value = knob.place;
      if (box !== document.activeElement || knob.text !== last) box.value = last = knob.text; // not under the typing hand
      speak(knob.text);
    },
  };
}

function listKnob(spec, send) {
  const id = `rlhf-${++ids}`;
  const list = h("select", {
    id, "aria-describedby": `${id}-about`,
    onchange: () => send({ do: "move", knob: spec.name, place: list.selectedIndex }),
  }, ...spec.stops.map((words) => h("option", {}, words)));
  return { id, control: list, beside: [], update: (knob) => { list.selectedIndex = knob.place; } };
}

function tickKnob(spec, send) {
  const id = `rlhf-${++ids}`;
  const tick = h("input", {
    type: "checkbox", id, "aria-describedby": `${id}-about`,
    onchange: () => send({ do: "move", knob: spec.name, place: Number(tick.checked) }),
  });
  return { id, control: tick, beside: [], update: (knob) => { tick.checked = knob.place === 1; } };
}

// A choice of tiles, each with a mark of its own (`marks`), and a text below them (`note`) that has room kept for it.
function tilesKnob(spec, send) {
  const id = `rlhf-${++ids}`;
  const tiles = spec.stops.map((words, place) => {
    const radio = h("input", { type: "radio", name: id, onchange: () => send({ do: "move", knob: spec.name, place }) });
    return { words, radio, tile: h("label", { class: "tile" }, radio, words) };
  });
  const group = h("div", { id, class: "choices", role: "radiogroup", "aria-label": spec.words, "aria-describedby": `${id}-about` },
    ...tiles.map(({ tile }) => tile));
  const note = h("p", { class: "note", role: "status", style: `min-height: ${1.35 * spec.lines}em` });
  return {
    id, control: h("div", {}, group, note), beside: [],
    update: (knob) => {
      tiles.forEach(({ words, radio, tile }, place) => {
        const mark = knob.marks?.[place] ?? "";
        if (send.answered()) radio.checked = place === knob.place; // else the learner has gone on
        set(radio, "aria-label", mark ? `${words}, ${mark}` : words);
        set(tile, "data-mark", mark);
      });
      put(note, knob.note ?? "");
    },
  };
}

// Two answers at a time: `cards` lie over the picture until all rounds are chosen; the row takes the last choice back.
function chooseKnob(spec, send) {
  const id = `rlhf-${++ids}`, rounds = spec.stops[0].length;
  let chosen = "", shown = [];
  const choose = (text) => { chosen = text; show(); send({ do: "type", knob: spec.name, text }); };
  const add = (digit) => { if (chosen.length < rounds) choose(chosen + digit); };
  const undo = () => choose(chosen.slice(0, -1));
  const back = (given) => h("button", { type: "button", "aria-label": "undo the last choice", onclick: press(undo), ...given }, "undo");
  const row = back({ id, class: "undo", "aria-describedby": `${id}-about` }), inside = back();
  const made = h("span", { class: "made" }), place = h("b"), prompt = h("p", { class: "prompt" });
  const answers = ["1", "2"].map((digit) => h("button", { type: "button", class: "answer", onclick: () => add(digit) }, h("kbd", {}, digit), h("span")));
  const cards = h("div", { class: "veil rounds", role: "group", "aria-label": "Choose the better answer" },
    h("div", { role: "status", class: "asked" }, place, prompt), h("div", { class: "pair" }, ...answers),
    h("div", { class: "row" }, inside, h("small", { class: "keys" }, "keys: 1, 2, Backspace")));
  function show() {
    const round = shown[Math.min(chosen.length, rounds - 1)];
    put(place, `Which answer is better? Pair ${Math.min(chosen.length + 1, rounds)} of ${rounds}`);
    put(prompt, round.prompt);
    answers.forEach((answer, at) => put(answer.children[1], at ? round.second : round.first));
    put(made, [...chosen].join(" ") || "none yet");
    for (const button of [row, inside]) off(button, !chosen);
  }
  return {
    id, control: row, beside: [made], cards,
    onkeydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
      const does = { 1: () => add("1"), 2: () => add("2"), Backspace: () => chosen && undo() }[event.key];
      if (does) { does(); event.preventDefault(); }
    },
    update: (knob, state) => {
      if (send.answered()) chosen = knob.text; // else it is of a choice before the last one
      shown = state.rounds;
      show();
      const done = knob.text.length === rounds && chosen.length === rounds;
      if (done && cards.contains(document.activeElement)) row.focus({ preventScroll: true });
      cards.hidden = done;
    },
  };
}

// A list whose choice counts once it is submitted. Another `case` drops a choice that was not.
function submitKnob(spec, send) {
  const id = `rlhf-${++ids}`;
  let stands = {};
  const ready = () => off(submit, list.selectedIndex === 0 || list.selectedIndex === stands.place);
  const list = h("select", { id, "aria-describedby": `${id}-about`, onchange: ready }, ...spec.stops.map((words) => h("option", {}, words)));
  const submit = h("button", {
    type: "button", class: "main", "aria-label": `Submit this ${spec.words}`,
    onclick: press(() => send({ do: "move", knob: spec.name, place: list.selectedIndex })),
  }, "Submit");
  return {
    id, control: h("div", { class: "row" }, list, submit), beside: [],
    update: (knob) => {
      if (knob.place !== stands.place || knob.case !== stands.case) list.selectedIndex = knob.place;
      stands = knob;
      ready();
    },
  };
}

const KINDS = { number: numberKnob, list: listKnob, tick: tickKnob, tiles: tilesKnob, submit: submitKnob, choose: chooseKnob };

function knobRow(spec, send) {
  const { id, control, beside, update, cards, onkeydown } = KINDS[spec.kind](spec, send);
  const about = h("small", { id: `${id}-about`, class: "about", hidden: true }, spec.about);
  const why = h("button", {
    type: "button", class: "why", "aria-expanded": "false", "aria-controls": about.id,
    "aria-label": `What ${spec.words} does`,
    onclick: () => { about.hidden = !about.hidden; set(why, "aria-expanded", String(!about.hidden)); },
  }, "?");
  const was = h("small", { class: "was" });
  const symbol = spec.symbol ? h("i", {}, ` ${spec.symbol}`) : null;
  const head = h("div", { class: "head" }, h("label", { for: id }, spec.words, symbol), was, ...beside, why);
  const row = h("div", { class: `knob ${spec.kind}`, "data-knob": spec.name }, head, control, about);
  return {
    row, cards, onkeydown,
    update: (knob, state) => {
      update(knob, state);
      put(was, knob.shown ? `shown: ${knob.shown}` : knob.was ? `was ${knob.was}` : "");
      row.classList.toggle("differs", Boolean(knob.shown));
    },
  };
}

function trainingRow(send) {
  const train = h("button", { type: "button", class: "main", onclick: press(() => send({ do: "train" })) }, "Train");
  const stop = h("button", { type: "button", onclick: press(() => send({ do: "stop" })) }, "Stop");
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Training done" });
  const left = h("span", { class: "left" }), status = h("span", { class: "status", role: "status" });
  return {
    row: h("div", { class: "training" }, train, stop, bar, left, status),
    update: (state) => {
      off(train, state.running);
      off(stop, !state.running);
      bar.value = state.progress ?? 0;
      put(left, state.left);
      put(status, state.status);
    },
  };
}

function verdictBlock() {
  const word = h("span", { class: "badge" }), figures = h("div", { class: "figures" }), sentence = h("p");
  const block = h("div", { class: "verdict", role: "status" }, h("div", { class: "said" }, word, figures), sentence);
  return {
    block,
    update: ({ verdict, running }) => {
      set(block, "aria-live", running ? "off" : "polite"); // it would be read out at every live picture
      set(word, "class", `badge ${verdict.mood}`);
      put(word, verdict.word);
      const entries = Object.entries(verdict.figures);
      while (figures.children.length < entries.length) figures.append(h("div", {}, h("b"), h("span")));
      [...figures.children].forEach((figure, at) => {
        figure.hidden = at >= entries.length;
        if (!figure.hidden) { put(figure.children[0], entries[at][1]); put(figure.children[1], entries[at][0]); }
      });
      put(sentence, verdict.sentence.replaceAll(" %", "\u00a0%"));
    },
  };
}

// Tests that are ordered one at a time. Each has a place of its own for the gauge that comes.
function testStrip(tests, send) {
  const heading = h("b", { role: "status" });
  const slots = tests.map(({ name, about }) => {
    const id = `rlhf-${++ids}`;
    const order = h("button", { type: "button", "aria-describedby": id, onclick: press(() => send({ do: "order", test: name })) }, name);
    const values = h("span", { class: "values" }), words = h("small", { id });
    const strip = h("div", { class: "strip", "aria-hidden": "true" });
    const update = (gauge) => {
      off(order, Boolean(gauge));
      put(words, gauge ? gauge.words : about);
      strip.classList.toggle("empty", !gauge);
      const marks = gauge ? gauge.marks : [], [from, to] = gauge ? gauge.band : [0, 0];
      const two = marks.length === 2; // told apart by their shapes
      put(values, marks.map(({ text }, at) => `${two ? "○◆"[at] : ""} ${text}`).join(" ").trim());
      const places = marks.map(({ at }, number) => at === null ? ""
        : h("i", { class: two ? ["ring", "other"][number] : "", style: `left: ${100 * at}%` }));
      strip.replaceChildren(h("div", { class: "band", style: `left: ${100 * from}%; width: ${100 * (to - from)}%` }), ...places);
    };
    return { name, update, node: h("div", { class: "test" }, h("div", { class: "head" }, order, values), strip, words) };
  });
  return {
    block: h("div", { class: "tests", role: "group", "aria-label": "Tests to order" }, heading, ...slots.map(({ node }) => node)),
    update: (state) => {
      for (const { name, update } of slots) update(state.tests[name]);
      put(heading, `Tests ordered: ${Object.values(state.tests).filter(Boolean).length} of ${slots.length}`);
    },
  };
}

// A curve drawn with the mouse or a finger; with the keyboard, left and right choose a place, up and down move it.
function sketchPad(id, { points, x, y, x_label, y_label }) {
  const svg = (tag, given = {}) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(given)) node.setAttribute(name, value);
    return node;
  };
  const values = new Array(points).fill(null), step = (y[1] - y[0]) / 20;
  const drawn = svg("polyline", { class: "drawn" }), mark = svg("circle", { class: "place", r: 1.6 });
  const board = svg("svg", { id, class: "sketch", viewBox: "0 0 100 60", tabindex: 0, role: "slider", "aria-label": `${y_label} along ${x_label}` });
  board.append(svg("rect", { width: 100, height: 60 }), drawn, mark);
  let at = 0;
  const left = (place) => (100 * place) / (points - 1), top = (value) => 60 * (1 - (value - y[0]) / (y[1] - y[0]));
  const put = (place, value) => { values[place] = Math.min(y[1], Math.max(y[0], value)); at = place; show(); };
  function show() {
    const known = values.flatMap((value, place) => (value === null ? [] : [`${left(place)},${top(value)}`]));
    drawn.setAttribute("points", known.join(" "));
    mark.setAttribute("cx", left(at));
    mark.setAttribute("cy", top(values[at] ?? (y[0] + y[1]) / 2));
    const place = x[0] + ((x[1] - x[0]) * at) / (points - 1);
    const given = { valuenow: values[at] ?? "", valuemin: y[0], valuemax: y[1], valuetext: `at ${place.toPrecision(3)}: ${values[at]?.toFixed(2) ?? "not drawn"}` };
    for (const [name, value] of Object.entries(given)) board.setAttribute(`aria-${name}`, value);
  }
  function follow(event) {
    const box = board.getBoundingClientRect(), last = at;
    const place = Math.round(((points - 1) * (event.clientX - box.left)) / box.width);
    const value = y[0] + (y[1] - y[0]) * (1 - (event.clientY - box.top) / box.height);
    const to = Math.min(points - 1, Math.max(0, place)), from = event.type === "pointerdown" ? to : last;
    for (let each = from; each !== to; each += Math.sign(to - from)) put(each, value); // a quick hand skips places
    put(to, value);
  }
  board.addEventListener("pointerdown", (event) => { event.preventDefault(); board.focus(); board.setPointerCapture(event.pointerId); follow(event); });
  board.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
  board.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: step, ArrowDown: -step }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") return put(at, (values[at] ?? (y[0] + y[1]) / 2) + way);
    const to = Math.min(points - 1, Math.max(0, at + way));
    put(to, values[to] ?? values[at] ?? (y[0] + y[1]) / 2); // it carries the height along
  });
  show();
  const box = h("div", { class: "sketch-box" }, h("small", {}, `${y_label}, ${y[0]} to ${y[1]}`), board, h("small", {}, `${x_label}, ${x[0]} to ${x[1]}`));
  return { box, hand: board, read: () => JSON.stringify(values) };
}

function typedGuess(id) {
  const hand = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "0.7 or 70%", onkeydown: onEnter(() => hand.form.requestSubmit()) });
  return { box: hand, hand, read: () => hand.value };
}

function chosenGuess(id, choices) {
  const hand = h("select", { id }, ...choices.map((choice) => h("option", {}, choice)));
  return { box: hand, hand, read: () => hand.value };
}

function questionVeil(question, send) {
  const id = `rlhf-${++ids}`;
  const guess = question.sketch ? sketchPad(id, question.sketch)
    : question.choices.length ? chosenGuess(id, question.choices) : typedGuess(id);
  const refused = h("p", { class: "refused", role: "alert" });
  let last = "";
  const refuse = (text) => { if (text !== last) put(refused, last = text); };
  const form = h("form", {
    class: "veil", "aria-label": "Predict first",
    oninput: () => put(refused, ""), // a refusal speaks of what stood there before
    onsubmit: (event) => { event.preventDefault(); last = ""; send({ do: "commit", guess: guess.read() }); },
  },
    h("b", {}, "Predict first"), h("label", { for: id }, question.text),
    h("div", { class: "row" }, guess.box, h("button", { class: "main" }, "Commit"),
      h("button", { type: "button", onclick: () => send({ do: "skip" }) }, "Skip")), refused);
  return { form, guess: guess.hand, update: (state) => refuse(state.question.veiled ? state.message : "") };
}

// Words of the answer now that were not there before are marked.
function marked(before, after) {
  const a = before.split(" "), b = after.split(" ");
  const common = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const words = [];
  for (let i = 0, j = 0; j < b.length;) {
    if (i < a.length && a[i] === b[j]) { words.push(b[j]); i++; j++; }
    else if (i < a.length && common[i + 1][j] >= common[i][j + 1]) i++;
    else { words.push(h("mark", {}, b[j])); j++; }
  }
  return words.flatMap((word) => [word, " "]);
}

function cardNode(card) {
  const bars = card.bars.map((bar) => h("div", { class: `bar ${bar.meaning}` },
    h("span", {}, bar.name), h("meter", { min: 0, max: 1, value: bar.share, "aria-label": bar.name }), h("span", {}, bar.text)));
  return h("article", { class: "card" }, h("p", { class: "prompt" }, card.prompt),
    h("p", { class: "before" }, h("b", {}, "before "), card.before),
    h("p", { class: "after" }, h("b", {}, "now "), ...marked(card.before, card.after)), ...bars);
}

function isDark() {
  const light = document.body.dataset.jpThemeLight;
  return light ? light === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function render({ model, el }) {
  const gone = h("p", { class: "gone", role: "status", hidden: true });
  const heard = (answer) => {
    if (!answer && controls.inert) return; // it has been said that nothing is live
    gone.hidden = answer;
    put(gone, answer ? "" : SILENT);
    setInert(false);
  };
  const spec = model.get("spec");
  const send = conversation(model, heard, (waits) => set(answers, "aria-busy", String(waits)));
  const act = (name, does, given = {}) => h("button", { type: "button", onclick: press(() => send({ do: does, ...given })) }, name);
  const rows = spec.knobs.map((knob) => [knob.name, knobRow(knob, send)]);
  const training = spec.trains ? trainingRow(send) : null;
  const presets = h("div", { class: "presets", role: "group", "aria-label": "Settings to start from" },
    ...spec.presets.map((name) => act(name, "preset", { name })), act("surprise me", "surprise"), act("reset", "reset"));
  const message = h("p", { class: "message", role: "alert" });
  const verdict = verdictBlock();
  const image = h("img", { alt: "", decoding: "sync" });
  const stale = h("div", { class: "stale", hidden: true }, "not trained yet: the picture shows other settings");
  const veil = spec.question ? questionVeil(spec.question, send) : null;
  const chooser = rows.map(([, row]) => row).find((row) => row.cards);
  const frame = h("div", { class: "frame" }, image, stale, veil?.form, chooser?.cards);
  const tests = spec.tests ? testStrip(spec.tests, send) : null;
  const bench = tests ? h("div", { class: "bench" }, frame, tests.block) : frame;
  const cards = spec.cards ? h("div", { class: "cards", "aria-label": "What it says", role: "group" }) : null;
  const told = h("p", { class: "told", role: "status" }), score = h("p", { class: "score" });
  const pin = act("pin these curves", "pin"), again = spec.question ? act("predict again", "ask") : null;
  const large = h("button", { type: "button", class: "large", "aria-pressed": "false", onclick: () => enlarge(!isLarge()) }, "large text");
  const code = h("code"), text = h("pre");
  const words = h("details", { class: "words" }, h("summary", {}, "details"), text);
  const asCode = h("details", {}, h("summary", {}, "as code"), h("pre", {}, code));
  const controls = h("div", { class: "controls" }, h("h3", {}, spec.title), ...rows.map(([, { row }]) => row), training?.row, presets, message, told, score);
  const answers = h("div", { class: "answers" }, verdict.block, bench, cards);
  const foot = h("div", { class: "foot" }, pin, again, large, words, asCode);
  const stage = h("section", { class: "rlhf-stage", "aria-label": spec.title, onfocusin: keepKeys }, controls, answers, foot, gone);
  if (chooser) stage.addEventListener("keydown", chooser.onkeydown);
  el.append(stage);

  function update() {
    const state = model.get("state");
    for (const [name, { update: show }] of rows) if (!send.moves(name)) show(state.knobs[name], state);
    training?.update(state);
    tests?.update(state);
    verdict.update(state);
    const differs = spec.trains && !state.running && Object.values(state.knobs).some((knob) => knob.shown);
    stale.hidden = !differs;
    frame.classList.toggle("differs", differs);
    const veiled = Boolean(state.question?.veiled) && !controls.inert, focused = stage.contains(document.activeElement);
    stage.classList.toggle("veiled", veiled);
    const choosing = Boolean(chooser && !chooser.cards.hidden);
    stage.classList.toggle("choosing", choosing);
    if (veil) {
      if (veil.form.hidden === veiled) {
        veil.form.hidden = !veiled;
        if (focused) (veiled ? veil.guess : again).focus({ preventScroll: true });
      }
      veil.update(state);
      put(told, state.question.told);
      set(told, "class", `told ${state.question.mark}`);
      put(score, state.question.score);
      again.hidden = veiled;
    }
    put(message, veiled ? "" : state.message);
    set(pin, "aria-pressed", String(state.pinned));
    const why = veiled ? "until you predict or skip" : choosing ? "until you have chosen in all pairs" : "";
    set(image, "alt", why ? `${spec.title}. The picture is veiled ${why}.` : state.alt);
    put(code, state.code);
    put(text, state.text);
    words.hidden = !state.text;
    cards?.replaceChildren(...state.cards.map(cardNode));
  }

  let shown = null;
  function draw() {
    const last = shown;
    shown = URL.createObjectURL(new Blob([model.get("picture")], { type: "image/png" }));
    image.src = shown;
    if (last) URL.revokeObjectURL(last);
  }

  // The size of the picture: what is left of the view. It does not depend on what the lab says.
  const view = () => stage.closest(".jp-WindowedPanel-outer")?.clientHeight || innerHeight;
  const isLarge = () => localStorage.getItem("rlhf-large") === "true";
  function enlarge(is) {
    localStorage.setItem("rlhf-large", String(is));
    dispatchEvent(new Event("rlhf-large"));
  }
  let settle = 0;
  function fit() {
    if (!stage.isConnected || !stage.clientWidth) return;
    const wide = stage.clientWidth >= WIDE, room = Math.min(MOST_HEIGHT, view() - 8);
    stage.classList.toggle("wide", wide);
    stage.classList.toggle("big", isLarge());
    set(large, "aria-pressed", String(isLarge()));
    const taken = verdict.block.offsetHeight + (wide ? (cards?.offsetHeight ?? 0) + pin.offsetHeight + 26 : 16);
    const height = Math.max(LEAST_PICTURE, (wide ? Math.max(LEAST_HEIGHT, room) : room) - taken);
    frame.style.height = `${height}px`;
    clearTimeout(settle);
    settle = setTimeout(() => {
      if (!controls.inert) send({ do: "place", width: Math.round(frame.clientWidth), height: Math.round(frame.clientHeight), ratio: devicePixelRatio, dark: isDark(), large: isLarge() });
    }, SETTLED_MS);
  }

  const setInert = (is) => { for (const each of [controls, pin, again, veil?.form]) if (each) each.inert = is; };
  const dies = () => {
    gone.hidden = false;
    put(gone, GONE);
    setInert(true);
    update(); // it unveils the picture, for nobody could any more
  };
  model.on("comm_live_update", dies);
  model.on("change:state", update);
  model.on("change:picture", draw);
  update();
  draw();
  if (el.closest(".jupyter-widgets-disconnected")) dies(); // out of a saved notebook
  const sizes = new ResizeObserver(fit), themes = new MutationObserver(fit);
  sizes.observe(stage);
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  addEventListener("resize", fit);
  addEventListener("rlhf-large", fit);
  return () => {
    for (const each of [sizes, themes]) each.disconnect();
    send.end();
    removeEventListener("resize", fit);
    removeEventListener("rlhf-large", fit);
    model.off("comm_live_update", dies);
    model.off("change:state", update);
    model.off("change:picture", draw);
    URL.revokeObjectURL(shown);
  };
}

export default { render };
