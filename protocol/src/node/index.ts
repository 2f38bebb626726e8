export * from './bundle-file.ts';
export * from './fs.ts';
export { createSigner, generateKeyPair, type KeyPair, type Signer } from './keys.ts';
export {
  createRepository,
  type Expiry,
  fleetOf,
  type Keys,
  LOCAL_EXPIRY,
  type RoleKeys,
  refreshRepository,
  rotateKeys,
  SERVER_EXPIRY,
  type SigningOptions,
  signTargets,
  type TargetEntries,
  type TargetEntry,
  targetsOf,
} from './repository.ts';
export { type DirectorFields, type HaltFields, signDirector, signHalt } from './signing.ts';
export { readTarStream, type TarFile } from './tar-stream.ts';
