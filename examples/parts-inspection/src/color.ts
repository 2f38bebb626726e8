/** A color as red, green, blue, each from 0 to 255. */
export type Rgb = readonly [number, number, number];

const clampByte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));

export function css([red, green, blue]: Rgb): string {
  return `rgb(${clampByte(red)},${clampByte(green)},${clampByte(blue)})`;
}

export function shade([red, green, blue]: Rgb, factor: number): Rgb {
  return [red * factor, green * factor, blue * factor];
}

/** Perceived lightness from 0 to 255 (weights of ITU-R BT.601). */
export function luma([red, green, blue]: Rgb): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}
