export * from './bundle-file.ts';
export * from './fs.ts';
