import { createHash, timingSafeEqual } from "node:crypto";

export type Bearer = "right" | "wrong" | "missing" | "no-token-here";

/** Whether a request's `Authorization` header carries the token; takes as long whatever it carries. */
export function checkBearer(header: string | undefined, token: string | undefined): Bearer {
  if (token === undefined) return "no-token-here";
  const given = /^Bearer (.+)$/.exec(header ?? "")?.[1];
  if (given === undefined) return "missing";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token)) ? "right" : "wrong";
}
