import manifest from '../../package.json' with { type: 'json' };

/** Version of this package, as it reports itself. */
export const AGENT_VERSION: string = manifest.version;
