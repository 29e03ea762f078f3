// Asks for the facts every few seconds and shows them; only what has changed is touched.

import { showChampion, showHistory, showNotices } from "./champion.js"
import { get, say, show } from "./dom.js"
import { clock, moment } from "./format.js"
import { showChecks, showDecision, showDrift, showQuality, showWindows } from "./monitor.js"
import { showTraffic } from "./traffic.js"

const EVERY = 3000
const PATIENCE = 8000
const KEY = "dashboard-key"
const UNAUTHORIZED = 401
const PARTS = {
  champion: showChampion,
  traffic: showTraffic,
  decision: showDecision,
  quality: showQuality,
  windows: showWindows,
  drift: showDrift,
  checks: showChecks,
  history: showHistory,
}

/** An answer that is none. */
class Refused extends Error {}

let timer
let asking = false
let reachedAt = null

async function refresh() {
  clearTimeout(timer)
  if (asking || document.hidden || waitsForKey()) return
  asking = true
  try {
    await ask()
  } catch (error) {
    lose(error)
  }
  asking = false
  if (!waitsForKey()) timer = setTimeout(refresh, EVERY)
}

const waitsForKey = () => !get("key-form").hidden

async function ask() {
  const key = sessionStorage.getItem(KEY)
  const headers = key ? { "X-API-Key": key } : {}
  const answer = await fetch("dashboard/data", { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
  if (waitsForKey()) return // it was forgotten in the meantime
  if (answer.status === UNAUTHORIZED) return askForKey(key)
  if (!answer.ok) throw new Refused(answer.status)
  display(await answer.json(), Boolean(key))
}

function display(facts, keyed) {
  const unread = []
  show("facts", true) // first, since what is hidden has no width to draw into
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      part(facts)
    } catch (error) {
      console.warn(name, error)
      unread.push(`what was found about ${name} is not of the form that this page knows, and cannot be shown`)
    }
  }
  facts.log.problems.push(...unread)
  showNotices(facts)
  say("name", facts.name)
  document.title = `${facts.name}: dashboard`
  say("monitor-note", facts.monitor ? `Found in the prediction log by the monitoring run of ${moment(facts.monitor.at)}, for champion ${facts.monitor.report.champion ?? "none"}.` : "")
  show("forget", keyed)
  reachedAt = Date.now() / 1000
  tell("live", "Live", `${clock(reachedAt)} UTC`)
}

function tell(state, word, time) {
  get("state").dataset.state = state
  say("state-word", word)
  say("state-time", time)
}

function lose(error) {
  const word = error instanceof Refused ? `Problem ${error.message}` : "Out of reach"
  tell("lost", word, reachedAt === null ? "" : `since ${clock(reachedAt)} UTC`)
}

function askForKey(refused) {
  sessionStorage.removeItem(KEY)
  show("facts", false)
  show("forget", false)
  show("key-form", true)
  say("refusal", refused ? "This key is not accepted." : "")
  tell("locked", "Waiting for a key", "")
  get("key").focus()
}

get("key-form").addEventListener("submit", event => {
  event.preventDefault()
  sessionStorage.setItem(KEY, get("key").value.trim())
  get("key").value = ""
  show("key-form", false)
  refresh()
})

get("forget").addEventListener("click", () => {
  clearTimeout(timer)
  askForKey(null)
})

document.addEventListener("visibilitychange", refresh)
refresh()
