import { expect, it } from '@jest/globals'
import { answerBinding } from './stun.ts'

const transaction = 'b7e7a701bc34d686fa87dfae'
const request = (type = '0001', cookie = '2112a442') =>
  Buffer.from(`${type}0000${cookie}${transaction}`, 'hex')

it('says where a request came from, as the sample of RFC 5769 section 2.2 has it', () => {
  const answer = answerBinding(request(), { address: '192.0.2.1', port: 32853 })
  // XOR-MAPPED-ADDRESS of the sample: 00 20 00 08 00 01 a1 47 e1 12 a6 43.
  expect(answer?.toString('hex')).toBe(`0101000c2112a442${transaction}002000080001a147e112a643`)
})

it.each([
  ['too short', request().subarray(0, 19)],
  ['an answer', request('0101')],
  ['no STUN', request('0001', '00000000')],
  ['nothing', Buffer.alloc(0)],
])('leaves %s without an answer', (_, message) => {
  expect(answerBinding(message, { address: '192.0.2.1', port: 1 })).toBeUndefined()
})
