import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OptimizeOptions, optimizeRequest } from './request.ts';

const OPTIONS: OptimizeOptions = {
  target: 'x86-64',
  precision: 'auto',
  out: 'out',
  modelVersion: '1',
};

describe('the request that options make', () => {
  it('asks for no more than was given', () => {
    expect(optimizeRequest('model.onnx', OPTIONS)).toEqual({
      modelFile: resolve('model.onnx'),
      version: 1,
      targets: ['x86-64'],
      precisions: 'auto',
      out: resolve('out'),
    });
  });

  it('reads lists, points, counts and what fixes a scheme', () => {
    const more = {
      target: 'x86-64, jetson-orin',
      precision: 'int8,fp16',
      calibration: 'synthetic',
      maxDrop: '0.5',
      seed: '7',
      perTensor: true,
      equalize: false,
      blockSize: '32',
      float: ['a', 'b'],
    };
    expect(optimizeRequest('model.onnx', { ...OPTIONS, ...more })).toMatchObject({
      targets: ['x86-64', 'jetson-orin'],
      precisions: ['int8', 'fp16'],
      calibration: 'synthetic',
      maxDrop: 0.005,
      seed: 7,
      scheme: { perChannel: false, equalize: false, blockSize: 32, float: ['a', 'b'] },
    });
  });

  it.each<[Partial<OptimizeOptions>, RegExp]>([
    [{ target: 'toaster' }, /target "toaster" is not known/],
    [{ precision: 'int7' }, /no precision int7: use auto or some of fp32/],
    [{ calibration: '' }, /--calibration names no path/],
    [{ out: '' }, /--out names no path/],
    [{ maxDrop: '500' }, /--max-drop takes percentage points from 0 to 100, not "500"/],
    [{ modelVersion: '1.5' }, /--model-version takes a whole number from 1, not "1.5"/],
    [{ maxChoice: '-1' }, /--max-choice takes a number from 0, not "-1"/],
    [{ recipe: 'r.json', method: 'mse' }, /--recipe says how the variant is made: leave out/],
    [{ recipe: 'r.json', keep: ['logits'] }, /--recipe says how the variant is made/],
    [{ method: 'magic' }, /--method takes one of min-max, .*, not "magic"/],
    [{ rounding: 'up' }, /--rounding takes one of nearest, adaptive, not "up"/],
    [{ blockSize: '17' }, /--block-size takes one of 16, 32, 64, 128, not 17/],
  ])('refuses %j', (wrong, says) => {
    expect(() => optimizeRequest('model.onnx', { ...OPTIONS, ...wrong })).toThrow(says);
  });

  it('refuses a model without a name', () => {
    expect(() => optimizeRequest('', OPTIONS)).toThrow(/the model names no path/);
  });
});
