"use strict";
// Keeps the page as it is now: what changes comes by server-sent events, and a clock counts on. Without this script the
// page is the same, as of when it was loaded. Everything that others wrote is set as text, never as HTML.
(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.words);
  const lang = document.documentElement.lang;
  const find = (selector, within = document) => within.querySelector(selector);
  const byId = (id) => document.getElementById(id);
  const WORST_FIRST = ["dead", "error", "warning", "alive", "new", "paused"];
  const SIGNS = { dead: "🔴", error: "🟠", warning: "🟡", alive: "🟢", new: "⚪", paused: "⏸" };
  const needsAttention = (status) => WORST_FIRST.indexOf(status) < 3;

  // --- Time -------------------------------------------------------------------------------------------------------
  let ahead = Number(body.dataset.now) - Date.now();
  const now = () => Date.now() + ahead;
  const counting = new Intl.RelativeTimeFormat(lang);
  const naming = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const UNITS = [["day", 864e5], ["hour", 36e5], ["minute", 6e4], ["second", 1e3]];

  function counted(ms) {
    const [unit, size] = UNITS.find(([, size]) => ms >= size) || UNITS[3];
    const count = Math.max(0, Math.floor(ms / size));
    return { count, unit, text: counting.format(-count, unit) };
  }
  function ago(ms) {
    const { count, text } = counted(ms);
    return count ? text : naming.format(0, "second");
  }
  // "4 minutes" out of "4 minutes ago": in Russian that is the case which both sentences need.
  const span = (ms) => counted(ms).text.slice(0, -words.ago.length);

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
  function tick() {
    const at = now();
    for (const row of document.querySelectorAll(".rows > li, [data-live]")) {
      const { s: status, since, due } = row.dataset;
      const time = find("time", row);
      write(time, time.dateTime ? ago(at - Date.parse(time.dateTime)) : words.never);
      const left = status === "dead" ? words.for.replace("{}", span(at - since))
        : due ? words.left.replace("{}", span(Math.max(0, due - at))) : "";
      write(find(":scope > span", row), left);
    }
  }

  // --- Rows -------------------------------------------------------------------------------------------------------
  const asked = new URLSearchParams(location.search);
  const wanted = {
    text: (asked.get("q") || "").trim().toLowerCase(),
    statuses: asked.getAll("status").flatMap((list) => list.split(",")).filter((word) => word in SIGNS),
    tags: asked.getAll("tag").filter(Boolean),
  };
  const shows = (service) =>
    (!wanted.statuses.length || wanted.statuses.includes(service.status)) &&
    wanted.tags.every((tag) => service.tags.includes(tag)) && service.name.toLowerCase().includes(wanted.text);

  const rest = byId("rest");
  const isOnPage = (service) =>
    needsAttention(service.status) ||
    (service.name > rest.dataset.from && (rest.dataset.to === undefined || service.name <= rest.dataset.to));
  const nameOf = (row) => find("a", row).textContent;
  // Marks that turn the direction of reading, or hide.
  const plain = (text) => text.replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "");
  const pathOf = (name) =>
    /^\.\.?$/.test(name) ? `/services?name=${name}` : `/services/${encodeURIComponent(name)}`;

  function setTimes(row, service) {
    if (service.last_seen) find("time", row).dateTime = service.last_seen;
    if (service.deadline) row.dataset.due = Date.parse(service.deadline);
    else delete row.dataset.due;
  }
  function fill(row, service) {
    row.dataset.s = service.status;
    row.dataset.since = Date.parse(service.since);
    setTimes(row, service);
    write(find(".dot", row), SIGNS[service.status]);
    write(find("b", row), words.status[service.status]);
    write(find("p", row), service.message || "");
  }
  function fillLine(row, service) {
    row.id = `s${service.id}`;
    fill(row, service);
    const link = find(".who > a", row);
    write(link, plain(service.name));
    link.href = pathOf(service.name);
    const tags = [...row.querySelectorAll(".tag")];
    if (tags.map((tag) => tag.textContent).join() !== service.tags.map(plain).join()) {
      tags.forEach((tag) => tag.remove());
      for (const name of service.tags) {
        const tag = document.createElement("a");
        tag.className = "tag";
        tag.textContent = plain(name);
        tag.href = `/?tag=${encodeURIComponent(name)}`;
        find("p", row).before(" ", tag);
      }
    }
  }
  function comesBefore(one, other) {
    const rank = WORST_FIRST.indexOf(one.dataset.s) - WORST_FIRST.indexOf(other.dataset.s);
    return rank ? rank < 0 : Number(one.dataset.since) > Number(other.dataset.since);
  }
  function place(row) {
    const attention = needsAttention(row.dataset.s);
    const section = byId(attention ? "trouble" : "rest");
    const list = find("ul", section);
    const goesBefore = attention ? (other) => comesBefore(row, other) : (other) => nameOf(row) < nameOf(other);
    const next = [...list.children].find((other) => other !== row && goesBefore(other)) || null;
    if (row.parentNode === list && row.nextElementSibling === next) return;
    section.hidden = false;
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    list.insertBefore(row, next);
    if (focused) focused.focus({ preventScroll: true });
    if (attention && list.children.length > 200) list.lastElementChild.remove();
  }
  function hit(row) {
    row.classList.remove("hit");
    requestAnimationFrame(() => row.classList.add("hit"));
  }
  function changeList(service) {
    let row = byId(`s${service.id}`);
    if (!shows(service) || !isOnPage(service)) {
      if (row) row.remove();
      return;
    }
    const isOther = !row || row.dataset.s !== service.status;
    row = row || byId("row").content.firstElementChild.cloneNode(true);
    fillLine(row, service);
    place(row);
    if (isOther) hit(row);
  }
  function showEmptiness() {
    let isEmpty = true;
    for (const id of ["trouble", "rest"]) {
      const section = byId(id);
      section.hidden = !find("li", section);
      isEmpty = isEmpty && section.hidden;
    }
    byId("empty").hidden = !isEmpty;
  }

  // --- Summary ----------------------------------------------------------------------------------------------------
  const forms = new Intl.PluralRules(lang);
  const say = (count, status) =>
    `${count} ${words.counted[status][{ one: 0, few: 1 }[forms.select(count)] ?? 2]}`;

  function setSign(status) {
    const icon = find("link[rel=icon]");
    const href = `/favicon.svg?s=${status}`;
    if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  }
  function showWorst(status) {
    const heading = find("h1");
    heading.dataset.s = status;
    write(find(".dot", heading), SIGNS[status]);
    setSign(status);
  }
  function summarise(summary) {
    const there = WORST_FIRST.filter((status) => summary[status] > 0);
    const said = there.map((status) => say(summary[status], status)).join(", ") || words.none;
    const worst = there[0] || "new";
    write(byId("summary"), said);
    showWorst(worst);
    document.title = `${SIGNS[worst]} ${said} · MishPulse`;
    let all = 0;
    for (const status of WORST_FIRST) {
      all += summary[status];
      const number = byId(`n-${status}`);
      write(number, String(summary[status]));
      const chip = number.parentNode;
      chip.hidden = !summary[status] && !chip.hasAttribute("aria-current");
    }
    write(byId("n-all"), String(all));
  }

  // --- What comes in ----------------------------------------------------------------------------------------------
  const live = find("[data-live]");
  function change(event) {
    for (const id of event.gone || []) {
      if (live && live.dataset.live === String(id)) read();
      else if (rest) byId(`s${id}`)?.remove();
    }
    for (const service of event.changed || []) {
      if (rest) changeList(service);
      else if (live && live.dataset.live === String(service.id)) {
        if (live.dataset.s !== service.status) hit(live);
        fill(live, service);
        setSign(service.status);
        read();
      }
    }
    for (const service of event.heard || []) {
      const row = byId(`s${service.id}`);
      if (row) setTimes(row, service);
    }
    if (rest) {
      summarise(event.summary);
      showEmptiness();
    }
    tick();
  }

  // Reads the page again and takes over what differs; what comes in meanwhile waits.
  let reading = null;
  let waiting = [];
  function read() {
    reading ??= fetch(location.href, { credentials: "same-origin" })
      .then((answer) => {
        if (answer.redirected || answer.status === 404) return location.reload();
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.text();
      })
      .then((text) => text && takeOver(new DOMParser().parseFromString(text, "text/html")))
      .then(() => true, () => false)
      .then((isDone) => {
        reading = null;
        const events = waiting;
        waiting = [];
        if (!isDone) return setTimeout(read, 2000);
        events.forEach(change);
      });
  }
  function replace(old, fresh) {
    for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
    if (!fresh.dataset.due) delete old.dataset.due;
    if (old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    return old;
  }
  function takeOver(page) {
    for (const id of ["summary", "empty", "past"]) {
      const [old, fresh] = [byId(id), page.getElementById(id)];
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
    document.title = page.title;
    if (live) {
      replace(live, find("[data-live]", page));
      setSign(live.dataset.s);
    }
    if (!rest) return;
    showWorst(find("h1", page).dataset.s);
    for (const number of page.querySelectorAll("[id^=n-]")) {
      write(byId(number.id), number.textContent);
      byId(number.id).parentNode.hidden = number.parentNode.hidden;
    }
    for (const id of ["trouble", "rest"]) {
      const rows = [...page.querySelectorAll(`#${id} li`)].map((fresh) => {
        const old = byId(fresh.id);
        return old ? replace(old, fresh) : fresh;
      });
      find("ul", byId(id)).replaceChildren(...rows);
      Object.assign(byId(id).dataset, page.getElementById(id).dataset);
    }
    showEmptiness();
  }

  // --- The connection ---------------------------------------------------------------------------------------------
  const link = byId("link");
  let source, last, heardAt, lostTimer;
  function isBack() {
    heardAt = Date.now();
    clearTimeout(lostTimer);
    lostTimer = undefined;
    link.className = "on";
    write(link, words.live);
  }
  function isLost() {
    // A connection that is back at once was never lost for anyone who looks.
    lostTimer ??= setTimeout(() => {
      link.className = "off";
      write(link, words.lost);
    }, 700);
  }
  function on(name, act) {
    source.addEventListener(name, (event) => {
      isBack();
      last = event.lastEventId || last;
      act(JSON.parse(event.data));
    });
  }
  const setClock = (event) => { ahead = Date.parse(event.now) - Date.now(); };
  function connect() {
    source?.close();
    heardAt = Date.now();
    source = new EventSource(last ? `/events?after=${encodeURIComponent(last)}` : body.dataset.feed);
    on("hello", setClock);
    on("still", setClock);
    on("change", (event) => { if (reading) waiting.push(event); else change(event); });
    on("reload", (event) => { setClock(event); read(); });
    source.onerror = () => {
      isLost();
      // A proxy that answers instead of the server ends the browser's own tries.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    };
  }
  addEventListener("mouseover", ({ target }) => {
    const time = target.closest?.("time[datetime]");
    if (time) time.title = new Date(time.dateTime).toLocaleString(lang);
  });
  connect();
  tick();
  setInterval(tick, 1000);
  // A connection that died without a word.
  setInterval(() => {
    if (Date.now() - heardAt < 40000) return;
    isLost();
    connect();
  }, 5000);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    connect();
    read();
  });
})();
