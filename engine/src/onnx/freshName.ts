/** The first of `base`, `base_2`, `base_3`, … that is not taken; it is taken then. */
export function freshName(taken: Set<string>, base: string): string {
  let name = base;
  for (let suffix = 2; taken.has(name); suffix++) name = `${base}_${suffix}`;
  taken.add(name);
  return name;
}
