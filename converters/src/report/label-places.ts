/** A disc in a drawing that wants a label. */
export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Place {
  /** Middle of the label. */
  readonly x: number;
  readonly y: number;
  /** Too far from its disc to be taken for its label without a line. */
  readonly away: boolean;
}

/** Half the width and height of a number of two digits. */
const HALF = { width: 8, height: 6 };
const DISTANCES = [0, 10, 20, 32, 44, 58, 72];
const DIRECTIONS = Array.from({ length: 16 }, (_, i) => (i * Math.PI) / 8);

/**
 * Places for a label beside each disc, where it covers no disc and no other label as far as there is
 * room: the nearest free place, else the one that covers least.
 */
export function labelPlaces(discs: readonly Disc[], area: Area): Place[] {
  const places: Place[] = [];
  for (const disc of discs) {
    const tried = placesAround(disc).filter((place) => isInside(place, area));
    const costs = tried.map((place) => covered(place, discs, places));
    const best = tried[costs.indexOf(Math.min(...costs))];
    places.push(best ?? { x: disc.x, y: disc.y, away: false });
  }
  return places;
}

function placesAround({ x, y, radius }: Disc): Place[] {
  return DISTANCES.flatMap((distance) =>
    DIRECTIONS.map((angle) => ({
      x: x + Math.cos(angle) * (radius + HALF.width + 1 + distance),
      y: y - Math.sin(angle) * (radius + HALF.height + 1 + distance),
      away: distance > 0,
    })),
  );
}

function isInside({ x, y }: Place, { left, right, top, bottom }: Area): boolean {
  const isWithin = x - HALF.width >= left && x + HALF.width <= right;
  return isWithin && y - HALF.height >= top && y + HALF.height <= bottom;
}

/** How many discs and labels a label would cover. */
function covered(place: Place, discs: readonly Disc[], labels: readonly Place[]): number {
  const onDiscs = discs.filter(({ x, y, radius }) => {
    const aside = Math.max(0, Math.abs(x - place.x) - HALF.width);
    const above = Math.max(0, Math.abs(y - place.y) - HALF.height);
    return Math.hypot(aside, above) < radius;
  });
  const onLabels = labels.filter(
    ({ x, y }) => Math.abs(x - place.x) < 2 * HALF.width && Math.abs(y - place.y) < 2 * HALF.height,
  );
  return onDiscs.length + onLabels.length;
}
