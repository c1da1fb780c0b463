/** Development accounts by role. */
export const ROLES = {
  deployer: 0,
  "node A": 1,
  "node B": 2,
  "node C": 3,
  challenger: 4,
  consumer: 5,
  "node D": 6,
  "node E": 7,
  "node F": 8,
  "node G": 9,
} as const;
export type Role = keyof typeof ROLES;
export type NodeRole = Extract<Role, `node ${string}`>;
