// Elements. Text is only ever set as text: a reason may hold what looks like markup.

const SVG = "http://www.w3.org/2000/svg"

export const get = id => document.getElementById(id)

/** Set a text, and leave the element alone when it says so already. */
export function say(element, text) {
  const target = typeof element === "string" ? get(element) : element
  if (target.textContent !== text) target.textContent = text
}

export function show(id, visible) {
  get(id).hidden = !visible
}

/** Make an element of HTML with a class and children, which may be texts. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

/** Make an element of SVG. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag)
  set(element, attributes)
  element.append(...children)
  return element
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
}

/** Make the children of a parent follow a list; those that are there are kept and filled anew. */
export function list(parent, items, create, fill) {
  while (parent.children.length > items.length) parent.lastElementChild.remove()
  while (parent.children.length < items.length) parent.append(create())
  items.forEach((item, place) => fill(parent.children[place], item))
}

/** Make the body of a table follow a list of rows, each a list of texts, the first its heading. */
export function table(id, rows) {
  const create = cells => () => make("tr", "", ...cells.map((_, place) => make(place ? "td" : "th")))
  const body = get(id).querySelector("tbody")
  list(body, rows, create(rows[0] ?? []), (row, cells) => {
    row.firstElementChild.scope = "row"
    cells.forEach((cell, place) => say(row.children[place], cell))
  })
}
