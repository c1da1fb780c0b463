/** keccak256 of one message. */
export type Hash = (message: Uint8Array) => Uint8Array;

/** The root of a tensor's tree by one call of a hash function for each leaf and each node. */
export function rootOneByOne(bytes: Uint8Array, hash: Hash): Uint8Array {
  const leaf = new Uint8Array(257);
  let level: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 256) {
    leaf.set(bytes.subarray(at, at + 256), 1);
    level.push(hash(leaf));
  }
  const node = new Uint8Array(65).fill(1, 0, 1);
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      node.set(level[i] as Uint8Array, 1);
      node.set(level[i + 1] as Uint8Array, 33);
      above.push(hash(node));
    }
    level = above;
  }
  return level[0] as Uint8Array;
}
