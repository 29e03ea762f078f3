// Figures as people read them. What is not known is a dash.

export const NONE = "-"

const known = format => value => (value === null || value === undefined ? NONE : format(value))

export const count = known(value => value.toLocaleString("en-US"))

export const rate = known(value => value === 0 ? "0" : value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 2))

export const share = known(value => {
  if (value > 0 && value < 0.001) return "<0.1 %"
  return `${(100 * value).toFixed(value === 0 ? 0 : 1)} %`
})

/** Seconds, told in milliseconds where they are few. */
export const duration = known(seconds => {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`
  const milliseconds = 1000 * seconds
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
})

/** The same for the scale of a chart, whose numbers are round. */
export const scale = {
  rate: value => String(value),
  share: value => (value ? `${Number((100 * value).toPrecision(3))} %` : "0"),
  duration: value => (value < 1 ? `${Number((1000 * value).toPrecision(3))} ms` : `${value} s`),
}

export const figure = known(value => value.toFixed(3))

export const signed = known(value => `${value < 0 ? "" : "+"}${value.toFixed(3)}`)

export const interval = known(({ low, high }) => `${low.toFixed(3)} to ${high.toFixed(3)}`)

/** A moment in ISO 8601, to the minute; a day stays as it is. */
export const moment = known(text => {
  if (text.length === 10) return text
  return `${new Date(text).toISOString().slice(0, 16).replace("T", " ")} UTC`
})

/** Time of day of seconds since 1970. */
export const clock = seconds => new Date(1000 * seconds).toISOString().slice(11, 19)

export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`
