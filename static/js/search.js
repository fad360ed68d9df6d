/* Search card: swap the two places, keep the return date after the way out, say the party in words,
   close an open panel with Escape or a click outside. Without this script the swap button submits the
   form with name="swap", and the server turns the places round. */
for (const form of document.querySelectorAll(".search-form")) {
  const field = (name) => form.elements.namedItem(name);

  form.querySelector(".search-swap")?.addEventListener("click", (event) => {
    event.preventDefault();
    const from = field("origin"), to = field("destination");
    [from.value, to.value] = [to.value, from.value];
    const say = form.querySelector("[data-say]");
    if (say) say.textContent = say.dataset.text.replace("%a", from.value).replace("%b", to.value);
  });

  const out = field("date"), back = field("return_date");
  const follow = () => {
    if (!back) return;
    back.min = out.value;
    if (back.value && back.value < out.value) back.value = out.value;
  };
  out?.addEventListener("change", follow);
  follow();
}

for (const panel of document.querySelectorAll("details.people, details.site-menu")) {
  const summary = panel.querySelector("summary");
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.open) { panel.open = false; summary.focus(); }
  });
  document.addEventListener("click", (event) => {
    if (!panel.contains(event.target)) panel.open = false;
  });
  const total = panel.querySelector("[data-total]");
  panel.addEventListener("input", () => {
    if (!total) return;
    const sum = [...panel.querySelectorAll("input[type=number]")].reduce((n, input) => n + Number(input.value), 0);
    total.textContent = total.dataset.text.replace("%n", new Intl.NumberFormat(document.documentElement.lang).format(sum));
  });
}
