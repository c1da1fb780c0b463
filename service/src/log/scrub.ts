/** Of a URL: scheme, credentials, host and port, and the rest, where providers put keys. */
const URLS =
  /\b(https?|wss?|rediss?|postgres(?:ql)?):\/\/(?:[^\s"'\\/@]*@)?([^\s"'\\/?#@]+)([/?#][^\s"'\\]*)?/g;
/** What follows the name of a scheme of authentication. */
const CREDENTIALS = /\b(Bearer|Basic) [\w.~+/=-]+/g;

/**
 * A text without what may be secret of the URLs and credentials in it: of a URL scheme, host and port are left.
 *
 * @example
 * scrub("GET https://user:pw@rpc.example/v3/KEY failed"); // "GET https://rpc.example/[redacted] failed"
 */
export function scrub(text: string): string {
  return text
    .replace(URLS, (_whole, scheme: string, host: string, rest = "") =>
      rest === "" || rest === "/" ? `${scheme}://${host}${rest}` : `${scheme}://${host}/[redacted]`,
    )
    .replace(CREDENTIALS, "$1 [redacted]");
}
