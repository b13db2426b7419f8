/** Ethernet frames as VXLAN carries them, as far as a line has to know them. */

/** The header of VXLAN, in front of each frame (RFC 7348). */
const vxlanBytes = 8
const ethernetBytes = 14
const ipv4 = 0x0800
const tcp = 6
const udp = 17

export interface Datagram {
  /** Of UDP's payload. */
  bytes: number
  rtp: boolean
}

/**
 * The UDP datagram between two addresses in a VXLAN datagram; undefined where it is anything else.
 *
 * @param between tells whether a sender and a receiver, each as four bytes in one number, are of interest
 */
export function datagramIn(
  bytes: Buffer,
  between: (from: number, to: number) => boolean,
): Datagram | undefined {
  const ip = vxlanBytes + ethernetBytes
  if (bytes.length < ip + 28 || bytes.readUInt16BE(ip - 2) !== ipv4) return undefined
  if (bytes[ip + 9] !== udp) return undefined
  if (!between(bytes.readUInt32BE(ip + 12), bytes.readUInt32BE(ip + 16))) return undefined
  const start = ip + ((bytes[ip] ?? 0) & 0x0f) * 4
  const length = bytes.readUInt16BE(start + 4) - 8
  return { bytes: length, rtp: isRtp(bytes.subarray(start + 8)) }
}

/** RTP, and not RTCP, STUN or DTLS beside it on the same port (RFC 7983, RFC 5761). */
function isRtp(payload: Buffer): boolean {
  const [first = 0, second = 0] = payload
  const rtcp = second >= 192 && second <= 223
  return first >= 128 && first <= 191 && !rtcp
}

/**
 * Writes the checksum of a TCP or UDP packet in a VXLAN datagram. Between interfaces that are no hardware Linux leaves
 * it to be filled in later (a half of it is there), and whoever takes the frame in from outside refuses that.
 */
export function fillChecksum(bytes: Buffer): void {
  const ip = vxlanBytes + ethernetBytes
  if (bytes.length < ip + 28 || bytes.readUInt16BE(ip - 2) !== ipv4) return
  const protocol = bytes[ip + 9]
  if (protocol !== tcp && protocol !== udp) return
  const start = ip + ((bytes[ip] ?? 0) & 0x0f) * 4
  const end = ip + bytes.readUInt16BE(ip + 2)
  const at = start + (protocol === tcp ? 16 : 6)
  if (end > bytes.length || at + 2 > end) return
  bytes.writeUInt16BE(0, at)
  // The pseudo header is both addresses, the protocol and the length (RFC 768, RFC 9293).
  let sum = protocol + end - start
  for (let index = ip + 12; index < ip + 20; index += 2) sum += bytes.readUInt16BE(index)
  for (let index = start; index + 1 < end; index += 2) sum += bytes.readUInt16BE(index)
  if ((end - start) % 2 === 1) sum += (bytes[end - 1] ?? 0) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  bytes.writeUInt16BE(~sum & 0xffff || 0xffff, at)
}
