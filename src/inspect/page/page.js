// Draws the page from the data in it. One thing is chosen at a time: a field of a view, or a source line; whatever belongs to it is marked
// everywhere and told in the status line. Pointing chooses for the moment, clicking and the keyboard choose and go along links.
"use strict";
(async () => {
  const packed = atob(document.getElementById("data").textContent.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(packed, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  const main = document.getElementById("main");
  const status = document.getElementById("status");
  const ROW = 16;
  // Beyond so many bytes, parts of a file are drawn when they are opened.
  const AT_ONCE = 1 << 17;

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const hex = (number) => "0x" + number.toString(16);

  // ---- data ----------------------------------------------------------------------------------------------------------------------
  // The number that some bytes are.
  const numeral = (raw, offset, size) => {
    const pairs = raw.bytes.slice(2 * offset, 2 * (offset + size)).match(/../g) ?? [];
    if (pairs.length === 0 || pairs.length > 8) return "";
    const value = BigInt("0x" + (raw.big ? pairs : pairs.reverse()).join(""));
    return value < 10n ? String(value) : `0x${value.toString(16)} (${value})`;
  };
  // Runs of bytes that belong to the same field, from the first byte to the last: of fields that overlap, the smallest.
  const cut = (fields, length) => {
    const owner = new Int32Array(length).fill(-1);
    const bySize = fields.map((_, field) => field).sort((a, b) => fields[b].size - fields[a].size);
    for (const field of bySize) owner.fill(field, fields[field].offset, fields[field].offset + fields[field].size);
    const runs = [];
    owner.forEach((field, offset) => {
      const run = runs[runs.length - 1];
      if (run && run.field === field) run.size += 1;
      else runs.push({ offset, size: 1, field });
    });
    return runs;
  };

  const views = data.views.map((raw, number) => {
    const [offsets, sizes, names, values, codes, targets, sources, lines] = raw.fields;
    let at = 0;
    const fields = offsets.map((more, field) => {
      at += more;
      const target = targets[field] === 0 ? -1 : at + targets[field] - (targets[field] > 0 ? 1 : 0);
      const value = raw.texts[values[field]] || numeral(raw, at, sizes[field]);
      return {
        offset: at, size: sizes[field], name: raw.texts[names[field]], value, code: codes[field] === 1, target, source: sources[field], line: lines[field],
      };
    });
    const runs = cut(fields, raw.bytes.length / 2);
    const shares = raw.shares.map(([offset, size, name, colour]) => ({ offset, size, name, colour }));
    return { ...raw, number, fields, runs, shares, marks: new Map() };
  });

  // The last entry of a list by offset that starts at or before an offset.
  const last = (list, offset) => {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const shareAt = (view, offset) => view.shares[last(view.shares, offset)];
  const runAt = (view, offset) => view.runs[last(view.runs, offset)];
  // The instruction around a field, or the field itself.
  const instruction = (view, field) => {
    for (let at = field; at >= 0; at -= 1) {
      const outer = view.fields[at];
      const inside = view.fields[field].offset < outer.offset + outer.size;
      if (outer.code) return inside ? at : -1;
      if (view.fields[field].offset - outer.offset > 256) return -1;
    }
    return -1;
  };

  // ---- choosing ------------------------------------------------------------------------------------------------------------------
  let marked = [];
  const mark = (element) => {
    if (!element) return;
    element.classList.add("on");
    marked.push(element);
  };
  const remember = (view, field, element) => {
    if (!view.marks.has(field)) view.marks.set(field, []);
    view.marks.get(field).push(element);
  };
  const elements = (view, field) => view.marks.get(field) ?? [];
  const clear = () => {
    for (const element of marked) element.classList.remove("on");
    marked = [];
  };
  const lineElement = (source, line) => document.getElementById(`s${source}-${line}`);

  let chosen = null;
  const choose = (view, offset) => {
    clear();
    const run = runAt(view, offset);
    if (!run) return;
    const share = shareAt(view, offset);
    const parts = [`${hex(run.offset)}, ${run.size} ${run.size === 1 ? "byte" : "bytes"}`, share ? share.name : ""];
    const field = run.field;
    if (field >= 0) {
      const code = instruction(view, field);
      for (const at of new Set([field, code])) {
        if (at < 0) continue;
        elements(view, at).forEach(mark);
        const { name, value, target, source, line } = view.fields[at];
        parts.push(value ? `${name}: ${value.replace(/\s+/g, " ")}` : name);
        if (target >= 0) parts.push(`-> ${hex(target)}`);
        if (line >= 0) {
          mark(lineElement(source, line));
          parts.push(`${data.sources[source].name}:${line}`);
        }
      }
    }
    chosen = { view, offset: run.offset };
    status.textContent = parts.filter((part) => part).join("  |  ");
  };
  const chooseLine = (source, line) => {
    clear();
    mark(lineElement(source, line));
    const counts = views.map((view) => {
      let bytes = 0;
      view.fields.forEach((field, at) => {
        if (field.source !== source || field.line !== line) return;
        bytes += field.size;
        elements(view, at).forEach(mark);
      });
      return `${view.title}: ${bytes} bytes`;
    });
    status.textContent = `${data.sources[source].name}:${line}  |  ${counts.join("  |  ")}`;
  };
  const show = (element) => element?.scrollIntoView({ block: "nearest", inline: "nearest" });
  const go = (view, offset) => {
    const share = shareAt(view, offset);
    if (share?.draw) share.draw();
    choose(view, offset);
    const run = runAt(view, offset);
    if (run && run.field >= 0) elements(view, run.field).forEach(show);
    if (run && run.field >= 0) elements(view, instruction(view, run.field)).forEach(show);
    history.replaceState(null, "", `#${view.number}-${offset.toString(16)}`);
  };
  const follow = (view, offset) => {
    const run = runAt(view, offset);
    const field = run && run.field >= 0 ? view.fields[run.field] : null;
    const code = field ? view.fields[instruction(view, run.field)] : null;
    const target = [field, code].map((one) => one?.target ?? -1).find((one) => one >= 0);
    if (target !== undefined) return go(view, target);
    const line = [code, field].find((one) => one && one.line >= 0);
    if (line) show(lineElement(line.source, line.line));
    return go(view, offset);
  };

  // ---- drawing -------------------------------------------------------------------------------------------------------------------
  const bytesOf = (view, offset, size) => view.bytes.slice(2 * offset, 2 * (offset + size));
  const spaced = (text) => text.replace(/(..)(?=.)/g, "$1 ");
  const printable = (text) =>
    text.replace(/../g, (pair) => {
      const code = parseInt(pair, 16);
      return code >= 32 && code < 127 ? String.fromCharCode(code) : ".";
    });

  const drawBytes = (view, share, pane) => {
    const end = share.offset + share.size;
    let index = last(view.runs, share.offset);
    for (let start = share.offset; start < end; start = start - (start % ROW) + ROW) {
      const stop = Math.min(end, start - (start % ROW) + ROW);
      const row = make("div", "row");
      row.append(make("span", "at", start.toString(16).padStart(6) + "  " + "   ".repeat(start % ROW)));
      let at = start;
      while (at < stop) {
        while (view.runs[index].offset + view.runs[index].size <= at) index += 1;
        const run = view.runs[index];
        const size = Math.min(stop, run.offset + run.size) - at;
        const field = view.fields[run.field];
        const piece = make("span", `field c${share.colour}`, spaced(bytesOf(view, at, size)));
        piece.dataset.at = at;
        if (field) {
          piece.title = field.value ? `${field.name}: ${field.value.replace(/\s+/g, " ")}` : field.name;
          if (field.target >= 0) piece.classList.add("goes");
          remember(view, run.field, piece);
          const code = field.code ? -1 : instruction(view, run.field);
          if (code >= 0) remember(view, code, piece);
        }
        row.append(piece, " ");
        at += size;
      }
      const gap = "   ".repeat((ROW - (stop % ROW)) % ROW);
      row.append(make("span", "at", ` ${gap}${printable(bytesOf(view, start, stop - start))}`));
      pane.append(row);
    }
  };

  const drawCode = (view, pane) => {
    let name = null;
    let place = null;
    view.fields.forEach((field, at) => {
      if (!field.code) return;
      if (field.name !== name) {
        name = field.name;
        place = null;
        pane.append(make("div", "head", name));
      }
      const here = `${field.source}-${field.line}`;
      if (data.sources.length > 0 && here !== place) {
        place = here;
        const source = data.sources[field.source];
        const text = field.line >= 0 ? `${source.name}:${field.line}: ${source.lines[field.line - 1].trim()}` : "-";
        pane.append(make("div", "of", text));
      }
      const row = make("div", "row");
      row.dataset.at = field.offset;
      row.append(make("span", "at", field.offset.toString(16).padStart(6) + "  " + spaced(bytesOf(view, field.offset, field.size)).padEnd(31)));
      row.append(make("span", field.target >= 0 ? "goes" : "", field.value));
      remember(view, at, row);
      pane.append(row);
    });
  };

  const pane = (label) => {
    const element = make("div", "pane");
    element.tabIndex = 0;
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", label);
    return element;
  };

  // A pane of bytes or instructions: what pointer and keys do in it.
  const listen = (view, element, step, start = 0, end = Infinity) => {
    const place = (event) => event.target.closest("[data-at]")?.dataset.at;
    element.addEventListener("pointerover", (event) => {
      const at = place(event);
      if (at !== undefined) choose(view, Number(at));
    });
    element.addEventListener("click", (event) => {
      const at = place(event);
      if (at !== undefined) follow(view, Number(at));
    });
    element.addEventListener("keydown", (event) => {
      const first = element.querySelector("[data-at]");
      if (!first) return;
      const here = chosen && chosen.view === view && chosen.offset >= start && chosen.offset < end;
      const inside = here ? chosen.offset : Number(first.dataset.at);
      const next = step(event.key, inside);
      if (next === undefined) return;
      event.preventDefault();
      if (next === "follow") follow(view, inside);
      else go(view, Math.max(0, Math.min(view.bytes.length / 2 - 1, next)));
    });
  };
  const stepBytes = (view) => (key, at) => {
    const run = runAt(view, at);
    switch (key) {
      case "ArrowLeft": return run.offset - 1;
      case "ArrowRight": return run.offset + run.size;
      case "ArrowUp": return at - ROW;
      case "ArrowDown": return at + ROW;
      case "Enter": return "follow";
      default: return undefined;
    }
  };
  const stepCode = (view) => {
    const code = view.fields.filter((field) => field.code);
    return (key, at) => {
      const here = Math.max(0, last(code, at));
      switch (key) {
        case "ArrowUp": return code[Math.max(0, here - 1)].offset;
        case "ArrowDown": return code[Math.min(code.length - 1, here + 1)].offset;
        case "Enter": return "follow";
        default: return undefined;
      }
    };
  };

  const drawTable = ([name, columns, rows]) => {
    const details = make("details");
    details.append(make("summary", "", `${name} (${rows.length})`));
    const table = make("table");
    const head = make("tr");
    for (const column of columns) head.append(make("th", "", column));
    table.append(head);
    for (const row of rows) {
      const line = make("tr");
      for (const cell of row) line.append(make("td", "", cell));
      table.append(line);
    }
    const scroll = make("div", "scroll");
    scroll.append(table);
    details.append(scroll);
    return details;
  };

  const drawView = (view) => {
    const section = make("section", "view");
    section.setAttribute("aria-label", view.title);
    section.append(make("h2", "", view.title), make("p", "about", view.about));
    for (const [severity, rule, message] of view.findings) {
      const finding = make("p", "finding");
      finding.append(make("b", "", severity), ` ${rule}: ${message}`);
      section.append(finding);
    }
    const total = view.bytes.length / 2;
    const bar = make("div", "shares");
    for (const share of view.shares) {
      const part = make("span", `c${share.colour}`);
      part.style.flex = `${share.size} 0 0`;
      part.title = `${share.name}: ${share.size} bytes`;
      bar.append(part);
    }
    section.append(bar);
    if (view.fields.some((field) => field.code)) {
      const code = pane(`Instructions of ${view.title}`);
      drawCode(view, code);
      listen(view, code, stepCode(view));
      section.append(make("h3", "", "Instructions"), code);
    }
    section.append(make("h3", "", "Bytes"));
    let drawn = 0;
    for (const share of view.shares) {
      const details = make("details");
      const percent = ((100 * share.size) / total).toFixed(1);
      const summary = make("summary", "", "");
      summary.append(make("span", `swatch c${share.colour}`, share.name), ` ${share.size} bytes at ${hex(share.offset)}, ${percent} %`);
      details.append(summary);
      const bytes = pane(`Bytes of ${share.name}`);
      share.draw = () => {
        if (!bytes.hasChildNodes()) drawBytes(view, share, bytes);
        details.open = true;
      };
      details.addEventListener("toggle", () => details.open && share.draw());
      listen(view, bytes, stepBytes(view), share.offset, share.offset + share.size);
      details.append(bytes);
      section.append(details);
      drawn += share.size;
      if (drawn < AT_ONCE) share.draw();
    }
    section.append(make("h3", "", "Tables"));
    for (const table of view.tables) section.append(drawTable(table));
    return section;
  };

  const drawSource = (source, number) => {
    const section = make("section", "source");
    const used = new Set();
    for (const view of views) for (const field of view.fields) if (field.source === number) used.add(field.line);
    section.append(make("h2", "", source.name), make("p", "about", `${used.size} ${used.size === 1 ? "line has" : "lines have"} code`));
    const text = pane(source.name);
    source.lines.forEach((line, index) => {
      const row = make("div", used.has(index + 1) ? "row has" : "row");
      row.id = `s${number}-${index + 1}`;
      row.append(make("span", "number", String(index + 1)), line);
      text.append(row);
    });
    const lineOf = (event) => Number(event.target.closest(".has")?.id.split("-")[1] ?? 0);
    const lines = [...used].sort((a, b) => a - b);
    let at = -1;
    const pick = (line, jump) => {
      at = lines.indexOf(line);
      chooseLine(number, line);
      show(lineElement(number, line));
      if (!jump) return;
      for (const view of views) {
        const field = view.fields.findIndex((one) => one.source === number && one.line === line);
        elements(view, field).forEach(show);
      }
    };
    text.addEventListener("pointerover", (event) => lineOf(event) && chooseLine(number, lineOf(event)));
    text.addEventListener("click", (event) => lineOf(event) && pick(lineOf(event), true));
    text.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1, Enter: 0 }[event.key];
      if (step === undefined || lines.length === 0) return;
      event.preventDefault();
      const next = Math.max(0, Math.min(lines.length - 1, at + step));
      pick(lines[next], true);
    });
    section.append(text);
    return section;
  };

  const legend = make("div", "bar");
  legend.append(make("span", "about", "Colours:"));
  data.colours.forEach((name, number) => legend.append(make("span", `swatch c${number}`, name)));
  const columns = make("div", "columns");
  data.sources.forEach((source, number) => columns.append(drawSource(source, number)));
  const sections = views.map(drawView);
  columns.append(...sections);
  const help = make("p", "help bar", "Point at a byte, an instruction or a line to see what belongs to it; click to follow it. Keys: Tab to a pane, arrows to move, Enter to follow.");
  main.replaceChildren(help, legend);
  if (views.length > 1) {
    const chooser = make("div", "bar");
    chooser.append(make("span", "about", "Side by side:"));
    sections.forEach((section, number) => {
      const label = make("label");
      const box = make("input");
      box.type = "checkbox";
      box.checked = number === 0;
      section.hidden = number !== 0;
      box.addEventListener("change", () => { section.hidden = !box.checked; });
      label.append(box, ` ${views[number].title}`);
      chooser.append(label);
    });
    main.append(chooser);
  }
  main.append(columns);
  const [, number, offset] = /^#(\d+)-([0-9a-f]+)$/.exec(location.hash) ?? [];
  if (number !== undefined && views[number]) go(views[number], parseInt(offset, 16));
})();
