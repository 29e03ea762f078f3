// What the theme leaves out for those who hear the page, and the name of each drawing: the text below
// a drawing says the same in words. Drawings are close set, so that a phone has room for their words,
// and the words on arrows stand on the page's own ground.
const draw = mermaid.render.bind(mermaid)
const prepare = mermaid.initialize.bind(mermaid)

mermaid.initialize = (options) => {
  const themeCSS = `${options.themeCSS ?? ""} .labelBkg { background-color: transparent }`
  const flowchart = { nodeSpacing: 24, rankSpacing: 36, padding: 10, wrappingWidth: 140 }
  prepare({ ...options, themeCSS, flowchart })
}

mermaid.render = async (id, text, ...rest) => {
  const drawn = await draw(id, text, ...rest)
  const named = '<svg aria-label="Diagram. The text below it says the same in words." '
  return { ...drawn, svg: drawn.svg.replace("<svg ", named) }
}

// The search is a dialog, and needs a name. The buttons of a listing are no navigation of the site.
document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search")
const mend = () =>
  document
    .querySelectorAll("nav.md-code__nav:not([role])")
    .forEach((nav) => nav.setAttribute("role", "none"))
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true })
mend()
