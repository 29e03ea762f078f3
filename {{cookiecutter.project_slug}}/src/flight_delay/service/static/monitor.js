// What the newest monitoring run found in the prediction log, and what the policy made of it.

import { draw, get, list, make, say, set, show, table } from "./dom.js"
import { count, figure, interval, moment, plural, share, signed } from "./format.js"

const WITHOUT = "No monitoring run as yet. Run make monitor: it looks at the prediction log and says what it finds."
const ACTIONS = { nothing: "Nothing to do", warn: "Warning", retrain: "Retrain", rollback: "Roll back" }
const CLIPPED = 3
const MORE_NULLS = 0.02
const UNSEEN = 0.01

export function showDecision({ monitor }) {
  const decision = monitor?.report.decision
  say("action", decision ? ACTIONS[decision.action] : "-")
  get("action").dataset.action = decision?.action ?? ""
  say("decided", monitor ? `by the monitoring run of ${moment(monitor.at)}` : "")
  list(get("reasons"), decision?.reasons ?? [], () => make("li"), say)
  const blocked = decision?.blocked_days ?? []
  say("blocked", blocked.length ? `Days that no training will learn from: ${blocked.join(", ")}.` : "")
  hint("decision", !monitor)
}

export function showQuality({ monitor, champion, words, settings }) {
  const quality = monitor?.report.quality
  hint("quality", !monitor)
  show("quality-figures", Boolean(quality?.rows))
  show("metrics", Boolean(quality?.metrics))
  show("slices", Boolean(quality?.slices.length))
  say("note-delay", `Outcomes are taken as complete ${plural(settings.label_delay_days, "day")} after the question, so quality is always that late; what has no outcome by then, such as what was cancelled, is not measured. Rows of one day hang together, so everything here is counted in days.`)
  if (!quality) return say("quality-said", "")
  say("quality-said", `${quality.from} to ${quality.to}, the newest days whose outcomes are in: ${quality.said}.`)
  if (quality.rows) {
    const labelled = 1 - quality.unlabelled_share
    say("labelled-said", `${share(labelled)} labelled, ${count(quality.labelled)} of ${count(quality.rows)} ${words.rows}`)
    set(get("labelled-bar"), { width: `${100 * labelled}%` })
  }
  if (quality.metrics) table("metrics", metricRows(quality, champion.validation ?? {}, words))
  say("slice-rows", words.rows)
  say("slice-share", words.outcome)
  table("slices", quality.slices.map(one => [
    `${one.slice} ${one.value}`, count(one.rows), ...[one.base_rate, one.auc, one.brier, one.calibration_error].map(figure),
  ]))
}

function metricRows({ metrics, intervals }, validation, words) {
  const names = {
    auc: "AUC",
    brier: "Brier score",
    calibration_error: "Calibration error",
    bias: "Bias",
    precision: "Precision",
    recall: "Recall",
    base_rate: `Share that ${words.outcome}`,
  }
  return Object.entries(names).map(([name, title]) => [
    title,
    (name === "bias" ? signed : figure)(metrics[name]),
    interval(intervals?.[name]),
    figure(validation[name]),
  ])
}

export function showWindows({ monitor, settings }) {
  const windows = monitor?.report.windows ?? []
  const limit = settings.max_live_bias
  hint("windows", !monitor)
  show("windows", windows.length > 0)
  say("windows-said", windows.length
    ? `Bias is the mean probability less the share of outcomes, here with two standard errors to each side. Over ${limit} to either side and beyond chance, a window is breached.`
    : monitor ? "No window has a labelled day as yet." : "")
  const reach = Math.max(2 * limit, ...windows.map(one => Math.abs(one.bias) + 2 * one.standard_error))
  const create = () => make("tr", "", make("th"), make("td", "picture", whisker()), make("td"), make("td"))
  list(get("windows").querySelector("tbody"), windows, create, (row, one) => {
    const [span, picture, bias, verdict] = row.children
    span.scope = "row"
    say(span, `${one.from} to ${one.to.slice(5)}`)
    place(picture.firstChild, one, limit, reach)
    say(bias, `${signed(one.bias)} +/- ${figure(2 * one.standard_error)}`)
    say(verdict, one.breached ? "breached" : "within")
    verdict.className = one.breached ? "mark" : "soft"
  })
  say("predecessor", rivalry(monitor?.report.predecessor))
}

/** A dot with its error, between the limits of both sides. */
function whisker() {
  const parts = ["low limit", "high limit", "zero", "error"].map(name => draw("line", { class: name }))
  return draw("svg", { class: "whisker", height: 20, "aria-hidden": true }, ...parts, draw("circle", { r: 4, cy: 10 }))
}

