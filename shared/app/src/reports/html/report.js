"use strict";
// Folds, filters and moves about. Everything it works on is in the page; it makes no markup from it.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const one = (selector) => document.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const find = one("#find");
  const rows = all("li.step").map((row) => {
    const details = row.firstElementChild;
    return { row, details, head: details.firstElementChild, detail: details.children[1], group: row.classList.contains("group") };
  });
  const byRow = new Map(rows.map((it) => [it.row, it]));
  const flows = all("section.flow");
  const trouble = ["failed", "errored", "timedOut", "allowed", "cancelled", "unfinished"];

  // light, dark, or as the system
  const themes = ["auto", "light", "dark"];
  const theme = one("#theme");
  const setTheme = (name) => {
    if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
    theme.querySelector("span").textContent = name;
    try { localStorage.setItem("assay-theme", name); } catch { /* a file may have no storage */ }
  };
  let kept = "auto";
  try { kept = localStorage.getItem("assay-theme") || "auto"; } catch { /* as above */ }
  setTheme(themes.includes(kept) ? kept : "auto");
  const nextTheme = () => setTheme(themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % themes.length]);
  theme.addEventListener("click", nextTheme);

  // which steps
  const is = {
    all: () => true,
    trouble: (it) => trouble.some((word) => it.row.classList.contains(word)),
    flaky: (it) => it.row.classList.contains("flaky"),
    skipped: (it) => it.row.classList.contains("skipped"),
  };
  const chips = all("[data-show]");
  let show = "all";
  for (const chip of chips) {
    const count = rows.filter((it) => !it.group && is[chip.dataset.show](it)).length;
    chip.querySelector("b").textContent = count;
    chip.hidden = count === 0 && chip.dataset.show !== "all";
    chip.addEventListener("click", () => choose(chip.dataset.show));
  }
  const choose = (name) => {
    show = name;
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.show === name));
    filter();
  };

  // finding: in the row, and in everything below it that is its own
  const has = (it, words) => {
    it.text ??= (it.head.textContent + "\n" + it.detail.textContent).toLowerCase();
    return words.every((word) => it.text.includes(word));
  };
  const marks = globalThis.CSS && CSS.highlights && globalThis.Highlight;
  const filter = () => {
    const words = [find.value.trim().toLowerCase()].filter(Boolean);
    const fits = rows.filter((it) => is[show](it) && has(it, words));
    const leaves = fits.filter((it) => !it.group);
    const seen = new Set();
    for (const it of fits) {
      for (let at = it.row; at; at = at.parentElement.closest("li.step")) seen.add(at);
    }
    for (const it of rows) it.row.hidden = !seen.has(it.row);
    for (const part of all("li.part")) part.hidden = fits.length < rows.length;
    const narrowed = words.length > 0 || show !== "all";
    for (const flow of flows) {
      flow.hidden = narrowed && !flow.querySelector("li.step:not([hidden])");
      if (narrowed && !flow.hidden) flow.firstElementChild.open = true;
    }
    if (narrowed) for (const row of seen) if (byRow.get(row).group) byRow.get(row).details.open = true;
    if (words.length > 0) {
      for (const it of leaves.slice(0, 20)) reveal(it, words);
    }
    one("#found").textContent = narrowed ? `${leaves.length} of ${rows.filter((it) => !it.group).length} steps` : "";
    one("#none").hidden = fits.length > 0;
    mark(words, fits);
  };
  const reveal = (it, words) => {
    if (words.every((word) => it.head.textContent.toLowerCase().includes(word))) return;
    it.details.open = true;
    for (const fold of all("details", it.detail)) {
      const text = fold.textContent.toLowerCase();
      if (words.some((word) => text.includes(word))) fold.open = true;
    }
  };
  const mark = (words, fits) => {
    if (!marks) return;
    CSS.highlights.delete("found");
    if (words.length === 0) return;
    const ranges = [];
    for (const it of fits.slice(0, 60)) {
      for (const part of [it.head, it.detail]) {
        const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node && ranges.length < 2000; node = walker.nextNode()) {
          const text = node.data.toLowerCase();
          if (text.length !== node.data.length) continue;
          for (const word of words) {
            for (let at = text.indexOf(word); at >= 0 && ranges.length < 2000; at = text.indexOf(word, at + word.length)) {
              const range = new Range();
              range.setStart(node, at);
              range.setEnd(node, at + word.length);
              ranges.push(range);
            }
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
    // what scrolls by itself shows its first match
    const shown = new Set();
    for (const range of ranges) {
      const box = range.startContainer.parentElement.closest("pre, .scroll");
      if (!box || shown.has(box) || box.scrollHeight <= box.clientHeight) continue;
      shown.add(box);
      box.scrollTop += range.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
    }
  };
  let soon = 0;
  find.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(filter, 120);
  });

  // colours for JSON, and a way to copy it: only of what is looked at
  const coloured = marks ? { key: new Highlight(), text: new Highlight(), number: new Highlight() } : null;
  if (coloured) for (const [name, highlight] of Object.entries(coloured)) CSS.highlights.set(name, highlight);
  const token = /("(?:[^"\\\n]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/g;
  const dressed = new WeakSet();
  const dress = (pre) => {
    if (dressed.has(pre)) return;
    dressed.add(pre);
    const node = pre.firstChild;
    if (!node) return;
    const text = node.data;
    if (coloured && text.length < 60000 && /^[[{]/.test(text)) {
      for (const match of text.matchAll(token)) {
        const range = new Range();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + (match[1] || match[0]).length);
        coloured[match[2] ? "key" : match[1] ? "text" : "number"].add(range);
      }
    }
    if (navigator.clipboard) {
      const copy = document.createElement("button");
      copy.type = "button";
      copy.className = "copy";
      copy.textContent = "copy";
      copy.addEventListener("click", () => {
        navigator.clipboard.writeText(text).then(() => { copy.textContent = "copied"; }, () => { copy.textContent = "not allowed"; });
      });
      pre.append(copy);
    }
  };
  const look = (details) => {
    for (const pre of all("pre", details)) if (pre.checkVisibility?.() ?? true) dress(pre);
  };
  document.addEventListener("toggle", (event) => { if (event.target.open) look(event.target); }, true);
  for (const it of rows) if (it.details.open && !it.group) look(it.detail);

  // everything at once
  const fold = (open) => {
    for (const it of rows) if (!it.row.hidden) it.details.open = open;
    for (const flow of flows) if (open) flow.firstElementChild.open = true;
  };
  one("#expand").addEventListener("click", () => fold(true));
  one("#collapse").addEventListener("click", () => fold(false));

  // links to a step open what hides it
  const unfold = () => {
    const target = /^#[sf]\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) { find.value = ""; choose("all"); }
    for (let at = target.firstElementChild; at; at = at.parentElement.closest("details")) at.open = true;
    go(target.firstElementChild.firstElementChild);
  };
  addEventListener("hashchange", unfold);
  for (const link of all('a[href^="#"]')) {
    link.addEventListener("click", () => { if (link.hash === location.hash) unfold(); });
  }

  // keys
  const go = (summary) => {
    if (!summary) return;
    summary.focus({ preventScroll: true });
    summary.scrollIntoView({ block: "nearest" });
    const { top } = summary.getBoundingClientRect();
    if (top < 70) scrollBy(0, top - 80);
  };
  const visible = (it) => !it.row.hidden && (it.head.checkVisibility?.() ?? it.head.offsetParent !== null);
  const step = (by, wanted) => {
    const list = rows.filter((it) => visible(it) && (it.row.contains(document.activeElement) || wanted(it)));
    const here = document.activeElement?.closest?.("li.step");
    const at = list.findIndex((it) => it.row === here);
    go(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]?.head);
  };
  const every = () => true;
  const isTrouble = (it) => !it.group && is.trouble(it);
  const dialog = one("#keys");
  one("#help").addEventListener("click", () => dialog.showModal());
  one("#close").addEventListener("click", () => dialog.close());
  const keys = {
    j: () => step(1, every), k: () => step(-1, every),
    n: () => step(1, isTrouble), p: () => step(-1, isTrouble),
    o: () => { const it = byRow.get(document.activeElement?.closest?.("li.step")); if (it) it.details.open = !it.details.open; },
    "/": () => { find.focus(); find.select(); },
    e: () => fold(true), c: () => fold(false),
    a: () => choose("all"), f: () => choose("trouble"),
    g: () => scrollTo(0, 0), G: () => go(rows.filter(visible).at(-1)?.head),
    t: nextTheme, "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target === find) {
      if (event.key === "Escape") { find.value = ""; filter(); find.blur(); event.preventDefault(); }
      if (event.key === "Enter") { clearTimeout(soon); filter(); find.blur(); step(1, every); event.preventDefault(); }
      return;
    }
    if (event.key === "Escape" && (find.value || show !== "all")) { find.value = ""; choose("all"); return; }
    const act = keys[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  unfold();
})();
