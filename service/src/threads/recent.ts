/** Keeps the last values used; a failed one is forgotten, so that the next call tries again. */
export function createRecent<Value extends Promise<unknown>>(
  limit: number,
  drop: (value: Value) => Promise<void> = async () => {},
) {
  const values = new Map<string, Value>();
  return {
    get(key: string, make: () => Value): Value {
      const value = values.get(key) ?? make();
      values.delete(key);
      values.set(key, value);
      value.catch(() => {
        if (values.get(key) === value) values.delete(key);
      });
      for (const [oldest, dropped] of values) {
        if (values.size <= limit) break;
        values.delete(oldest);
        drop(dropped).catch(() => {});
      }
      return value;
    },
  };
}
