/* The scan page. Without this script what is typed goes to the server by the form. With it the answer comes without a
   new page, the camera reads barcodes where the browser can, and with a list taken along scanning goes on without a
   connection: judged here by the rules of bookings/verdicts.py, kept in this device's storage, sent later.
   Words are in <template>s of the page, so that the server translates them. */
const WAIT_FOR_ANSWER = 4000, SEND_EVERY = 15000, AT_ONCE = 50, AGAIN_AFTER = 5000, LOOK_EVERY = 200;
const FORMATS = ["aztec", "qr_code", "pdf417"];
const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const UNDO_WITHIN = 10 * 60 * 1000;
export const MAY_INSIST = ["boards_later", "too_early", "needs_adult"];

// --- the rules --------------------------------------------------------------------------------------

/* As judge() in bookings/verdicts.py: the same rules in the same order (tests/bookings/verdicts.json). */
export function judge(shown) {
  if (!shown.isRunning) return "not_running";
  if (!shown.isPaid) return "not_paid";
  if (shown.state === "cancelled") return shown.wasExchanged ? "exchanged" : "cancelled";
  if (shown.state === "used") return "already_used";
  if (shown.stop >= shown.to) return "ended";
  if (shown.stop < shown.from) return "boards_later";
  if (shown.at < shown.opensAt) return "too_early";
  if (shown.adultIsIn === false) return "needs_adult";
  return "admitted";
}

/* As hints() in bookings/verdicts.py. */
export function hintsOf({ shown, kind, seats, coach = "", infantsToCome = 0, wheelchair = false, issuedSeats = null, isOldIssue = false }) {
  const labelled = seats.filter(([, label]) => label);
  const issued = issuedSeats && issuedSeats.filter(([, label]) => label);
  const moved = Boolean(issued) && JSON.stringify(issued) !== JSON.stringify(labelled);
  return Object.entries({
    joined_later: shown.stop > shown.from,
    other_coach: Boolean(coach && labelled.length) && !seats.some(([one]) => one === coach),
    seat_changed: moved,
    old_issue: isOldIssue && !moved,
    no_seat: !seats.length && kind !== "infant",
    with_infant: infantsToCome > 0,
    wheelchair,
  }).filter(([, holds]) => holds).map(([name]) => name);
}

// --- barcodes ---------------------------------------------------------------------------------------

function fromBase45(text) {
  const raw = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((letter) => BASE45.indexOf(letter));
    const number = group.reduce((sum, digit, place) => sum + digit * 45 ** place, 0);
    const size = group.length - 1;
    if (group.includes(-1) || !size || number >= 256 ** size) return null;
    if (size === 2) raw.push(number >> 8);
    raw.push(number & 255);
  }
  return new Uint8Array(raw);
}

const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const sha256 = async (text) => hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

/* Reads a barcode of the office (docs/BARCODES.md); null for anything else. `signed` is true, false, or null where this
   browser cannot tell. */
export async function readBarcode(text, keys) {
  const typed = text.trim().toUpperCase();
  const bytes = typed.startsWith("TKT1:") ? fromBase45(typed.slice(5)) : null;
  if (!bytes || bytes.length < 85 || bytes[0] !== 1) return null;
  const body = bytes.slice(0, -64), signature = bytes.slice(-64);
  const view = new DataView(body.buffer);
  const pieces = [];
  for (let at = 21; at < body.length; at += 1 + body[at]) pieces.push(body.slice(at + 1, at + 1 + body[at]));
  if (pieces.length < 3) return null;
  const words = pieces.map((piece) => new TextDecoder().decode(piece));
  const secret = pieces[0];
  const seats = [];
  for (let at = 3; at + 1 < words.length; at += 2) seats.push([words[at], words[at + 1]]);
  return {
    barcode: secret[0] === 1 ? base64url(secret.slice(1)) : new TextDecoder().decode(secret.slice(1)),
    departure: Number(view.getBigUint64(5) >> 18n),
    issue: view.getUint16(13),
    name: words[2],
    seats,
    signed: await isSigned(hex(bytes.slice(1, 5)), body, signature, keys),
  };
}

async function isSigned(keyId, body, signature, keys) {
  const key = keys.find((one) => one.kid === keyId);
  if (!key) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("jwk", { kty: key.kty, crv: key.crv, x: key.x }, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, body);
}

