import type { NodeFacts } from './inputs.ts'

/**
 * The address at which clients reach the media ports of each node: what the spec says (one address for all nodes, or
 * one for each in the order of their names), else what is known of the node. Nodes without an address are left out;
 * the pods wait there.
 */
export function nodeAddresses(
  given: readonly string[],
  nodes: Readonly<Record<string, NodeFacts>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.keys(nodes)
      .toSorted()
      .flatMap((node, position) => {
        const address = given.length === 1 ? given[0] : (given[position] ?? nodes[node]?.advertised)
        return address === undefined ? [] : [[node, address]]
      }),
  )
}
