/** Preprocessing of SqueezeNet 1.1 as it was trained with Caffe: BGR, mean of ImageNet, no scaling. */
export const SQUEEZENET_SPEC = `
schema: 1
name: squeezenet
task: image-classification
inputs:
  data_0:
    image:
      color: bgr
      resize: {mode: shortSide, size: 256, kernel: lanczos3}
      crop: 224
      scale: 1
      mean: [104, 117, 123]
      std: 1
      layout: nchw
outputs:
  classification: {tensor: softmaxout_1, activation: none}
evaluation: {metric: top1, maxDrop: 0.01}
`;