// --- the page ---------------------------------------------------------------------------------------

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const departure = root.dataset.door;
  const store = {
    read(name) {
      try { return JSON.parse(localStorage.getItem(`door:${name}`)); } catch { return null; }
    },
    write: (name, value) => localStorage.setItem(`door:${name}`, JSON.stringify(value)),
    forget: (name) => localStorage.removeItem(`door:${name}`),
  };
  const device = store.read("device") || root.dataset.device;
  store.write("device", device);
  const form = find("[data-main]"), input = form.elements.code, answers = find("[data-answer]");
  let list = null, queue = store.read(`queue:${departure}`) || [], sent = 0, sending = false, isSignedOut = false;
  let isOffline = !navigator.onLine;

  const officeNow = () => Date.now() + (list ? list.skew : 0);
  const together = new Intl.ListFormat(document.documentElement.lang);
  const newId = () => crypto.randomUUID();
  const clockOf = (millis, zone) => new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(millis);
  const here = () => Number(form.elements.stop.value);
  const coachHere = () => form.elements.coach?.value || "";
  const keepQueue = () => store.write(`queue:${departure}`, queue);
  const keepList = () => { if (list) store.write(`list:${departure}`, list); };

  // --- words

  function fill(node, blanks) {
    const said = new Set();
    for (const line of node.querySelectorAll("[data-needs]")) {
      const needs = line.dataset.needs.split(" ").filter(Boolean);
      const isTold = needs.length && needs.every((name) => said.has(name)) && !line.dataset.hint;
      if (isTold || needs.some((name) => !blanks[name])) line.remove();
      else if (!line.dataset.hint) needs.forEach((name) => said.add(name));
    }
    for (const slot of node.querySelectorAll("[data-slot]")) slot.textContent = blanks[slot.dataset.slot] ?? "";
    return node;
  }

  const inWords = (name, blanks) => fill(blank(`[data-say="${name}"]`), blanks).textContent.trim();
  const blank = (selector) => find(`template${selector}`).content.cloneNode(true);

  function say(name, blanks = {}) {
    const place = find("[data-connection]");
    place.replaceChildren(fill(blank(`[data-say="${name}"]`), blanks));
    place.className = `status ${{ online: "good", sent: "good", sending: "info" }[name] || "warn"}`;
    place.hidden = false;
  }

  function tellConnection() {
    if (isSignedOut) say("signed_out", { count: queue.length });
    else if (isOffline) say(queue.length ? "waiting" : "offline", { count: queue.length });
    else if (queue.length) say("sending", { count: queue.length });
    else say(sent ? "sent" : "online", { count: sent });
  }

  function showAnswer(node, tone) {
    answers.replaceChildren(node);
    // A phone in the hand tells good from bad without being looked at.
    navigator.vibrate?.(tone === "good" ? 80 : [120, 80, 120]);
    answers.scrollIntoView({ block: "nearest" });
  }

  // --- the list taken along

  function loadList() {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith("door:list:")) continue;
      const kept = store.read(name.slice(5));
      if (kept && kept.expires > Date.now() + (kept.skew || 0)) continue;
      localStorage.removeItem(name);
      if (kept?.page) window.caches?.open("door").then((cache) => cache.delete(kept.page));
    }
    list = store.read(`list:${departure}`);
    if (list) { setStop(); setCoaches(); }
  }

  async function takeList() {
    find("[data-list-failed]").hidden = true;
    try {
      const body = new URLSearchParams({ device });
      const answer = await fetch(root.dataset.list, { method: "POST", body, headers: headers() });
      if (!answer.ok) throw new Error(String(answer.status));
      const taken = await answer.json();
      list = { ...taken, page: root.dataset.page, taken: Date.parse(taken.now), skew: Date.parse(taken.now) - Date.now() };
      for (const one of queue) markLocally(one);
      keepList();
      await keepPages();
    } catch {
      find("[data-list-failed]").hidden = false;
    }
    showList();
  }

  /* The page without names, and what it is made of, for the worker to serve. */
  async function keepPages() {
    if (!("caches" in window) || !("serviceWorker" in navigator)) return;
    await navigator.serviceWorker.register(root.dataset.worker);
    const cache = await caches.open("door");
    const parts = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src], use")]
      .map((one) => one.src || one.href?.baseVal?.split("#")[0] || one.href)
      .filter((address) => typeof address === "string" && address);
    const addresses = [...new Set(parts.map((address) => new URL(address, document.baseURI).href))];
    await Promise.all([
      ...addresses.map(async (address) => cache.put(address, await fetch(address))),
      (async () => cache.put(root.dataset.page, await fetch(`${root.dataset.page}?shell=1`)))(),
    ]);
  }

  function forgetList() {
    store.forget(`list:${departure}`);
    list = null;
    window.caches?.open("door").then((cache) => cache.delete(root.dataset.page));
    showList();
  }

  function setStop() {
    if (!root.hasAttribute("data-shell")) return;
    const reached = list.stops.filter((stop) => stop.boards && stop.reached <= officeNow());
    const stop = reached.at(-1) || list.stops.find((one) => one.boards);
    if (stop) form.elements.stop.value = String(stop.position);
  }

  /* The page that a device keeps knows no coaches. */
  function setCoaches() {
    const select = form.elements.coach;
    if (!select || !root.hasAttribute("data-shell") || select.options.length > 1) return;
    const labels = new Set(list.people.filter(isGood).flatMap((one) => one.seats.filter(([, label]) => label).map(([coach]) => coach)));
    for (const label of [...labels].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))) select.add(new Option(label, label));
  }

  const byCoupon = (coupon) => list?.people.find((one) => one.coupon === coupon);
  const stopOf = (position) => list.stops.find((one) => one.position === position) || list.stops[0];
  const isGood = (one) => one && !one.word;
  const isIn = (one) => isGood(one) && one.state === "used";

  function showList() {
    find("[data-offline]").hidden = !window.isSecureContext;
    find("[data-list-none]").hidden = Boolean(list);
    find("[data-list-there]").hidden = !list;
    find("[data-forget]").hidden = !list;
    if (list) {
      const zone = stopOf(here()).tz;
      find("[data-list-time]").textContent = clockOf(list.taken, zone);
      find("[data-list-people]").textContent = list.people.filter(isGood).length;
    }
    showPeople();
  }

  function showPeople() {
    if (!list) return;
    const stop = here();
    const riding = list.people.filter((one) => isGood(one) && one.from <= stop && stop < one.to);
    const on = riding.filter(isIn).length;
    countOnBoard(on, riding.length);
    for (const place of document.querySelectorAll("[data-here]")) place.textContent = stopOf(stop).name;
    if (root.hasAttribute("data-shell")) drawPeople(stop);
    else for (const row of all("tr[data-coupon]")) redraw(row);
  }

  function redraw(row) {
    const one = byCoupon(Number(row.dataset.coupon));
    const place = row.querySelector("[data-state]");
    if (!one || place.dataset.shown === one.state) return;
    if (place.dataset.shown || isIn(one)) place.replaceChildren(stateOf(one));
    place.dataset.shown = one.state;
  }

  function stateOf(one) {
    if (!isGood(one)) return blank("[data-state-other]");
    if (isIn(one)) return blank("[data-state-used]");
    const button = fill(blank("[data-state-open]"), { listed: one.listed });
    button.querySelector("[name=coupon]").value = one.coupon;
    return button;
  }

  function rowOf(one) {
    const row = fill(blank("[data-row]"), { listed: one.listed, about: [one.seat, one.kindName].filter(Boolean).join(" · ") });
    row.querySelector("[data-state]").append(stateOf(one));
    return row;
  }

  function drawPeople(stop) {
    const coach = coachHere();
    const box = fill(blank("[data-rows]"), { title: find('template[data-say="everybody"]').content.textContent });
    const people = list.people
      .filter((one) => isGood(one) && stop < one.to && (!coach || one.seats.some(([label]) => label === coach)))
      .sort((a, b) => a.seat.localeCompare(b.seat, undefined, { numeric: true }) || a.listed.localeCompare(b.listed));
    box.querySelector("ul").append(...people.map(rowOf));
    find("[data-lists]").replaceChildren(box);
  }

  // --- judging without the office

  async function lookUp(asked) {
    if (asked.coupon) return { person: byCoupon(Number(asked.coupon)), facts: null };
    const facts = await readBarcode(asked.code, list.keys);
    if (facts) {
      if (facts.signed === false) return { word: "forged" };
      const digest = await sha256(facts.barcode);
      const person = list.people.find((one) => one.barcode === digest);
      if (person) return { person, facts };
      // What nobody can check here is not told to be signed.
      if (facts.signed !== true) return { word: "unknown" };
      return { word: facts.departure === list.departure ? "not_listed" : "wrong_departure" };
    }
    const code = asked.code.replace(/[\s-]/g, "").toUpperCase();
    const digest = (await sha256(`${list.salt}:${code}`)).slice(0, 5);
    const found = code.length === 6 ? list.people.filter((one) => one.code === digest) : [];
    const good = found.filter(isGood);
    if (good.length > 1) return { choices: good };
    return good.length || found.length ? { person: good[0] || found[0], facts: null } : { word: "unknown" };
  }

  function shownOf(person, at) {
    const stop = here(), place = stopOf(stop);
    return {
      isRunning: list.running,
      isPaid: person.word !== "not_paid",
      wasExchanged: person.word === "exchanged",
      state: person.word ? "cancelled" : person.state,
      from: person.from, to: person.to, stop, at,
      opensAt: place.opens ?? 0,
      adultIsIn: person.adult == null ? null : Boolean(isIn(byCoupon(person.adult))),
    };
  }

  function blanksOf(person, word, adult, infants) {
    if (!isGood(person)) return {};
    const stop = here();
    const told = {
      name: person.name, kind: person.kindName, listed: person.listed,
      seat: person.seat,
      from: stopOf(person.from).name, to: stopOf(person.to).name,
      infants: together.format(infants.map((one) => one.name)), adult: adult?.name || "",
    };
    if (word === "already_used" && person.used) {
      const [at, where, coach, staff] = person.used, place = stopOf(where);
      Object.assign(told, { time: clockOf(at, place.tz), staff, stop: coach ? inWords("where", { station: place.name, coach }) : place.name });
    }
    if (word === "boards_later") {
      const place = stopOf(person.from);
      Object.assign(told, { stop: place.name, time: place.leaves ? clockOf(place.leaves, place.tz) : "" });
    }
    if (word === "too_early") Object.assign(told, { time: clockOf(stopOf(stop).opens, stopOf(stop).tz) });
    return told;
  }

  async function judgeHere(asked) {
    if (!list) return showWord("no_list", {}, asked);
    if (asked.undoes) return undoHere(asked);
    const at = officeNow();
    const found = await lookUp(asked);
    if (found.choices) return showChoices(found.choices);
    const person = found.person;
    let word = found.word || (person ? judge(shownOf(person, at)) : "unknown");
    const mayInsist = MAY_INSIST.includes(word) || word === "not_listed";
    const letsIn = word === "admitted" || Boolean(asked.insists && mayInsist);
    const said = word;
    if (letsIn) word = "admitted";
    const item = {
      id: asked.id, device, at: new Date(at).toISOString(), how: asked.how, stop: here(), coach: coachHere(),
      let_in: letsIn, said: letsIn ? "admitted" : said, insists: Boolean(asked.insists),
      ...(person ? { coupon: person.coupon } : { code: said === "not_listed" ? asked.code : "" }),
    };
    const infants = person ? list.people.filter((one) => isGood(one) && one.adult === person.coupon && !isIn(one)) : [];
    const hints = word === "admitted" && person ? hintsOf({
      shown: shownOf(person, at), kind: person.kind, coach: coachHere(), infantsToCome: infants.length,
      seats: person.seats.map(([coach, label]) => [coach, label]), wheelchair: person.wheelchair,
      issuedSeats: found.facts?.seats ?? null, isOldIssue: Boolean(found.facts && found.facts.issue < person.issue),
    }) : [];
    const blanks = blanksOf(person, word, person && byCoupon(person.adult), infants);
    enqueue(item);
    showWord(word, blanks, asked, hints, person);
  }

  function undoHere(asked) {
    const done = queue.find((one) => one.id === asked.undoes) || { id: asked.undoes, ...(list.last?.[asked.undoes] || {}) };
    if (!done.coupon || officeNow() - Date.parse(done.at) > UNDO_WITHIN) return showWord("undo_refused", {}, asked);
    enqueue({ id: asked.id, device, at: new Date(officeNow()).toISOString(), how: done.how || "typed", stop: here(), coach: coachHere(), let_in: false, said: "undone", undoes: asked.undoes, coupon: done.coupon });
    const person = byCoupon(done.coupon);
    showWord("undone", blanksOf(person, "undone", null, []), asked);
  }

  function enqueue(item) {
    queue.push(item);
    keepQueue();
    markLocally(item);
    keepList();
    showPeople();
    tellConnection();
  }

  function markLocally(item) {
    const person = byCoupon(item.coupon);
    if (!isGood(person)) return;
    if (item.undoes) Object.assign(person, { state: "open", used: null });
    else if (item.let_in) Object.assign(person, { state: "used", used: [Date.parse(item.at), item.stop, item.coach, ""] });
  }

  function showWord(word, blanks, asked, hints = [], person = null) {
    const card = fill(blank(`[data-blank="${word}"]`), blanks);
    for (const hint of card.querySelectorAll("[data-hint]")) if (!hints.includes(hint.dataset.hint)) hint.remove();
    const again = card.querySelector("form");
    if (again?.elements.undoes) again.elements.undoes.value = asked.id;
    if (again?.elements.insists) {
      again.elements.coupon.value = person?.coupon ?? "";
      again.elements.code.value = asked.code || "";
    }
    showAnswer(card, word === "admitted" ? "good" : "bad");
  }

  function showChoices(people) {
    const box = fill(blank("[data-rows]"), { title: find('template[data-say="who"]').content.textContent });
    box.querySelector("h2").id = "who";
    box.querySelector("section").setAttribute("aria-labelledby", "who");
    box.querySelector("ul").append(...people.map(rowOf));
    showAnswer(box, "good");
  }

  // --- asking the office

  function headers() {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || form.elements.csrfmiddlewaretoken.value;
    return { "X-CSRFToken": token, Accept: "application/json" };
  }

  async function post(items, patience) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), patience);
    try {
      const answer = await fetch(root.dataset.scans, {
        method: "POST", signal: stop.signal, body: JSON.stringify({ scans: items }),
        headers: { ...headers(), "Content-Type": "application/json" },
      });
      isSignedOut = answer.status === 401 || answer.status === 403;
      if (!answer.ok) throw new Error(String(answer.status));
      isOffline = false;
      return await answer.json();
    } finally {
      clearTimeout(timer);
    }
  }

  async function ask(asked) {
    // Whoever is offline knows it: nobody waits for an answer that does not come.
    if (!navigator.onLine || (isOffline && list)) return judgeHere(asked);
    let told;
    try {
      const item = { id: asked.id, device, how: asked.how, stop: here(), coach: coachHere(), code: asked.code, insists: Boolean(asked.insists), undoes: asked.undoes || "", ...(asked.coupon ? { coupon: Number(asked.coupon) } : {}) };
      told = await post([item], WAIT_FOR_ANSWER);
    } catch {
      if (!isSignedOut) isOffline = true;
      tellConnection();
      return judgeHere(asked);
    }
    const [answer] = told.answers;
    learn(told);
    const box = document.createElement("template");
    box.innerHTML = answer.html || "";
    if (list && answer.let_in) {
      list.last = { [answer.id]: { coupon: answer.coupon, at: told.now, how: asked.how } };
      keepList();
    }
    if (box.content.childElementCount) showAnswer(box.content, answer.tone);
    else showWord("unknown", {}, asked);
    tellConnection();
  }

  function learn(told) {
    if (list) {
      list.skew = Date.parse(told.now) - Date.now();
      const waiting = new Set(queue.map((one) => one.coupon));
      for (const one of list.people) {
        if (!isGood(one) || waiting.has(one.coupon)) continue;
        const used = told.used[one.coupon];
        if (used) Object.assign(one, { state: "used", used });
        else if (one.state === "used") Object.assign(one, { state: "open", used: null });
      }
      keepList();
      showPeople();
    } else {
      for (const row of all("tr[data-coupon]")) {
        const place = row.querySelector("[data-state]");
        if (told.used[row.dataset.coupon] && place.querySelector("form")) place.replaceChildren(blank("[data-state-used]"));
      }
      countOnBoard(...(told.on[here()] || [0, 0]));
    }
    const conflicts = find("[data-conflicts]");
    const shown = conflicts.querySelectorAll("li").length;
    conflicts.hidden = !told.conflicts;
    conflicts.querySelector("[data-conflicts-more]").hidden = told.conflicts <= shown;
  }

  function countOnBoard(on, expected) {
    for (const place of document.querySelectorAll("[data-on-board]")) place.textContent = on;
    for (const place of document.querySelectorAll("[data-expected]")) place.textContent = expected;
    const meter = document.querySelector("[data-meter]");
    [meter.max, meter.value] = [expected || 1, on];
  }

  async function send() {
    if (sending || !navigator.onLine) return;
    sending = true;
    try {
      while (queue.length) {
        const part = queue.slice(0, AT_ONCE);
        const told = await post(part, 5 * WAIT_FOR_ANSWER);
        const done = new Set(told.answers.map((one) => one.id));
        queue = queue.filter((one) => !done.has(one.id));
        keepQueue();
        if (!done.size) break;
        sent += done.size;
        learn(told);
      }
      if (isOffline && !queue.length) await post([], WAIT_FOR_ANSWER).catch(() => {});
    } catch {
      if (!isSignedOut) isOffline = true;
    } finally {
      sending = false;
      tellConnection();
    }
  }

  // --- hands and eyes

  root.addEventListener("submit", (event) => {
    const sentForm = event.target.closest("form[data-scan]");
    if (!sentForm) return;
    event.preventDefault();
    const data = new FormData(sentForm);
    const asked = {
      id: newId(), code: String(data.get("code") || "").trim(), coupon: data.get("coupon") || "",
      how: data.get("how") === "list" ? "list" : "typed", insists: data.has("insists"), undoes: data.get("undoes") || "",
    };
    if (!asked.code && !asked.coupon && !asked.undoes) return input.focus();
    ask(asked);
    if (sentForm === form) { input.value = ""; input.focus(); }
  });

  form.elements.stop.addEventListener("change", showPeople);
  form.elements.coach?.addEventListener("change", showPeople);
  find("[data-take]").addEventListener("click", takeList);
  find("[data-forget]").addEventListener("click", forgetList);
  window.addEventListener("online", () => { isOffline = false; tellConnection(); send(); });
  window.addEventListener("offline", () => { isOffline = true; tellConnection(); });
  setInterval(() => {
    if (list && list.expires <= officeNow()) { loadList(); showList(); }
    if (queue.length || isOffline) send();
  }, SEND_EVERY);

  async function camera() {
    if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
    const known = await BarcodeDetector.getSupportedFormats();
    const formats = FORMATS.filter((one) => known.includes(one));
    if (!formats.length) return;
    const detector = new BarcodeDetector({ formats });
    const button = find("[data-camera-button]"), video = find("[data-video]");
    let stream = null, last = "", lastAt = 0;
    find("[data-camera]").hidden = false;
    find("[data-no-camera]").hidden = true;

    const look = async () => {
      if (!stream) return;
      try {
        const [seen] = video.readyState >= 2 ? await detector.detect(video) : [];
        if (seen && (seen.rawValue !== last || Date.now() - lastAt > AGAIN_AFTER)) {
          [last, lastAt] = [seen.rawValue, Date.now()];
          await ask({ id: newId(), code: seen.rawValue, coupon: "", how: "camera" });
        } else if (seen) lastAt = Date.now();
      } catch {
        // One picture that could not be read is followed by the next.
      }
      setTimeout(look, LOOK_EVERY);
    };
    const close = () => {
      stream?.getTracks().forEach((track) => track.stop());
      stream = null;
      video.hidden = true;
    };
    button.addEventListener("click", async () => {
      if (stream) close();
      else {
        try {
          stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
          video.srcObject = stream;
          video.hidden = false;
          video.play().catch(() => {});
          look();
        } catch {
          close();
          find("[data-camera-refused]").hidden = false;
        }
      }
      button.setAttribute("aria-pressed", String(Boolean(stream)));
      find("[data-camera-on]").hidden = Boolean(stream);
      find("[data-camera-off]").hidden = !stream;
    });
  }

  loadList();
  showList();
  tellConnection();
  camera();
  if (queue.length) send();
  root.dataset.ready = "";
}

const root = document.querySelector("[data-door]");
if (root) start(root);
