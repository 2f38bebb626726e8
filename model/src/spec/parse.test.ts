import { readFileSync } from 'node:fs';
import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpec } from './parse.ts';
import { MAX_SPEC_BYTES, SpecDocument } from './schema.ts';

const SQUEEZENET = `schema: 1
name: squeezenet
task: image-classification
inputs:
  data_0: {image: {color: bgr, resize: {mode: shortSide, size: 256, kernel: lanczos3}, crop: 224, scale: 1, mean: [104, 117, 123], std: 1, layout: nchw}}
outputs:
  classification: {tensor: softmaxout_1, activation: none}
evaluation: {metric: top1, maxDrop: 0.01}
`;

const LOG_MEL = 'sampleRate: 8000, features: logMel, mel: {bins: 8}';
const MELS = 'sampleRate: 8000, features: logMel, frames: {frame: 400, hop: 160}, mel: {bins: 8';

function changed(from: string, to: string): () => unknown {
  if (!SQUEEZENET.includes(from)) throw new Error(`${from} is not in the spec`);
  return () => parseSpec(SQUEEZENET.replace(from, to), 'model.yaml');
}

describe('parseSpec', () => {
  it('spells out short forms', () => {
    const spec = parseSpec(SQUEEZENET, 'squeezenet.yaml');
    expect(spec.inputs.data_0).toEqual({
      kind: 'image',
      color: 'bgr',
      resize: {
        mode: 'shortSide',
        size: [256, 256],
        kernel: 'lanczos3',
        antialias: true,
        pad: [0, 0, 0],
      },
      crop: [224, 224],
      scale: [1, 1, 1],
      mean: [104, 117, 123],
      std: [1, 1, 1],
      layout: 'nchw',
    });
    expect(spec.outputs.classification).toEqual({
      tensor: 'softmaxout_1',
      labels: undefined,
      activation: 'none',
    });
    expect(spec.evaluation).toEqual({ metric: 'top1', maxDrop: 0.01, slices: [] });
  });

  it('fills in defaults', () => {
    const spec = parseSpec(
      'schema: 1\nname: m\ninputs: {x: {image: {}}}\noutputs: {classification: {tensor: y}}',
      'm.yaml',
    );
    expect(spec.inputs.x).toMatchObject({ color: 'rgb', scale: [1, 1, 1], layout: 'nchw' });
    expect(spec.outputs.classification?.activation).toBe('softmax');
    expect(spec.evaluation).toEqual({ metric: 'top1', maxDrop: 0.01, slices: [] });
  });

  it('reads fractions, pairs, gray and other kinds of input', () => {
    const spec = parseSpec(
      `schema: 1
name: m
inputs:
  gray: {image: {color: gray, scale: 1/255, resize: {mode: letterbox, size: [64, 32], pad: 114}}}
  row: {features: {names: [a, b], mean: [1, 2], std: 1/2}}
  rate: {constant: 16000}
  flag: {constant: true}
  h: {state: {from: hn}}
  sound: {audio: {sampleRate: 16000}}
  x: {raw: {}}
outputs: {raw: {}}`,
      'm.yaml',
    );
    expect(spec.inputs.gray).toMatchObject({
      scale: [1 / 255],
      mean: [0],
      resize: { size: [64, 32], pad: [114, 114, 114], kernel: 'bilinear' },
    });
    expect(spec.inputs.row).toMatchObject({
      columns: [
        { kind: 'number', name: 'a', mean: 1, std: 0.5 },
        { kind: 'number', name: 'b', mean: 2, std: 0.5 },
      ],
    });
    expect(spec.inputs.rate).toEqual({ kind: 'constant', value: [16000] });
    expect(spec.inputs.flag).toEqual({ kind: 'constant', value: [1] });
    expect(spec.inputs.h).toEqual({ kind: 'state', from: 'hn' });
    expect(spec.inputs.sound).toMatchObject({ kind: 'audio', sampleRate: 16000 });
    expect(spec.outputs.raw).toBe(true);
    expect(spec.evaluation.metric).toBe('agreement');
  });

  it.each([
    [
      'size: 256',
      'siz: 256',
      'inputs.data_0.image.resize has the unknown key "siz"; allowed: mode, size',
    ],
    ['size: 256', 'size: -1', 'inputs.data_0.image.resize.size must be pixels from 1 to 8192'],
    ['size: 256', 'size: [1, 2, 3]', 'inputs.data_0.image.resize.size must be pixels'],
    [
      'color: bgr',
      'color: cmyk',
      'inputs.data_0.image.color must be rgb (the default), bgr or gray',
    ],
    ['std: 1,', 'std: 0,', 'inputs.data_0.image.std must not be 0'],
    ['scale: 1', 'scale: 1/0', 'inputs.data_0.image.scale must be finite'],
    ['scale: 1', 'scale: .inf', 'inputs.data_0.image.scale must be the factor'],
    ['[104, 117, 123]', '[104, 117]', 'inputs.data_0.image.mean must be one number or 3'],
    ['data_0: {image', 'data_0: {imag', 'inputs.data_0 has the unknown key "imag"; allowed: image'],
    ['schema: 1', 'schema: 2', 'schema must be 1'],
    ['name: squeezenet', 'nam: x', 'has the unknown key "nam"'],
    ['name: squeezenet\n', '', 'name is missing; it must be 1 to 63 of'],
    ['name: squeezenet', 'name: Squeeze Net', 'name must be 1 to 63 of'],
    ['tensor: softmaxout_1, ', '', 'outputs.classification.tensor is missing'],
    ['{metric: top1', '[metric: top1', 'line 8 is not YAML'],
    ['task: image-classification', 'name: twice', 'line 3 has the key name a second time'],
    ['maxDrop: 0.01', 'maxDrop: null', 'evaluation.maxDrop must be the largest net loss'],
    ['{tensor: soft', '{labels: ../../etc/passwd, tensor: soft', 'must be a file in the folder'],
    ['{tensor: soft', '{labels: /etc/passwd, tensor: soft', 'must be a file in the folder'],
    ['{tensor: soft', '{labels: "c:\\\\x", tensor: soft', 'must be a file in the folder'],
  ])('%s → %s: names file, key and what is allowed', (from, to, message) => {
    expect(changed(from, to)).toThrow(`model.yaml: `);
    expect(changed(from, to)).toThrow(message);
  });

  it.each([
    ['x: {audio: {sampleRate: 1}}', 'inputs.x.audio.sampleRate must be samples per second, from'],
    ['x: {audio: {sampleRate: 8000, samples: 1, seconds: 1}}', 'audio.seconds must not be given'],
    ['x: {audio: {sampleRate: 8000, mel: {bins: 8}}}', 'audio.mel is of no use for a waveform'],
    ['x: {audio: {sampleRate: 8000, features: mfcc}}', 'audio.frames is missing; mfcc needs it'],
    [
      `x: {audio: {${LOG_MEL}, frames: {frame: 4}}}`,
      'frames.hop must be given in samples, or else',
    ],
    [`x: {audio: {${LOG_MEL}, frames: {frame: 9, hop: 1, fftSize: 8}}}`, 'at least the frame of 9'],
    [
      'x: {audio: {sampleRate: 48000, features: logMel, mel: {bins: 8}, frames: {frameMs: 1000, hop: 1}}}',
      'frames.frameMs must be at most 32768 samples, not 48000',
    ],
    [`x: {audio: {${LOG_MEL}, frames: {frame: 4, hop: 1, fftSize: 7}}}`, 'must be an even number'],
    [`x: {audio: {${MELS}, fMax: 4001}}}`, 'mel.fMax must be at most half the sample rate, 4000'],
    [`x: {audio: {${MELS}, fMin: 4000}}}`, 'mel.fMin must be below fMax'],
    [`x: {audio: {${MELS}}, log: {offset: 0}}}`, 'log.offset must be above 0'],
    [`x: {audio: {${MELS}}, normalize: {std: [1, 2]}}}`, 'normalize.std must be one number or 8'],
    ['x: {audio: {sampleRate: 8000, normalize: bin}}', 'a waveform has no bins'],
    ['x: {features: {}}', 'inputs.x.features.names is missing'],
    ['x: {features: {names: [a], columns: [{name: a}]}}', 'columns must not be given beside names'],
    ['x: {features: {columns: [{name: a}, {name: a}]}}', 'columns must not name one twice'],
    ['x: {features: {columns: [{name: a, max: 1}]}}', 'columns.0.min is missing beside the other'],
    ['x: {features: {columns: [{name: a, min: 1, max: 1}]}}', 'columns.0.max must be above min'],
    ['x: {features: {columns: [{name: a, min: 0, max: 1/0}]}}', 'columns.0.max must be finite'],
    ['x: {features: {columns: [{name: a, min: -1e308, max: 1e308}]}}', 'must not be that far from'],
    ['x: {features: {columns: [{name: a, std: 0}]}}', 'columns.0.std must not be 0'],
    ['x: {features: {columns: [{name: a, encode: index}]}}', 'is of no use without categories'],
    ['x: {features: {columns: [{name: a, categories: [1, "1"]}]}}', 'must not name one twice'],
    ['x: {features: {columns: [{name: a, categories: [" "]}]}}', 'what counts as missing'],
    ['x: {features: {columns: [{name: a, categories: [b], missing: 1}]}}', 'must be refuse, zeros'],
  ])('%s: says what is wrong with an input', (inputs, message) => {
    const text = `schema: 1\nname: m\ninputs: {${inputs}}\noutputs: {raw: {}}`;
    expect(() => parseSpec(text, 'm.yaml')).toThrow(message);
  });

  it.each([
    ['detection: {format: xyxy}', 'outputs.detection.boxes is missing; give it, or tensor'],
    ['detection: {format: xyxy, boxes: b}', 'outputs.detection.scores is missing beside boxes'],
    ['detection: {tensor: y}', 'outputs.detection.format is missing; it must be xyxy'],
    ['detection: {format: xyxy, tensor: y, boxes: b}', 'boxes must not be given beside tensor'],
    [
      'classification: {tensor: c, labels: [a]}, detection: {format: xyxy, tensor: y, labels: [b]}',
      'outputs.detection.labels must be those of classification',
    ],
    ['detection: {format: xyxy, tensor: y, nms: {iou: 2}}', 'nms.iou must be the overlap'],
    ['detection: {format: xyxy, tensor: y, anchors: {strides: [8]}}', 'must be cxcywh or cycxhw'],
    ['detection: {format: cxcywh, tensor: y, anchors: {}}', 'anchors must hold either boxes or'],
    ['regression: {tensor: y, names: [a], mean: [1, 2]}', 'must be one number or 1 of them'],
    ['regression: {tensor: y, mean: [1, 2, 3], std: [1, 2]}', 'one number or 3 of them'],
    ['regression: {tensor: y, names: [a, a]}', 'regression.names must not name one twice'],
    ['regression: {tensor: y, std: 0}', 'outputs.regression.std must not be 0'],
    ['regression: {tensor: y, unit: [m, s]}', 'unit must be one unit or one for each of names'],
    ['anomaly: {tensor: y}', 'outputs.anomaly.threshold is missing'],
    ['anomaly: {threshold: 1}', 'outputs.anomaly must hold either tensor or reconstruction'],
    ['anomaly: {reconstruction: y, input: z, threshold: 1}', 'must be one of the inputs: x'],
  ])('%s: says what is wrong with an output', (outputs, message) => {
    const text = `schema: 1\nname: m\ninputs: {x: {raw: {}}}\noutputs: {${outputs}}`;
    expect(() => parseSpec(text, 'm.yaml')).toThrow(message);
  });

  it('refuses what is too large, and aliases that multiply', () => {
    expect(() => parseSpec('#'.repeat(MAX_SPEC_BYTES + 1), 'm')).toThrow('larger than 256 KB');
    const level = (name: string, of: string) => `${name}: &${name} [${`*${of},`.repeat(9)}]`;
    const bomb = ['a: &a [x,x]', level('b', 'a'), level('c', 'b'), level('d', 'c')].join('\n');
    expect(() => parseSpec(bomb, 'm')).toThrow('is refused');
  });

  it.each([
    ['nesting', '['.repeat(200_000), 'is not YAML'],
    ['quotes', '"'.repeat(250_000), 'line 1 is not YAML'],
    ['keys', `{${Array.from({ length: 40_000 }, (_, i) => `${i.toString(36)}:`).join()}}`, 'm:'],
  ])('answers in time to a file full of %s', (_, text, message) => {
    // Processor time: what else the machine does is no fault of the parser.
    const started = process.threadCpuUsage();
    expect(() => parseSpec(text, 'm')).toThrow(message);
    const { user, system } = process.threadCpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(8000);
  });

  it('keeps names that JavaScript gives a meaning', () => {
    const text =
      'schema: 1\nname: m\ninputs: {__proto__: {raw: {}}, constructor: {raw: {}}}\noutputs: {raw: {}}';
    const { inputs } = parseSpec(text, 'm');
    expect(Object.keys(inputs).sort()).toEqual(['__proto__', 'constructor']);
    expect(({} as { kind?: string }).kind).toBeUndefined();
  });

  it('answers any text with a spec or with spec.invalid', () => {
    const lines = SQUEEZENET.split('\n');
    const mutilated = fc
      .tuple(fc.nat(lines.length - 1), fc.string({ maxLength: 40 }))
      .map(([at, text]) => lines.with(at, text).join('\n'));
    fc.assert(
      fc.property(fc.oneof(mutilated, fc.string(), fc.json()), (text) => {
        try {
          return parseSpec(text, 'm.yaml').schema === 1;
        } catch (error) {
          return isFlotillaError(error, 'spec.invalid');
        }
      }),
    );
  });
});

describe('model.schema.json', () => {
  it('is the schema in code; `npm run schema -w @flotilla/model` writes it', () => {
    const file = new URL('../../model.schema.json', import.meta.url);
    const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(SpecDocument)));
  });
});
