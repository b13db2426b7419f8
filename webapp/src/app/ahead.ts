/** Chromium has it; others run no page before it is opened. */
type Page = EventTarget & { prerendering?: boolean }

/** Whether the browser runs the page ahead of its being opened, which may never be: nobody joins, or is asked for a camera, by that. */
export const isAhead = (page: Page = document) => page.prerendering === true

export const opened = (page: Page = document) =>
  new Promise<void>((resolve) =>
    page.addEventListener('prerenderingchange', () => resolve(), { once: true }),
  )
