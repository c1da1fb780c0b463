export * from "./account.ts";
export * from "./keystore.ts";
export * from "./keystore-files.ts";
export * from "./password.ts";
export * from "./remote-signer.ts";
export * from "./terminal.ts";
