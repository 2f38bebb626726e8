/** Runs in a child process with limits: a model from outside may make the runtime abort. */
export { convert as run } from '@flotilla/converters';
