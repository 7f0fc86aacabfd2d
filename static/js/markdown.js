// A preview below each Markdown field, and a search for records to link to. Without this the field and its guide remain.
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

const answer = async (address, options) => {
  const response = await fetch(address, { credentials: "same-origin", ...options })
  if (response.redirected) return { problem: "You have been signed out. Sign in again in another window, then type on." }
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
    status.textContent = problem ?? (results.length ? `${results.length} found. Choose one to link to it.` : "Nothing that the public can read is called that.")
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
    addPicker(field, area)
    addPreview(field, area)
  }
}

document.addEventListener("DOMContentLoaded", () => enhance(document))
document.addEventListener("formset:added", (event) => enhance(event.target))
