/** A picture is stretched by so much before the next larger one is asked for, which has four times its pixels. */
const maxStretch = 1.25

/**
 * How many pixels of a picture are asked for a pixel of the page. LiveKit's client by itself asks for one, or two on a
 * dense screen.
 *
 * @param pixelRatio the screen's pixels for a pixel of the page
 */
export const askedDensity = (pixelRatio: number) => (pixelRatio > 2 ? 2 : 1) / maxStretch
