/* Suggests cities and stations while one types: a combobox by the ARIA pattern, on top of an input that
   works without it (then the browser's own list of the page's <datalist> is used).
   Needs: <input data-places="/tickets/cities" data-say-count="%n suggestions" data-list-name="Suggestions">.
   The answer is a page of cities with their stations: {results: [{name, country, stations: [{code, name, kind}]}]}. */
const WAIT = 150, MOST = 8, LEAST_LETTERS = 1;
const ICONS = { airport: "plane", railStation: "train", coachStop: "coach", city: "pin" };
let serial = 0;

const suggestionsOf = (cities) => cities.flatMap((city) => [
  { name: city.name, note: city.country, kind: "city" },
  ...(city.stations.length > 1 ? city.stations : []).map((station) => ({ name: station.name, note: city.name, kind: station.kind })),
]).slice(0, MOST);

for (const input of document.querySelectorAll("input[data-places]")) {
  const sprite = document.querySelector("use[href]").getAttribute("href").split("#")[0];
  const box = document.createElement("ul");
  const say = document.createElement("span");
  let waiting, asked, at = -1;

  box.id = `suggestions-${++serial}`;
  box.className = "suggest-list";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", input.dataset.listName || "");
  box.hidden = true;
  say.className = "visually-hidden";
  say.setAttribute("role", "status");
  input.removeAttribute("list");
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": box.id, "aria-expanded": "false" })) {
    input.setAttribute(name, value);
  }
  input.parentElement.classList.add("suggest");
  input.after(box, say);

  const close = () => {
    box.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    const rows = [...box.children];
    at = rows.length ? (index + rows.length) % rows.length : -1;
    rows.forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    if (at < 0) return;
    input.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  };
  const take = (row) => {
    input.value = row.dataset.name;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const show = (suggestions) => {
    box.replaceChildren(...suggestions.map((suggestion, index) => {
      const row = document.createElement("li");
      row.id = `${box.id}-${index}`;
      row.dataset.name = suggestion.name;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      row.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${sprite}#${ICONS[suggestion.kind] || "pin"}"/></svg><bdi></bdi><small></small>`;
      row.querySelector("bdi").textContent = suggestion.name;
      row.querySelector("small").textContent = suggestion.note || "";
      return row;
    }));
    at = -1;
    box.hidden = suggestions.length === 0;
    input.setAttribute("aria-expanded", String(!box.hidden));
    say.textContent = (input.dataset.sayCount || "").replace("%n", suggestions.length);
  };
  const ask = async () => {
    const text = input.value.trim();
    asked?.abort();
    if (text.length < LEAST_LETTERS) return close();
    asked = new AbortController();
    try {
      const address = new URL(input.dataset.places, document.baseURI);
      address.searchParams.set("q", text);
      const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (answer.ok && document.activeElement === input) show(suggestionsOf((await answer.json()).results));
      else close();
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };

  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, WAIT); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !box.hidden) { event.preventDefault(); close(); }
    if (box.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); mark(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1); }
    if (event.key === "Enter" && at >= 0) { event.preventDefault(); take(box.children[at]); }
  });
  // mousedown, since the blur that a click brings would close the list first
  box.addEventListener("mousedown", (event) => {
    const row = event.target.closest("li");
    event.preventDefault();
    if (row) take(row);
  });
}
