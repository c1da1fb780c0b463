/**
 * URL of a module beside the one that asks, for threads and child processes that are started by file: it has the extension of the asking module,
 * `.ts` in a checkout and `.js` in an installed package.
 *
 * @param path relative to the asking module, without extension
 * @param askingUrl `import.meta.url` of the asking module
 *
 * @example
 * new Worker(siblingModule("./hash-worker", import.meta.url));
 */
export function siblingModule(path: string, askingUrl: string): URL {
  return new URL(`${path}${askingUrl.slice(askingUrl.lastIndexOf("."))}`, askingUrl);
}
