// Lines over time. A pointer or the arrow keys read a point; its figures are told below the lines.

import { draw, list, make, say, set } from "./dom.js"
import { clock } from "./format.js"

const HEIGHT = 130
const TOP = 8
const BOTTOM = 20
const LEFT = 44
const RIGHT = 44
const APART = 13
const LEAST_SECONDS = 60

export class Chart {
  /**
   * @param element where it is drawn
   * @param title what the lines are
   * @param lines each with a name, a class for its look, and how its value is read from a point
   * @param format how a value is told
   * @param tick how a round value of the scale is told
   * @param least the least height of the scale, so that noise does not look like a mountain
   */
  constructor(element, { title, lines, format, tick, least }) {
    Object.assign(this, { lines, format, tick, least, points: [], cursor: null })
    this.title = draw("title", {}, title)
    this.description = draw("desc")
    this.grid = draw("g", { class: "grid" })
    this.paths = lines.map(line => draw("path", { class: `line ${line.look}` }))
    this.names = lines.map(line => draw("text", { class: `name ${line.look}` }))
    this.marker = draw("g", { class: "marker" })
    this.svg = draw(
      "svg", { role: "img", tabindex: 0, height: HEIGHT },
      this.title, this.description, this.grid, ...this.paths, ...this.names, this.marker,
    )
    this.readout = make("p", "readout")
    this.readout.setAttribute("aria-live", "polite")
    element.append(this.svg, this.readout)
    this.svg.addEventListener("keydown", event => this.press(event))
    this.svg.addEventListener("blur", () => this.read(null))
    element.addEventListener("pointermove", event => this.point(event))
    element.addEventListener("pointerleave", () => this.read(null))
    new ResizeObserver(() => this.redraw()).observe(element)
  }

  show(points) {
    this.points = points
    this.redraw()
  }

  redraw() {
    const width = this.svg.parentElement.clientWidth
    if (!width) return
    set(this.svg, { width, viewBox: `0 0 ${width} ${HEIGHT}` })
    const values = this.points.flatMap(point => this.lines.map(line => line.read(point) ?? 0))
    const last = this.points.at(-1)?.at ?? 0
    const first = Math.min(this.points[0]?.at ?? 0, last - LEAST_SECONDS)
    const top = round(Math.max(this.least, ...values))
    this.x = at => LEFT + ((width - LEFT - RIGHT) * (at - first)) / (last - first)
    this.y = value => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top
    this.drawGrid(width, top, first, last)
    this.lines.forEach((line, place) => set(this.paths[place], { d: this.path(line) }))
    this.drawNames(width)
    this.describe(first, last)
    this.read(this.cursor)
  }

  drawGrid(width, top, first, last) {
    const heights = [0, top / 2, top]
    const times = this.points.length ? [[first, "start"], [last, "end"]] : []
    const marks = [
      ...heights.map(value => ({ value, text: value ? this.tick(value) : "0", x: LEFT - 6, y: this.y(value) + 4, anchor: "end" })),
      ...times.map(([at, anchor]) => ({ text: clock(at), x: this.x(at), y: HEIGHT - 5, anchor })),
    ]
    const create = () => draw("g", {}, draw("line"), draw("text"))
    list(this.grid, marks, create, (mark, { value, text, x, y, anchor }) => {
      const height = value === undefined ? -1 : this.y(value)
      set(mark.firstChild, { x1: LEFT, x2: width - RIGHT, y1: height, y2: height })
      set(mark.lastChild, { x, y, "text-anchor": anchor })
      say(mark.lastChild, text)
    })
  }

  /** The line of the points that have a value; where one has none, the line is broken. */
  path(line) {
    let pen = "M"
    return this.points.map(point => {
      const value = line.read(point)
      if (value === null) {
        pen = "M"
        return ""
      }
      const step = `${pen}${this.x(point.at).toFixed(1)} ${this.y(value).toFixed(1)}`
      const alone = pen === "M" ? "h0" : ""
      pen = "L"
      return step + alone
    }).join("")
  }

  /** Name each line at its end, from the lowest up, so that no name covers another. */
  drawNames(width) {
    const ends = this.lines.map((line, place) => {
      const point = this.points.findLast(one => line.read(one) !== null)
      return { place, y: point && this.y(line.read(point)) }
    })
    let free = HEIGHT - BOTTOM + 4
    for (const { place, y } of ends.sort((one, other) => (other.y ?? 0) - (one.y ?? 0))) {
      say(this.names[place], y === undefined ? "" : this.lines[place].name)
      if (y === undefined) continue
      const height = Math.min(y + 4, free)
      set(this.names[place], { x: width - RIGHT + 5, y: height })
      free = height - APART
    }
  }

  describe(first, last) {
    const most = this.lines.map(line => {
      const values = this.points.map(line.read).filter(value => value !== null)
      return values.length ? `${line.name} at most ${this.format(Math.max(...values))}` : `${line.name} none`
    })
    const text = this.points.length ? `From ${clock(first)} to ${clock(last)} UTC: ${most.join(", ")}.` : "No point as yet."
    say(this.description, `${text} The arrow keys read the points one by one.`)
  }

  press(event) {
    const last = this.points.length - 1
    const place = this.points.findIndex(point => point.at === this.cursor)
    const here = place < 0 ? last : place
    const target = {
      ArrowLeft: place < 0 ? last : Math.max(0, here - 1),
      ArrowRight: Math.min(last, here + 1),
      Home: 0,
      End: last,
    }[event.key]
    if (event.key === "Escape") this.read(null)
    if (target === undefined || last < 0) return
    event.preventDefault()
    this.read(this.points[target].at)
  }

  point(event) {
    if (!this.points.length) return
    const x = event.clientX - this.svg.getBoundingClientRect().left
    const far = point => Math.abs(this.x(point.at) - x)
    this.read(this.points.reduce((best, point) => (far(point) < far(best) ? point : best)).at)
  }

  /** Tell the figures of the point at the cursor, or of the newest one. */
  read(cursor) {
    const chosen = this.points.find(point => point.at === cursor)
    this.cursor = chosen ? cursor : null
    const point = chosen ?? this.points.at(-1)
    const values = point ? this.lines.map(line => `${line.name} ${this.format(line.read(point))}`) : []
    say(this.readout, point ? `${chosen ? clock(cursor) : "newest"}: ${values.join(", ")}` : "")
    const marks = chosen ? this.lines.filter(line => line.read(point) !== null) : []
    list(this.marker, chosen ? [null, ...marks] : [], () => draw("path"), (mark, line) => {
      const x = this.x(point.at)
      const d = line
        ? `M${x - 3.5} ${this.y(line.read(point))}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`
        : `M${x} ${TOP}V${HEIGHT - BOTTOM}`
      set(mark, { d, class: line ? `dot ${line.look}` : "cursor" })
    })
  }
}

/** The next of 1, 2 and 5 times a power of ten. */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].find(step => step * power >= value * 0.9999) * power
}
