/** Protocols that a video stream may come by. */
export const STREAMS: readonly string[] = ['rtsp', 'rtsps', 'http', 'https', 'tcp', 'udp'];

/** `rtsp` of `rtsp://host`; undefined of a path. */
export const schemeOf = (video: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):/i.exec(video)?.[1]?.toLowerCase();

/** An address as it may be shown: without log-in, and without a query, which may hold a token. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, '//');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Takes the log-in and query of an address out of a text that quotes it. */
export function redactor(url: string): (text: string) => string {
  const shown = shownUrl(url);
  return (text) => text.replaceAll(url, shown).replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, '$1');
}
