/** A pattern in which `*` stands for any characters; it takes time linear in pattern and value. */
export function toPattern(text: string): (value: string) => boolean {
  const parts = text.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return (value) => value === first;
  const last = parts.at(-1) ?? '';
  const inner = parts.slice(1, -1).filter((part) => part !== '');
  return (value) => {
    if (value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    let at = first.length;
    for (const part of inner) {
      const index = value.indexOf(part, at);
      if (index < 0) return false;
      at = index + part.length;
    }
    return at <= value.length - last.length;
  };
}
