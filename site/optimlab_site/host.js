// Mounts the page's widgets: each one when it comes near the viewport or gets the focus.
// A widget is an ES module with anywidget's interface, `export default { initialize?, render }`.
// What fails is logged, and the table that stands in the widget's place stays.
const mounts = document.querySelectorAll(".ol-mount");
const stored = JSON.parse(document.getElementById("ol-models").textContent);
const models = {};
const styles = {};
const near = (name) => new URL(name, import.meta.url).href;

function createModel(state) {
  const listeners = new Map();
  const each = (names, visit) => names.split(" ").forEach((name) => visit(name, listeners.get(name) ?? []));
  const emit = (name, ...args) => [...(listeners.get(name) ?? [])].forEach((listener) => listener(...args));
  const model = {
    get: (name) => state[name],
    set(name, value) {
      const changes = typeof name === "object" ? name : { [name]: value };
      const changed = Object.keys(changes).filter((key) => state[key] !== changes[key]);
      Object.assign(state, changes);
      changed.forEach((key) => emit(`change:${key}`, model, state[key]));
      if (changed.length) emit("change", model);
    },
    on: (names, listener) => each(names, (name, old) => listeners.set(name, [...old, listener])),
    off(names, listener) {
      if (!names) return listeners.clear();
      each(names, (name, old) => listeners.set(name, listener ? old.filter((one) => one !== listener) : []));
    },
    save_changes() {}, // there is no kernel: what is set is already there, and known to every view
    send() {},
  };
  return model;
}

function loadStyle(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.onload = resolve;
    link.onerror = () => reject(new Error(`cannot load ${href}`));
    document.head.append(link);
  });
}

async function createWidget({ js, css, state }) {
  const [module] = await Promise.all([import(near(js)), css && (styles[css] ??= loadStyle(near(css)))]);
  const widget = typeof module.default === "function" ? await module.default() : module.default;
  const model = createModel(state);
  await widget.initialize?.({ model });
  return { widget, model };
}

async function mount(place) {
  if (place.dataset.state) return;
  place.dataset.state = "loading";
  const key = place.dataset.model;
  try {
    const { widget, model } = await (models[key] ??= createWidget(stored[key]));
    const el = document.createElement("div");
    el.className = "ol-live";
    place.append(el);
    await widget.render({ model, el });
    const focused = document.activeElement === place;
    place.dataset.state = "alive";
    place.removeAttribute("tabindex");
    if (focused) el.querySelector("input, button, select, a[href], [tabindex]")?.focus();
  } catch (error) {
    console.error(`The widget ${key} could not be mounted.`, error);
    place.querySelector(":scope > .ol-live")?.remove();
    place.dataset.state = "failed";
  }
}

const observer = new IntersectionObserver(
  (entries) => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    observer.unobserve(target);
    mount(target);
  }),
  { rootMargin: "600px 0px" },
);
for (const place of mounts) {
  place.tabIndex = 0; // so that the Tab key does not pass over a widget that is still to be mounted
  place.addEventListener("focus", () => mount(place), { once: true });
  observer.observe(place);
}
