import type { SystemFiles } from './system-files.ts';

const CLASS = 'sys/class/video4linux';

/** Video nodes of codecs, scalers and receivers, which are no cameras: a sensor names itself. */
const MACHINERY =
  /codec|isp|pispbe|hevc|rpivid|cedrus|unicam|rp1-cfe|csi2|vi-output|nvcsi|m2m|decoder|encoder|loopback-out/i;
/** A sensor behind CSI is a sub-device with its I²C address: "imx219 10-0010". */
const SENSOR = /^[\w-]+ \d+-[0-9a-f]{4}$/i;
/** Such addresses have lens motors too. */
const LENS = /^(dw9|ak73|ad53|lc89)/i;

/**
 * What captures: USB and other cameras by their first video node, CSI ones by their sensor. udev
 * tells which nodes capture; without it, the first node of a device does and further ones do not.
 */
export async function readCameras(files: SystemFiles): Promise<string[]> {
  const nodes = await files.names(CLASS, /^video\d+$/);
  const sensors = await files.names(CLASS, /^v4l-subdev\d+$/);
  const found = await Promise.all([
    ...nodes.map((node) => describeNode(files, node)),
    ...sensors.map((node) => describeSensor(files, node)),
  ]);
  return found.filter((camera) => camera !== '');
}

async function describeNode(files: SystemFiles, node: string): Promise<string> {
  const at = `${CLASS}/${node}`;
  const [name, index, number, bus] = await Promise.all([
    files.text(`${at}/name`),
    files.number(`${at}/index`),
    files.text(`${at}/dev`),
    files.link(`${at}/device/subsystem`),
  ]);
  if (name === '' || MACHINERY.test(name)) return '';
  const known = await files.text(`run/udev/data/c${number}`);
  const capabilities = /^E:ID_V4L_CAPABILITIES=(.*)$/m.exec(known)?.[1];
  const captures = capabilities === undefined ? !index : capabilities.includes(':capture:');
  return captures ? `${node}: ${name}${bus && ` (${bus})`}` : '';
}

async function describeSensor(files: SystemFiles, node: string): Promise<string> {
  const name = await files.text(`${CLASS}/${node}/name`);
  return SENSOR.test(name) && !LENS.test(name) ? `${name} (csi)` : '';
}
