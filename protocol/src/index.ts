export * from './bundle.ts';
export {
  type BundleHead,
  type BundleTaker,
  readBundleStream,
} from './bundle-stream.ts';
export { type BundleFile, type BundleFileParts, packBundle, unpackBundle } from './bundle-tar.ts';
export { closeNames, closestName } from './close-names.ts';
export * from './compatibility.ts';
export { type DeltaInputs, decodeDelta, type RandomAccess } from './delta/decode.ts';
export { encodeDelta } from './delta/encode.ts';
export * from './digest.ts';
export * from './error.ts';
export * from './ids.ts';
export * from './json.ts';
export * from './messages.ts';
export { type MqttEndpoint, mqttEndpoint } from './mqtt-endpoint.ts';
export * from './release.ts';
export * from './topics.ts';
export type { DirectorVerdict, HaltVerdict, InstallVerdict } from './trust/director.ts';
export { checkInstall, directorVersion, verifyDirector, verifyHalt } from './trust/director.ts';
export { MAX_METADATA_BYTES } from './trust/document.ts';
export * from './trust/metadata.ts';
export { anchorRoot, readTrustKey, rootKeyIds, type TrustKey } from './trust/pinned-key.ts';
export type { RoleName } from './trust/roles.ts';
export { isTargetPath } from './trust/targets.ts';
export * from './trust/verifier.ts';
export { type MetadataVerdict, verifyMetadata } from './trust/verify.ts';
