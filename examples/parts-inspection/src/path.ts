/** Helpers that write SVG path data; lengths are pixels of the unscaled frame. */

export type Point = readonly [x: number, y: number];

const format = (value: number): string => value.toFixed(2);

/** The point at `radius` from the origin, `angle` in radians. */
export function polar(radius: number, angle: number): Point {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

export function line(points: readonly Point[]): string {
  return points
    .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${format(x)} ${format(y)}`)
    .join('');
}

export function polygon(points: readonly Point[]): string {
  return `${line(points)}Z`;
}

export function circle(radius: number, [x, y]: Point = [0, 0]): string {
  const r = format(radius);
  return `M${format(x - radius)} ${format(y)}a${r} ${r} 0 1 0 ${format(2 * radius)} 0a${r} ${r} 0 1 0 ${format(-2 * radius)} 0Z`;
}

export function rectangle(left: number, top: number, width: number, height: number): string {
  return `M${format(left)} ${format(top)}h${format(width)}v${format(height)}h${format(-width)}Z`;
}

/** A filled element whose overlapping contours are holes. */
export function filled(data: string, paint: string, opacity = 1): string {
  return `<path d="${data}" fill="${paint}" fill-rule="evenodd"${opacity < 1 ? ` opacity="${format(opacity)}"` : ''}/>`;
}

export function stroked(data: string, paint: string, width: number, opacity = 1): string {
  return `<path d="${data}" fill="none" stroke="${paint}" stroke-width="${format(width)}" stroke-linecap="round" stroke-linejoin="round"${opacity < 1 ? ` opacity="${format(opacity)}"` : ''}/>`;
}
