// What the pages do by themselves: drop-down menus, and boxes that scroll and can be reached by keyboard.

// The two menus in the header: download and launch.
const close = (button) => {
  button.setAttribute("aria-expanded", "false");
  button.nextElementSibling.classList.remove("show");
};
const buttons = document.querySelectorAll('[data-bs-toggle="dropdown"]');
buttons.forEach((button) => {
  button.addEventListener("click", () => {
    const opening = button.getAttribute("aria-expanded") !== "true";
    buttons.forEach(close);
    button.setAttribute("aria-expanded", String(opening));
    button.nextElementSibling.classList.toggle("show", opening);
  });
  button.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close(button);
    button.focus();
  });
  button.parentElement.addEventListener("focusout", (event) => {
    if (!button.parentElement.contains(event.relatedTarget)) close(button);
  });
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".dropdown")) buttons.forEach(close);
});

// Paper is light.
const page = document.documentElement.dataset;
let theme = page.theme;
matchMedia("print").addEventListener("change", ({ matches }) => {
  if (matches) theme = page.theme;
  page.theme = matches ? "light" : theme;
});

// Wide tables, formulas and code scroll inside their own box. A box that overflows can take the focus.
const boxes = document.querySelectorAll(
  ".bd-article :is(pre, .katex-display, .ol-scroll, .cell_output, .ol-fallback), .bd-sidebar-primary, .bd-sidebar-secondary",
);
const fit = (box) => {
  const overflows = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  const scrolls = overflows && /auto|scroll/.test(getComputedStyle(box).overflow);
  if (scrolls) box.tabIndex = 0;
  else if (box.tabIndex === 0) box.removeAttribute("tabindex");
};
const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => fit(target)));
boxes.forEach((box) => watcher.observe(box));
// A font that arrives late makes the text wider and leaves the box as it is.
document.fonts.addEventListener("loadingdone", () => boxes.forEach(fit));
