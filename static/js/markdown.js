// Buttons above each Markdown field, a preview below it, a search for records to link to, and Markdown from what is pasted.
// Without this the field and its guide remain.
const DELAY = 400

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

// What is asked while somebody types: the last question wins, the ones before are dropped.
const afterTyping = (ask) => {
  let timer
  let running
  return () => {
    clearTimeout(timer)
    timer = setTimeout(async () => {
      running?.abort()
      running = new AbortController()
      try {
        await ask(running.signal)
      } catch (error) {
        if (error.name !== "AbortError") throw error
      }
    }, DELAY)
  }
}

const insert = (area, text) => {
  if (!area.dataset.touched) area.setSelectionRange(area.value.length, area.value.length) // no place was chosen: the end
  area.focus()
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end")
  area.dispatchEvent(new Event("input", { bubbles: true }))
}

// The buttons: each wraps the selected words, or begins each selected line.
const BUTTONS = [
  { name: "Bold", before: "**", after: "**", placeholder: "important words" },
  { name: "Link", before: "[", after: "](https://)", placeholder: "words that say where it leads" },
  { name: "List", line: "- ", placeholder: "first item" },
  { name: "Heading", line: "## ", placeholder: "Heading" },
  { name: "Picture", before: "![", after: "](/pictures/)", placeholder: "what the picture shows" },
]

const write = (area, { before = "", after = "", line, placeholder }) => {
  const { selectionStart: start, selectionEnd: end, value } = area
  const chosen = value.slice(start, end) || placeholder
  area.focus()
  if (line) {
    const from = value.lastIndexOf("\n", start - 1) + 1
    const lines = value.slice(from, end) || placeholder
    const gap = from && value.slice(0, from).trim() && !value.slice(0, from).endsWith("\n\n") ? "\n" : ""
    area.setRangeText(gap + lines.split("\n").map((one) => line + one).join("\n"), from, end, "end")
  } else {
    area.setRangeText(before + chosen + after, start, end, "end")
    area.setSelectionRange(start + before.length, start + before.length + chosen.length)
  }
  area.dispatchEvent(new Event("input", { bubbles: true }))
}

const addButtons = (field, area) => {
  const bar = make("div", { className: "markdown-buttons" }, ...BUTTONS.map((one) => {
    const button = make("button", { type: "button", className: "button", textContent: one.name })
    button.addEventListener("click", () => write(area, one))
    return button
  }))
  bar.setAttribute("role", "group")
  bar.setAttribute("aria-label", "Insert")
  area.before(bar)
}

// What Word, Google Docs or a web page puts on the clipboard, as Markdown. The portal cleans whatever text comes of it.
const MARKS = { STRONG: "**", B: "**", EM: "*", I: "*" }
const LEFT_OUT = /^(STYLE|SCRIPT|META|UL|OL|TABLE|DEL|S|STRIKE)$/ // what is struck out is not to be read

// Only links that lead somewhere from here too are kept: none within their own page, such as to a footnote, or to a file.
const linked = (words, address) => {
  if (!/^(https?|mailto|tel):/i.test(address)) return words
  return `[${words}](${/^[^\s<>()]+$/.test(address) ? address : `<${address.replace(/[<>\s]/g, encodeURIComponent)}>`})`
}

