import { describe, expect, it } from '@jest/globals'
import { askedDensity } from './askedDensity.ts'

/** The lines of a camera's pictures as they are sent, smallest first: of 720 and of 360. */
const sent = [180, 360, 720]

/** What an SFU sends: the smallest that has as many lines as are asked for. */
const linesFor = (tile: number, pixelRatio: number) =>
  sent.find((lines) => lines >= tile * askedDensity(pixelRatio)) ?? sent.at(-1)

describe('pictures from the SFU', () => {
  it.each([
    [100, 1, 180],
    [220, 1, 180],
    [226, 1, 360],
    [450, 1, 360],
    [451, 1, 720],
    // What a screen of twice the pixels could show is not asked for.
    [220, 2, 180],
    // A phone has small tiles, and is held close.
    [112, 3, 180],
    [113, 3, 360],
    [226, 3, 720],
  ])(
    'REQ-S1: a tile of %d lines on a screen of %d pixels for each is sent %d',
    (tile, ratio, lines) => {
      expect(linesFor(tile, ratio)).toBe(lines)
    },
  )
})
