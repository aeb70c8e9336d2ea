// Questions in the browser: choices or a number, a button, and what is said to the answer. Native controls throughout.

function choiceHand(item, id) {
  const radios = item.choices.map((words) => h("input", { type: "radio", name: id, value: words }));
  return {
    box: h("div", { class: "choices" }, ...radios.map((radio) => h("label", {}, radio, h("span", {}, radio.value)))),
    read: () => radios.find((radio) => radio.checked)?.value ?? "",
    write: (text) => { for (const radio of radios) radio.checked = radio.value === text; },
  };
}

function numberHand(item, id) {
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": item.text });
  return {
    box: h("span", { class: "number" }, input, item.unit),
    read: () => input.value,
    write: (text) => { input.value = text; },
  };
}

function questionForm(item, place, button, send) {
  const hand = item.choices.length ? choiceHand(item, `rlhf-ask-${++ids}`) : numberHand(item);
  const told = h("p", { role: "status" }), refused = h("p", { class: "refused", role: "alert" });
  const commit = h("button", {}, button);
  const form = h("form", {
    oninput: () => put(refused, ""),
    onsubmit: (event) => { event.preventDefault(); send({ item: place, text: hand.read() }); },
    onkeydown: onEnter((event) => form.requestSubmit()),
  }, h("fieldset", {}, h("legend", {}, item.text), h("div", { class: "row" }, hand.box, commit), refused, told));
  let last;
  return {
    form,
    update: ({ given, mark, told: words, refused: no }) => {
      if (given !== last) hand.write(last = given); // not under the choosing hand
      put(told, words);
      set(told, "class", `told ${mark}`);
      put(refused, no);
    },
  };
}

function render({ model, el }) {
  const { title, button, items } = model.get("spec");
  const gone = h("p", { class: "gone", role: "status" });
  const forms = items.map((item, place) => questionForm(item, place, button, (message) => model.send(message)));
  const panel = h("section", { class: "rlhf-ask", "aria-label": title, onfocusin: keepKeys },
    h("b", {}, title), gone, ...forms.map(({ form }) => form));
  el.append(panel);
  const update = () => model.get("state").items.forEach((item, place) => forms[place].update(item));
  const dies = () => {
    put(gone, GONE);
    for (const { form } of forms) form.inert = true;
  };
  model.on("change:state", update);
  model.on("comm_live_update", dies);
  update();
  if (el.closest(".jupyter-widgets-disconnected")) dies(); // out of a saved notebook
  return () => {
    model.off("change:state", update);
    model.off("comm_live_update", dies);
  };
}

export default { render };