// The preview says of a picture of elsewhere that it has to be uploaded. Emails have pictures of emoji.
const picture = (node) => {
  const shows = node.alt.trim()
  if (shows && !/[\p{L}\p{N}]/u.test(shows)) return shows
  const name = (node.dataset.src ?? "").split(/[\\/?#]/).filter(Boolean).pop()
  return name && node.width !== 1 ? `![${shows}](<${name.replace(/[<>]/g, "")}>)` : ""
}

const inline = (node) => [...node.childNodes].map((child) => {
  if (child.nodeType === Node.TEXT_NODE) return child.data.replace(/\s+/g, " ").replace(/([\\*[\]`<])/g, "\\$1")
  if (child.nodeType !== Node.ELEMENT_NODE || LEFT_OUT.test(child.tagName)) return ""
  if (child.tagName === "BR") return "\n"
  if (child.tagName === "IMG") return picture(child)
  if (/text-decoration:[^;]*line-through/.test(child.dataset.style)) return ""
  const text = inline(child)
  if (!text.trim()) return text
  const weight = /font-weight:\s*(\w+)/.exec(child.dataset.style)?.[1]
  const bold = weight ? weight === "bold" || weight >= 600 : MARKS[child.tagName] === "**" // Google Docs wraps all in <b>
  const leans = /font-style:\s*italic/.test(child.dataset.style) || MARKS[child.tagName] === "*"
  const mark = bold ? "**" : leans ? "*" : ""
  const [, lead, words, tail] = text.match(/^(\s*)([^]*?)(\s*)$/)
  if (child.tagName === "A") return lead + linked(words, child.getAttribute("href") ?? "") + tail
  return lead + (mark && !words.startsWith(mark) ? mark + words + mark : words) + tail
}).join("")

// A paragraph that begins with a sign is no heading or quotation, and one that begins with a year no list.
const paragraph = (node) => inline(node).trim().replace(/^(?=[#>])/gm, "\\").replace(/^(\d{4,})(?=[.)] )/gm, "$1\\")

// A cell that covers several is followed by empty ones, so that all rows are equally wide.
const table = (node) => {
  const rows = [...node.rows].map(() => [])
  for (const [number, row] of [...node.rows].entries()) {
    for (const cell of row.cells) {
      let place = 0
      while (rows[number][place] !== undefined) place += 1
      const text = inline(cell).trim().replace(/\s*\n\s*/g, " ")
      for (let down = 0; down < cell.rowSpan && number + down < rows.length; down += 1)
        for (let right = 0; right < cell.colSpan; right += 1) rows[number + down][place + right] = down || right ? "" : text
    }
  }
  return rows.map((cells) => cells.join("\t")).join("\n")
}

// Google Docs puts a list in a list beside its items, not in one of them.
const list = (node, depth) => {
  let number = (node.start ?? 1) - 1
  return [...node.children].flatMap((item) => {
    if (/^[UO]L$/.test(item.tagName)) return list(item, depth + 1)
    const nested = [...item.children].filter((child) => /^[UO]L$/.test(child.tagName))
    const marker = node.tagName === "OL" ? `${number += 1}.` : "-"
    return [`${"    ".repeat(depth)}${marker} ${inline(item).trim()}`, ...nested.flatMap((one) => list(one, depth + 1))]
  })
}

const block = (node) => {
  if (/^[UO]L$/.test(node.tagName)) return [list(node, 0).join("\n")]
  if (/^H[1-6]$/.test(node.tagName)) return [`${"#".repeat(Math.max(2, node.tagName[1]))} ${inline(node).replace(/(?<!\\)\*/g, "").replace(/\s+/g, " ").trim()}`]
  if (node.tagName === "TABLE") return [table(node)]
  if (node.tagName === "BLOCKQUOTE") return [blocks(node).join("\n\n").replace(/^/gm, "> ")]
  return blocks(node)
}

// Word writes an item of a list as a paragraph, whose style has its depth, with its bullet or number in a part of its own.
const wordItem = (paragraph) => {
  if (paragraph.tagName !== "P") return "" // a numbered heading is a heading
  const depth = /mso-list:\s*\w+\s+level(\d)/i.exec(paragraph.dataset.style)?.[1]
  if (!depth) return ""
  const sign = [...paragraph.querySelectorAll("[data-style]")].find((one) => /mso-list:\s*ignore/i.test(one.dataset.style))
  const label = sign?.textContent.trim() ?? ""
  sign?.remove()
  const number = /^\(?(\d+)[.)]+$/.exec(label)?.[1]
  const kept = !number && /^\(?([a-np-z]|[ivx]+|\d+(\.\d+)+)[.)]*$/i.test(label) ? `${label} ` : "" // Markdown has no lists with letters
  return `${"    ".repeat(depth - 1)}${number ? `${number}.` : "-"} ${kept}${inline(paragraph).trim()}`
}

const BLOCKS = "p, div, h1, h2, h3, h4, h5, h6, ul, ol, table, blockquote, section, article"
const blocks = (node) => {
  const found = []
  let run = make("div") // words between two blocks
  let items = [] // of a list of Word
  const endRun = () => {
    found.push(paragraph(run))
    run = make("div")
  }
  const endList = () => {
    found.push(items.join("\n"))
    items = []
  }
  for (const child of [...node.childNodes]) {
    const item = wordItem(child)
    const saysSomething = child.nodeType === Node.ELEMENT_NODE || child.data.trim()
    if (items.length && !item && saysSomething) endList()
    if (item) {
      endRun()
      items.push(item)
    } else if (child.nodeType === Node.ELEMENT_NODE && (child.matches(BLOCKS) || child.querySelector(BLOCKS))) {
      endRun()
      found.push(...block(child))
    } else run.append(child)
  }
  endRun()
  endList()
  return found.filter(Boolean)
}

const pasteAsMarkdown = (event) => {
  // Renamed, styles are not applied and pictures not loaded, which the portal's own policy would refuse.
  const html = event.clipboardData.getData("text/html")
    .replace(/<style\b[^]*?<\/style>/gi, "").replace(/\s(style|src)=/gi, " data-$1=")
  if (!/<(b|strong|i|em|a|ul|ol|h[1-6]|table|blockquote|img|del|s|strike)\b/i.test(html)) return
  const pasted = blocks(new DOMParser().parseFromString(html, "text/html").body)
  if (!pasted.length) return
  event.preventDefault()
  insert(event.target, pasted.join("\n\n"))
}

const answer = async (address, options) => {
  const response = await fetch(address, { credentials: "same-origin", ...options })
  if (response.redirected) return { problem: "You have been signed out. Sign in again in another window, then carry on here." }
  if (response.status === 413) return { problem: await response.text() }
  return response.ok ? { response } : { problem: "The portal did not answer. Your text is still here." }
}

const addPreview = (field, area) => {
  const shown = make("div", { className: "markdown-shown" })
  const panel = make("details", { className: "markdown-preview", open: true }, make("summary", { textContent: "Preview" }), shown)
  const show = afterTyping(async (signal) => {
    const body = new URLSearchParams({ text: area.value })
    const token = area.form.querySelector("[name=csrfmiddlewaretoken]").value
    const { response, problem } = await answer(area.dataset.preview, { method: "POST", body, headers: { "X-CSRFToken": token }, signal })
    if (problem) shown.textContent = problem
    else shown.innerHTML = await response.text() // sanitised by the portal, as on every page
  })
  area.addEventListener("input", show)
  field.append(panel)
  if (area.value.trim()) show()
}

const addPicker = (field, area) => {
  const id = `${area.id}-link`
  const search = make("input", { type: "search", id, autocomplete: "off", className: "vTextField" })
  const found = make("ul", { className: "markdown-found" })
  const status = make("p", { className: "help" })
  status.setAttribute("role", "status")
  const pick = ({ kind, name, address }) => {
    const chosen = area.value.slice(area.selectionStart, area.selectionEnd) || name
    insert(area, kind === "Picture" ? `![${name}](${address})` : `[${chosen}](${address})`)
    found.replaceChildren()
    search.value = ""
    status.textContent = `A link to ${name} is in the text.`
  }
  search.addEventListener("input", afterTyping(async (signal) => {
    if (!search.value.trim()) return found.replaceChildren()
    const { response, problem } = await answer(`${area.dataset.links}?${new URLSearchParams({ q: search.value })}`, { signal })
    const results = problem ? [] : (await response.json()).results
    status.textContent = problem ?? (results.length ? `${results.length} found. Choose one to link to it.` : "No public page has that name.")
    found.replaceChildren(...results.map((one) => {
      const button = make("button", { type: "button", textContent: one.name })
      button.addEventListener("click", () => pick(one))
      return make("li", {}, button, ` ${one.kind}`)
    }))
  }))
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault() // it would save the whole form
  })
  field.append(make("div", { className: "markdown-picker" }, make("label", { htmlFor: id, textContent: "Link to a record" }), search, status, found))
}

const enhance = (root) => {
  for (const field of root.querySelectorAll(".markdown-field")) {
    const area = field.querySelector("textarea")
    if (!area || field.dataset.ready || area.id.includes("__prefix__")) continue
    field.dataset.ready = "yes"
    area.addEventListener("focus", () => { area.dataset.touched = "yes" })
    area.addEventListener("paste", pasteAsMarkdown)
    addButtons(field, area)
    addPicker(field, area)
    addPreview(field, area)
  }
}

document.addEventListener("DOMContentLoaded", () => enhance(document))
document.addEventListener("formset:added", (event) => enhance(event.target))
