// The champion, what is to be known about it at once, and how it came to be champion.

import { get, list, make, say, show } from "./dom.js"
import { NONE, count, figure, moment, share } from "./format.js"

const STALE_HOURS = 36
const HOUR = 3_600_000
const SHOWN = 6

export function showChampion({ champion, trial }) {
  say("version", champion.version ?? "none")
  show("champion-hint", !champion.version)
  say("champion-hint", `No model answers: ${champion.doubt}. In this project, make train and then make promote; this page follows by itself.`)
  say("since", moment(champion.since))
  say("trained", moment(champion.trained_until))
  say("threshold", champion.threshold === undefined ? NONE : String(champion.threshold))
  for (const name of ["auc", "brier"]) say(name, figure(champion.validation?.[name]))
  say("trial", trial.on ? `${trial.on.version} (${trial.on.stage})` : "nothing")
}

/** Show what needs a look: each notice says what is the matter, in a word and in words. */
export function showNotices(facts) {
  const notices = [...warnings(facts)]
  list(get("notices"), notices, () => make("li", "notice", make("strong"), " ", make("span")), (item, [word, text]) => {
    say(item.firstChild, word)
    say(item.lastChild, text)
  })
}

function* warnings({ champion, trial, log, monitor, today }) {
  if (champion.version && champion.doubt) yield ["Rejected", `The newest champion was not taken, and ${champion.version} still answers: ${champion.doubt}.`]
  if (trial.doubt) yield ["Rejected", `The challenger was not put on trial: ${trial.doubt}.`]
  if (trial.on) yield ["On trial", trialText(trial.on)]
  for (const problem of log.problems) yield ["Unread", `${problem}.`]
  if (log.dropped) yield ["Lost", `${count(log.dropped)} answered rows are lost to the prediction log: it was out of reach for too long.`]
  const hours = monitor && today ? (new Date(today) - new Date(monitor.at)) / HOUR : 0
  if (hours > STALE_HOURS) yield ["Outdated", `The newest monitoring run is ${Math.round(hours / 24)} days old: run make monitor, and let it run once a day.`]
}

function trialText({ version, stage, share: part, since, until }) {
  const role = stage === "shadow" ? "scores what the champion answers and is not heard" : `answers ${share(part)} of the requests`
  return `${version} is in its ${stage} stage since ${since} and until ${until}: it ${role}.`
}

export function showHistory({ history }) {
  show("history-hint", history.length === 0)
  say("history-hint", "Nothing happened yet: make train trains a first challenger, and make promote makes it champion.")
  show("older", history.length > SHOWN)
  list(get("history"), history.slice(0, SHOWN), makeStep, fillStep)
  list(get("older-history"), history.slice(SHOWN), makeStep, fillStep)
}

function makeStep() {
  const head = make("p", "step", make("strong"), " ", make("span", "mono"), " ", make("time"))
  return make("li", "", head, make("ul", "reasons"))
}

function fillStep(item, step) {
  const [word, version, time] = item.firstChild.children
  item.dataset.kind = step.result === "refused" || step.result === "failed" ? step.result : step.kind
  say(word, STEPS[step.kind](step))
  say(version, step.version ?? "")
  say(time, moment(step.at))
  time.dateTime = step.at
  list(item.lastChild, step.reasons, () => make("li"), say)
}

const STEPS = {
  promote: () => "Promoted",
  rollback: () => "Rolled back to",
  retrain: step => `Trained, ${step.result}`,
  trial: step => `Trial, ${step.stage}, ${step.result}`,
}
