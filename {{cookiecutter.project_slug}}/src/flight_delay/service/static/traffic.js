// What callers asked of this process: four charts, and tables that say the same.

import { Chart } from "./charts.js"
import { get, say, show, table } from "./dom.js"
import { NONE, clock, count, duration, rate, scale, share } from "./format.js"

const LATENCIES = ["p50", "p95", "p99"]
const LOOKS = ["first", "second", "third"]

let charts

export function showTraffic({ traffic, words, log }) {
  const { total, recent, series } = traffic
  const yes = words.target
  const no = `not ${yes}`
  charts ??= makeCharts(yes, no)
  for (const chart of charts) chart.show(series)

  say("traffic-note", `Requests to /v1, so without probes, scrapes and this page. The large figures are of ${span(recent.seconds)}, the small ones are totals since ${clock(traffic.since)} UTC.`)
  say("requests-now", `${rate(each(recent, "requests"))} a second`)
  say("requests-total", `${count(total.requests)} in all`)
  say("latency-now", recent.requests ? `p95 ${duration(recent.p95)}` : NONE)
  say("latency-total", LATENCIES.map(name => `${name} ${duration(total[name])}`).join(", "))
  say("errors-now", recent.requests ? `4xx ${share(part(recent, "client_errors"))}, 5xx ${share(part(recent, "server_errors"))}` : NONE)
  say("errors-total", `${count(total.client_errors)} with 4xx, ${count(total.server_errors)} with 5xx`)
  const rows = recent.positive + recent.negative
  say("predictions-now", rows ? `${share(recent.positive / rows)} ${yes}` : NONE)
  say("predictions-total", `${count(total.positive)} ${yes}, ${count(total.negative)} ${no}`)
  show("traffic-hint", total.requests === 0)
  say("traffic-hint", "Nothing was asked of this process yet: make smoke sends real requests, and the page API lets you send one by hand.")
  say("note-log", `This process: ${count(log.waiting)} answered rows wait to be written to the prediction log, ${count(log.dropped)} were lost, ${count(log.failures)} writes failed and were tried again.`)
  table("routes", [["All", total], ...Object.entries(traffic.routes)].map(byRoute))
  if (get("hour").open) showHour(series, yes, no)
}

function makeCharts(yes, no) {
  const add = (id, title, lines, unit, least) => new Chart(get(id), { title, lines, ...unit, least })
  const rates = { format: rate, tick: scale.rate }
  const line = (name, read, place) => ({ name, read, look: LOOKS[place] })
  return [
    add("requests-chart", "Requests a second", [line("all", point => each(point, "requests"), 0)], rates, 1),
    add("latency-chart", "Latency", LATENCIES.map((name, place) => line(name, point => point[name], place)), { format: duration, tick: scale.duration }, 0.005),
    add("errors-chart", "Share of requests that failed", [
      line("4xx", point => part(point, "client_errors"), 1),
      line("5xx", point => part(point, "server_errors"), 2),
    ], { format: share, tick: scale.share }, 0.01),
    add("predictions-chart", "Predictions a second, by class", [
      line(no, point => each(point, "negative"), 0),
      line(yes, point => each(point, "positive"), 1),
    ], rates, 1),
  ]
}

function byRoute([route, counts]) {
  const errors = [counts.client_errors, counts.server_errors].map(count)
  return [route, count(counts.requests), ...errors, ...LATENCIES.map(name => duration(counts[name]))]
}

function showHour(series, yes, no) {
  say("hour-positive", `${yes} a second`)
  say("hour-negative", `${no} a second`)
  table("hour", series.toReversed().map(point => [
    clock(point.at),
    rate(each(point, "requests")),
    ...LATENCIES.map(name => duration(point[name])),
    share(part(point, "client_errors")),
    share(part(point, "server_errors")),
    rate(each(point, "positive")),
    rate(each(point, "negative")),
  ]))
}

const each = (point, name) => (point.seconds > 0 ? point[name] / point.seconds : null)

const part = (point, name) => (point.requests ? point[name] / point.requests : null)

function span(seconds) {
  return seconds < 90 ? `the last ${Math.max(1, Math.round(seconds))} s` : `the last ${Math.round(seconds / 60)} min`
}
