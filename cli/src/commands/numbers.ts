import { InvalidArgumentError } from 'commander'

export function atLeastZero(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number, 0 or more.')
  return value
}

export function share(text: string): number {
  const value = atLeastZero(text)
  if (value > 1) throw new InvalidArgumentError('It must be between 0 and 1, for example 0.2.')
  return value
}
