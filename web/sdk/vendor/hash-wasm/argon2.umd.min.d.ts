/** What accounts use of hash-wasm, which puts itself on the global object. */
declare global {
  var hashwasm: {
    argon2id(options: {
      password: Uint8Array;
      salt: Uint8Array;
      memorySize: number;
      iterations: number;
      parallelism: number;
      hashLength: number;
      outputType: "binary";
    }): Promise<Uint8Array<ArrayBuffer>>;
  };
}
export {};
