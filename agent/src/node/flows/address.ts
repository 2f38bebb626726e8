/** Protocols that a video stream may come by. */
export const STREAMS: readonly string[] = ['rtsp', 'rtsps', 'http', 'https', 'tcp', 'udp'];

/** `rtsp` of `rtsp://host`; undefined of a path. */
export const schemeOf = (video: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):/i.exec(video)?.[1]?.toLowerCase();

/** Whether a text is an address of which a log-in, where it has one, can be read. */
export function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  try {
    return decodeURIComponent(`${username} ${password}`) !== '';
  } catch {
    return false;
  }
}

/** An address as it may be shown: without log-in, and without a query, which may hold a token. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, '//');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Takes log-ins and queries out of all addresses in a text, such as the words of ffmpeg. */
export const redacted = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/]*@)?([^\s?]*)(?:\?[^\s;]*)?/gi, '$1$2');