function place(svg, { bias, standard_error: error }, limit, reach) {
  const x = value => `${50 + (48 * value) / reach}%`
  const [low, high, zero, line, dot] = svg.children
  for (const [upright, value] of [[low, -limit], [high, limit], [zero, 0]]) {
    set(upright, { x1: x(value), x2: x(value), y1: 0, y2: 20 })
  }
  set(line, { x1: x(bias - 2 * error), x2: x(bias + 2 * error), y1: 10, y2: 10 })
  set(dot, { cx: x(bias) })
}

function rivalry(rival) {
  if (!rival) return ""
  const range = `${signed(rival.low)} to ${signed(rival.high)}`
  return `Brier score less that of ${rival.version}, the champion before: ${signed(rival.estimate)} (${range}) over ${plural(rival.days, "day")}. Above 0 is worse.`
}

export function showDrift({ monitor }) {
  const drift = monitor?.report.drift
  hint("drift", !monitor)
  say("drift-said", drift ? `${drift.said}. The upright line is what 95 % of training days stayed under. Drift explains; it decides nothing.` : "")
  const fields = drift ? [...drift.fields, ...(drift.prediction ? [drift.prediction] : [])] : []
  show("drift", fields.length > 0)
  const far = one => (one.psi ? one.psi / one.usual_psi : 0)
  fields.sort((one, other) => other.drifted - one.drifted || far(other) - far(one))
  const create = () => make("tr", "", make("th", "", make("span", "mono"), " ", make("span", "mark"), make("span", "aside")), make("td", "picture", bar()), ...[1, 2, 3].map(() => make("td")))
  list(get("drift").querySelector("tbody"), fields, create, (row, one) => {
    const [name, picture, ...figures] = row.children
    name.scope = "row"
    say(name.children[0], one.field)
    say(name.children[1], one.drifted ? "drifted" : "")
    say(name.children[2], aside(one))
    row.className = one.drifted ? "drifted" : ""
    set(picture.firstChild.children[1], { width: `${(100 * Math.min(far(one), CLIPPED)) / CLIPPED}%` })
    ;[figure(one.psi), figure(one.usual_psi), `${one.unusual_days} of ${one.days}`].forEach((text, at) => say(figures[at], text))
  })
}

function bar() {
  const usual = `${100 / CLIPPED}%`
  return draw(
    "svg", { class: "bar", "aria-hidden": true },
    draw("rect", { class: "trough", width: "100%", height: "100%" }),
    draw("rect", { class: "fill", height: "100%" }),
    draw("line", { class: "usual", x1: usual, x2: usual, y1: 0, y2: "100%" }),
  )
}

/** What a stability index does not tell: chance, silence, and what training never saw. */
function aside({ drifted, adjusted_p: chance, null_share: nulls, reference_null_share: usual, unseen_share: unseen }) {
  const told = drifted ? [`adjusted p ${chance < 0.001 ? "<0.001" : figure(chance)}`] : []
  if (nulls - usual > MORE_NULLS) told.push(`${share(nulls)} null, ${share(usual)} in training`)
  if (unseen > UNSEEN) told.push(`${share(unseen)} never seen in training`)
  return told.join("; ")
}

export function showChecks({ monitor, words }) {
  const checks = monitor?.report.checks
  hint("checks", !monitor)
  say("checks-said", checks ? checksText(checks, words) : "")
  const create = () => make("li", "", make("strong", "mark"), " ", make("span"), make("span", "aside"))
  list(get("checks"), byCheck(checks?.broken ?? []), create, (item, found) => {
    const newest = found.at(-1)
    say(item.children[0], newest.check)
    say(item.children[1], newest.said)
    say(item.children[2], found.length > 1 ? `Also broken on ${found.slice(0, -1).map(one => one.day).join(", ")}.` : "")
  })
}

/** Bring together the days on which the same check of the same field was broken. */
function byCheck(broken) {
  const found = new Map()
  for (const one of broken) {
    const key = `${one.check} ${one.field}`
    found.set(key, [...(found.get(key) ?? []), one])
  }
  return [...found.values()]
}

function checksText({ days, broken }, { rows }) {
  if (!days) return `No day had ${rows} enough to be checked.`
  const over = `in ${plural(days, "day")} of traffic`
  if (!broken.length) return `No check of the data contract was broken ${over}.`
  const kinds = byCheck(broken).length
  return `${plural(kinds, "check")} of the data contract ${kinds === 1 ? "was" : "were"} broken ${over}.`
}

function hint(name, visible) {
  show(`${name}-hint`, visible)
  say(`${name}-hint`, WITHOUT)
}
