/** Shown before the script runs: a sail over water, in the accent color. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0f6b7a"/><path d="M17 6v14h9C25 13 22 9 17 6Z" fill="#fff"/><path d="M14.5 10v10H7c.8-4.6 3.5-8 7.5-10Z" fill="#fff" opacity=".75"/><path d="M6 23h20l-2 3.5H8Z" fill="#fff"/></svg>',
)}`;

const escapeText = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** The one page; everything on it is drawn by the script. */
export const pageHtml = (fleet: string, { script, style }: { script: string; style: string }) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="flotilla-fleet" content="${escapeText(fleet)}">
<meta name="referrer" content="no-referrer">
<title>Flotilla</title>
<link rel="icon" href="${escapeText(ICON)}">
<link rel="stylesheet" href="${escapeText(style)}">
<script type="module" src="${escapeText(script)}"></script>
</head>
<body><div id="app"></div><noscript>The dashboard needs JavaScript; the command line shows the same: flotilla device list.</noscript></body>
</html>
`;
