import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PART_LABELS, renderDataset } from '@flotilla/example-parts-inspection';
import type { Session } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { digitSamples, keywordSamples } from './datasets.ts';
import { MOBILENET_IMAGES, SQUEEZENET_IMAGES } from './image-specs.ts';
import { imagenetFiles, imageSamples } from './images.ts';
import { type ImageForm, seededImages } from './seeded-images.ts';
import { speechSamples } from './speech.ts';
import { everyNth, type Limits, rawSpec, type Samples, type Subject } from './subject.ts';

const PARTS = fileURLToPath(
  new URL('../../../examples/parts-inspection/versions/2/', import.meta.url),
);

/** Every model that is measured, by name; those with labels first. */
export const SUBJECTS: readonly Subject[] = [
  imagenet('squeezenet', 'derived/squeezenet1.1_fp32_widened.onnx', SQUEEZENET_IMAGES, {
    input: 'data_0',
    classes: 'softmaxout_1',
    firstClass: 0,
  }),
  {
    name: 'kws01',
    model: 'derived/kws01_dscnn_fp32.onnx',
    spec: rawSpec({ name: 'kws01', inputs: ['input'], classes: 'output', metric: 'top1' }),
    samples: async (models, most) =>
      everyNth(await keywordSamples(join(models, 'data/kws01'), 'input'), 10, most),
  },
  imagenet('mobilenet', 'derived/mobilenet_v1_0.25_128_deq_fp32.onnx', MOBILENET_IMAGES, {
    input: 'input',
    classes: 'output',
    firstClass: 1,
  }),
  {
    name: 'mnist',
    model: 'onnx/mnist-8_cntk.onnx',
    spec: rawSpec({
      name: 'mnist',
      inputs: ['Input3'],
      classes: 'Plus214_Output_0',
      activation: 'softmax',
      metric: 'top1',
    }),
    samples: async (models, most) => {
      const digits = await digitSamples(join(models, 'data/mnist_t10k'), 'Input3', 1100);
      return everyNth(digits, 11, most);
    },
  },
  {
    name: 'parts',
    model: join(PARTS, 'model.onnx'),
    spec: rawSpec({
      name: 'parts',
      inputs: ['image'],
      classes: 'logits',
      activation: 'softmax',
      metric: 'top1',
    }),
    samples: partsSamples,
  },
  seeded('ic01', 'derived/ic01_resnet8_fp32.onnx', 'output', {
    input: 'input',
    size: 32,
    layout: 'nhwc',
    pixel: (value) => value,
  }),
  seeded('cifar10', 'onnx/cifar10_pytorch.onnx', 'modelOutput', {
    input: 'modelInput',
    size: 32,
    layout: 'nchw',
    pixel: (value) => value / 127.5 - 1,
  }),
  {
    name: 'silero',
    model: 'onnx/silero_vad_16k_op15.onnx',
    spec: rawSpec({ name: 'silero', inputs: ['input', 'state', 'sr'], metric: 'agreement' }),
    samples: async (models, most) =>
      await withSession(join(models, 'onnx/silero_vad_16k_op15.onnx'), async (vad) => {
        const file = join(models, 'data/silero_test_16k.wav');
        return everyNth(await speechSamples(file, vad, 900), 3, most);
      }),
  },
  seeded('style', 'onnx/style_candy.onnx', undefined, {
    input: 'inputImage',
    size: 720,
    layout: 'nchw',
    pixel: (value) => value,
  }),
];

/** Where a subject's model lies. */
export function modelFile({ model }: Subject, models: string): string {
  return isAbsolute(model) ? model : join(models, model);
}

interface Classes {
  readonly input: string;
  readonly classes: string;
  /** Class index of the model for class 0 of the labels. */
  readonly firstClass: number;
}

function imagenet(name: string, model: string, images: string, classes: Classes): Subject {
  const { input, classes: output, firstClass } = classes;
  return {
    name,
    model,
    spec: rawSpec({ name, inputs: [input], classes: output, metric: 'top1' }),
    samples: async (models, most) =>
      await withSession(join(models, model), async ({ inputs }) => {
        const all = await imagenetFiles(join(models, 'data/imagenet300'));
        const files = everyNth(
          all.map(({ path, label }) => ({ path, label: label + firstClass })),
          3,
          most,
        );
        return {
          calibration: await imageSamples(files.calibration, images, inputs[0]!),
          evaluation: await imageSamples(files.evaluation, images, inputs[0]!),
        };
      }),
  };
}

function seeded(
  name: string,
  model: string,
  classes: string | undefined,
  form: ImageForm,
): Subject {
  const output = classes === undefined ? {} : { classes };
  const activation = name === 'cifar10' ? 'softmax' : 'none';
  return {
    name,
    model,
    spec: rawSpec({ name, inputs: [form.input], ...output, activation, metric: 'agreement' }),
    samples: async (_, most) => ({
      calibration: seededImages(most.calibration, 1, form),
      evaluation: seededImages(most.evaluation, 2, form),
    }),
  };
}

/** Images of the example, rendered anew; those that judge come from another seed. */
async function partsSamples(_models: string, most: Limits): Promise<Samples> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-parts-'));
  try {
    return await withSession(join(PARTS, 'model.onnx'), async ({ inputs }) => {
      const spec = await readFile(join(PARTS, 'model.yaml'), 'utf8');
      const classes: readonly string[] = PART_LABELS;
      const render = async (name: string, seed: number, count: number) => {
        const target = join(folder, name);
        const perClass = Math.ceil(count / PART_LABELS.length);
        await renderDataset(target, { perClass, seed });
        const rows = (await readFile(join(target, 'labels.csv'), 'utf8'))
          .trim()
          .split('\n')
          .slice(1);
        const files = rows.slice(0, count).map((row) => {
          const [file = '', label = ''] = row.split(',');
          return { path: join(target, file), label: classes.indexOf(label) };
        });
        return await imageSamples(files, spec, inputs[0]!);
      };
      return {
        calibration: await render('calibration', 11, most.calibration),
        evaluation: await render('evaluation', 12, most.evaluation),
      };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withSession<T>(file: string, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await ortRuntime().load(new Uint8Array(await readFile(file)));
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}
