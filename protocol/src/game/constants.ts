/** Levels of a tree that one reveal shows; equals `REVEAL_LEVELS` of the dispute game's contract. */
export const REVEAL_LEVELS = 6;
/** A tensor's node at this height or below is revealed as its bytes; equals `BYTES_HEIGHT` of the contract. */
export const BYTES_HEIGHT = 2;
/** Bytes of a leaf of a tensor's tree; a tensor's last leaf may be shorter. */
export const LEAF_BYTES = 256;
