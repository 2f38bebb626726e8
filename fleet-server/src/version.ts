import manifest from '../package.json' with { type: 'json' };

/** Of this server, as in its package. */
export const VERSION: string = manifest.version;
